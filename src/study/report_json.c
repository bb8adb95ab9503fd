/* study.json. Reals are rounded to what a reader can use, so that the last bits of a logarithm do
 * not make two studies differ. */
#include "study/fairness.h"
#include "study/report.h"

#include <math.h>

/* JSON has no infinity and no NaN. */
static json_t *number(double value) {
    if (!isfinite(value)) return json_null();
    char text[40];
    snprintf(text, sizeof text, "%.9g", value);
    double rounded = 0;
    sscanf(text, "%lf", &rounded);
    return json_real(rounded);
}

static json_t *interval(hw_interval i) {
    return json_pack("[o, o]", number(i.low), number(i.high));
}

static json_t *claim_json(const hw_claim *claim, const hw_claim_result *r) {
    const hw_finding *f = &r->finding;
    const char letter[] = { claim->letter, '\0' };
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o, "
        "s:I, s:I, s:s, s:s, s:O?}",
        "claim", letter, "title", claim->title, "measured", claim->measured, "unit", claim->unit,
        "predicted", claim->predicted, "verdict", hw_verdict_text(f->verdict), "single",
        number(r->single), "multi", number(r->multi), "effect", number(f->effect), "interval",
        interval(f->interval), "interval_90", interval(f->interval_90), "p", number(f->p), "p_holm",
        number(f->p_holm), "epsilon", number(f->epsilon), "seeds", (json_int_t)f->seeds, "rows",
        (json_int_t)f->rows, "detectable", number(f->detectable), "needed_seeds",
        (json_int_t)f->needed_seeds, "needed_rows", (json_int_t)f->needed_rows, "refusal",
        r->refusal, "caution", r->caution, "tables", r->tables);
}

static json_t *part_json(const hw_dataset *part) {
    char checksum[16];
    snprintf(checksum, sizeof checksum, "%08x", (unsigned)part->checksum);
    return json_pack("{s:I, s:I, s:s}", "texts", (json_int_t)part->count, "labels",
                     (json_int_t)part->label_count, "crc32c", checksum);
}

static json_t *arm_json(const hw_experiment *study, hw_arm arm) {
    const hw_choice *choice = &study->choices[arm];
    const hw_imbalance more = hw_arm_imbalance(study, arm);
    return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I}", "arm", hw_arm_name(arm), "what",
                     hw_arm_what(arm), "more_parameters", number(more.parameters),
                     "more_operations", number(more.operations), "rate", number(choice->rate),
                     "dropout", number(choice->dropout), "dev_loss", number(choice->loss), "trials",
                     (json_int_t)choice->trials);
}

static json_t *arms_json(const hw_experiment *study) {
    json_t *arms = json_array();
    bool ok = arms != NULL;
    for (hw_arm arm = 0; arm < HW_ARMS && ok; arm++)
        ok = !(study->arms >> arm & 1) || json_array_append_new(arms, arm_json(study, arm)) == 0;
    if (ok) return arms;
    json_decref(arms);
    return NULL;
}

static json_t *claims_json(const hw_results *results) {
    json_t *claims = json_array();
    bool ok = claims != NULL;
    for (size_t i = 0; i < results->count && ok; i++)
        ok = json_array_append_new(
                 claims, claim_json(&hw_claims[results->ids[i]], &results->items[i])) == 0;
    if (ok) return claims;
    json_decref(claims);
    return NULL;
}

static const char *level_name(hw_study_level level) {
    return level == HW_STUDY_QUICK ? "quick" : level == HW_STUDY_FULL ? "full" : "standard";
}

hw_status hw_report_json(const hw_experiment *study, const hw_results *results, hw_error *err) {
    hw_text_buffer text = { 0 };
    json_t *root = json_pack(
        "{s:s, s:s, s:i, s:o, s:b, s:i, s:i, s:{s:o, s:o, s:o}, s:o, s:o}", "version", HW_VERSION,
        "level", level_name(study->level), "seeds", (int)study->seeds, "epsilon",
        number(study->epsilon), "twins", study->options->twins, "heads", (int)study->heads, "width",
        (int)HW_STUDY_WIDTH, "data", "train", part_json(study->parts.train), "dev",
        part_json(study->parts.dev), "test", part_json(study->parts.test), "arms", arms_json(study),
        "claims", claims_json(results));
    hw_status status = hw_json_append_indented(&text, root, err);
    if (status == HW_OK) status = hw_report_write(study, "study.json", &text, err);
    hw_text_buffer_free(&text);
    return status;
}
