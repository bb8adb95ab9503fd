/* verdicts.md: one table of verdicts, then each claim with what is behind it. */
#include "study/fairness.h"
#include "study/report.h"

#include "base/folder.h"
#include "base/memory.h"

#include <math.h>

hw_status hw_report_write(const hw_experiment *study, const char *name, const hw_text_buffer *text,
                          hw_error *err) {
    if (text->failed) return hw_fail_memory(err, text->length);
    char *path = hw_path_join(study->options->output, name, err);
    if (!path) return HW_ERROR_MEMORY;
    const hw_status status =
        hw_file_replace(path, &(hw_chunk){ text->bytes, text->length }, 1, err);
    hw_free(path);
    return status;
}

/* "needs 37 seeds, or 5,000 test texts" */
static void append_needed(hw_text_buffer *md, const hw_finding *f) {
    if (f->verdict != HW_VERDICT_INCONCLUSIVE) return;
    if (!f->needed_seeds && !f->needed_rows)
        hw_text_printf(md, "; neither more seeds nor more texts alone would decide it");
    if (f->needed_seeds) hw_text_printf(md, "; needs %zu seeds", f->needed_seeds);
    if (f->needed_rows)
        hw_text_printf(md, "%s %zu test texts", f->needed_seeds ? " or" : "; needs",
                       f->needed_rows);
}

static void append_verdict(hw_text_buffer *md, const hw_claim *claim, const hw_claim_result *r) {
    const hw_finding *f = &r->finding;
    hw_text_printf(md,
                   "| %c %s | %s | %.2f | %.2f | %+.2f %s | %+.2f to %+.2f | %.3g | %.3g | %.3g | "
                   "**%s**",
                   claim->letter, claim->title, claim->measured, r->single, r->multi, f->effect,
                   claim->unit, f->interval.low, f->interval.high, f->p, f->p_holm, f->epsilon,
                   hw_verdict_text(f->verdict));
    append_needed(md, f);
    if (*r->refusal) hw_text_printf(md, "; %s", r->refusal);
    hw_text_printf(md, " | %s |\n", claim->predicted);
}

static void append_list(hw_text_buffer *md, const json_t *cells) {
    for (size_t i = 0; i < json_array_size(cells); i++)
        hw_text_printf(md, "| %s ", json_string_value(json_array_get(cells, i)));
    hw_text_printf(md, "|\n");
}

static void append_table(hw_text_buffer *md, const json_t *table) {
    const json_t *columns = json_object_get(table, "columns"),
                 *rows = json_object_get(table, "rows");
    hw_text_printf(md, "\n%s:\n\n", json_string_value(json_object_get(table, "title")));
    append_list(md, columns);
    for (size_t i = 0; i < json_array_size(columns); i++) hw_text_printf(md, i ? "|---:" : "|---");
    hw_text_printf(md, "|\n");
    for (size_t row = 0; row < json_array_size(rows); row++)
        append_list(md, json_array_get(rows, row));
}

static void append_claim(hw_text_buffer *md, const hw_claim *claim, const hw_claim_result *r) {
    hw_text_printf(md, "\n## %c: %s\n\n%s: %s", claim->letter, claim->title,
                   hw_verdict_text(r->finding.verdict), claim->measured);
    hw_text_printf(md, ", %+.3f %s (95 %%: %+.3f to %+.3f", r->finding.effect, claim->unit,
                   r->finding.interval.low, r->finding.interval.high);
    hw_text_printf(md, "; %zu seeds", r->finding.seeds);
    if (r->finding.rows) hw_text_printf(md, ", %zu test texts", r->finding.rows);
    hw_text_printf(md, "; ");
    if (r->finding.detectable == 0)
        hw_text_printf(md, "it did not vary between seeds).");
    else if (isfinite(r->finding.detectable))
        hw_text_printf(md, "a true effect of %.2f would be found in four of five such studies).",
                       r->finding.detectable);
    else
        hw_text_printf(md, "no effect could be found).");
    if (*r->refusal) hw_text_printf(md, " %s", r->refusal);
    if (*r->caution) hw_text_printf(md, " %s", r->caution);
    hw_text_printf(md, "\n");
    for (size_t i = 0; i < json_array_size(r->tables); i++)
        append_table(md, json_array_get(r->tables, i));
}

/* In %; NaN if the claims wanted no run of the arm on the data as they are. */
static void append_excess(hw_text_buffer *md, double percent) {
    if (isfinite(percent))
        hw_text_printf(md, "%+.1f %% | ", percent);
    else
        hw_text_printf(md, "- | ");
}

static void append_arm(hw_text_buffer *md, const hw_experiment *study, hw_arm arm) {
    const hw_choice *choice = &study->choices[arm];
    const hw_imbalance more = hw_arm_imbalance(study, arm);
    hw_text_printf(md, "| %s | %s | ", hw_arm_name(arm), hw_arm_what(arm));
    append_excess(md, more.parameters);
    append_excess(md, more.operations);
    hw_text_printf(md, "%g | %g | %zu |\n", choice->rate, choice->dropout, choice->trials);
}

static void append_ledger(hw_text_buffer *md, const hw_experiment *study) {
    const hw_parts *parts = &study->parts;
    hw_text_printf(md,
                   "\n## What was compared\n\n%zu texts to learn from, %zu to choose on, %zu to "
                   "test; %zu labels; %d seeds. Width %d; h = %d was best on the dev part.\n\n",
                   parts->train->count, parts->dev->count, parts->test->count,
                   parts->train->label_count, (int)study->seeds, (int)HW_STUDY_WIDTH,
                   (int)study->heads);
    hw_text_printf(md, "| arm | what it is | parameters | operations | rate | dropout | trials |\n"
                       "|---|---|---:|---:|---:|---:|---:|\n");
    for (hw_arm arm = 0; arm < HW_ARMS; arm++)
        if (study->arms >> arm & 1) append_arm(md, study, arm);
    hw_text_printf(
        md,
        "\nParameters (but for the embedding) and operations of a text: what the arm has "
        "more than MH. A verdict on sides that are to match is given only if they do to "
        "%g %% of parameters and %g %% of operations.\n",
        HW_MATCHED_PARAMETERS, HW_MATCHED_OPERATIONS);
}

hw_status hw_report_markdown(const hw_experiment *study, const hw_results *results, hw_error *err) {
    hw_text_buffer md = { 0 };
    hw_text_printf(&md, "# Several heads against one\n\n");
    if (study->options->twins)
        hw_text_printf(&md, "Both sides of every comparison are the same arm (an A/A study): a "
                            "verdict with a direction is false.\n\n");
    hw_text_printf(&md, "| claim | measured | single | multi | effect | 95 %% | p | p (Holm) | "
                        "epsilon | verdict | predicted |\n"
                        "|---|---|---:|---:|---:|---|---:|---:|---:|---|---|\n");
    for (size_t i = 0; i < results->count; i++)
        append_verdict(&md, &hw_claims[results->ids[i]], &results->items[i]);
    append_ledger(&md, study);
    for (size_t i = 0; i < results->count; i++)
        append_claim(&md, &hw_claims[results->ids[i]], &results->items[i]);
    const hw_status status = hw_report_write(study, "verdicts.md", &md, err);
    hw_text_buffer_free(&md);
    return status;
}
