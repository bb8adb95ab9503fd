/* How faithful explanations are, as NAOPC (explain/naopc.h), on some texts of the dev and the test
 * part: the same ones, cut to the same words, for all arms and seeds. */
#include "study/probe.h"

#include "base/memory.h"
#include "base/random.h"
#include "explain/naopc.h"
#include "explain/subject.h"
#include "statistics/ranking.h"
#include "study/explanations.h"

enum {
    DEV_TEXTS = 100,
    TEST_TEXTS = 250,
    MOST_WORDS = 16,
    ORDERS = 20,
    TOGETHER = 16, /* drops */
    SAMPLE_SEED = 1,
    PURPOSE_SAMPLE = 0x6e61,
    PURPOSE_ORDER
};

const hw_explanation_kind hw_explanation_kinds[HW_EXPLANATIONS] = {
    { "attention", "naopc_attention", HW_EXPLAIN_ATTENTION, true },
    { "rollout", "naopc_rollout", HW_EXPLAIN_ROLLOUT, true },
    { "norm", "naopc_norm", HW_EXPLAIN_NORM, true },
    { "attention x gradient", "naopc_grad_attention", HW_EXPLAIN_GRAD_ATTENTION, true },
    { "gradient x input", "naopc_grad_input", HW_EXPLAIN_GRAD_INPUT, false },
    { "leaving out", "naopc_loo", HW_EXPLAIN_LOO, false },
    { "by chance", "naopc_random", HW_EXPLAIN_RANDOM, false },
};

typedef struct trial {
    hw_session *session;
    hw_words words;
    hw_subject subject;
    double probability; /* of the subject's label */
    hw_drops drops;
    hw_aopc_ends ends;
} trial;

/* ---- Of one text -------------------------------------------------------------------------- */

static hw_status drop(double *drops, void *context, const bool *removed, size_t count,
                      hw_error *err) {
    trial *t = context;
    hw_outcome outcomes[TOGETHER];
    for (size_t first = 0; first < count; first += TOGETHER) {
        const size_t rows = count - first < TOGETHER ? count - first : TOGETHER;
        HW_TRY(hw_subject_run(outcomes, &t->subject, removed + first * t->drops.words, rows, err));
        for (size_t i = 0; i < rows; i++)
            drops[first + i] = t->probability - outcomes[i].probability;
    }
    return HW_OK;
}

/* Higher scores first, equal ones in the order of the text. */
static hw_status order_by_score(uint32_t *order, const hw_attribution *words, size_t count,
                                hw_error *err) {
    hw_ranked *ranked = hw_calloc(count, sizeof *ranked);
    double *values = hw_calloc(count, sizeof *values);
    if (ranked && values) {
        for (size_t i = 0; i < count; i++) values[i] = -words[i].score;
        hw_rank(ranked, values, count);
        for (size_t i = 0; i < count; i++) order[i] = (uint32_t)ranked[i].index;
    }
    const bool reserved = ranked && values;
    hw_free(ranked);
    hw_free(values);
    return reserved ? HW_OK : hw_fail_memory(err, count * sizeof *ranked);
}

static hw_status measure_kind(double *naopc, trial *t, hw_text text, hw_explain_method method,
                              hw_error *err) {
    const hw_explain_options options = { .method = method, .random_orders = -1 };
    uint32_t order[MOST_WORDS];
    size_t count;
    hw_explanation *explanation = hw_explain(t->session, text, &options, err);
    if (!explanation) return err->status;
    const hw_attribution *words = hw_explanation_words(explanation, &count);
    hw_status status = order_by_score(order, words, count, err);
    hw_explanation_free(explanation);
    if (status == HW_OK) status = hw_aopc(naopc, &t->drops, order, err);
    *naopc = hw_naopc(*naopc, t->ends);
    return status;
}

/* The mean over some orders. */
static hw_status measure_chance(double *naopc, trial *t, uint64_t seed, hw_error *err) {
    const size_t words = t->drops.words;
    uint32_t order[MOST_WORDS];
    *naopc = 0;
    for (size_t number = 0; number < ORDERS; number++) {
        double aopc;
        for (size_t i = 0; i < words; i++) order[i] = (uint32_t)i;
        hw_random_shuffle(order, (uint32_t)words, seed ^ hw_mix64(number), PURPOSE_ORDER);
        HW_TRY(hw_aopc(&aopc, &t->drops, order, err));
        *naopc += hw_naopc(aopc, t->ends) / ORDERS;
    }
    return HW_OK;
}

static hw_status measure_subject(double *naopc, trial *t, hw_text text, size_t row, hw_error *err) {
    static const bool nothing[MOST_WORDS];
    hw_outcome whole;
    HW_TRY(hw_subject_run(&whole, &t->subject, nothing, 1, err));
    t->probability = whole.probability;
    t->drops = (hw_drops){ drop, t, t->subject.word_count };
    HW_TRY(hw_aopc_find_ends(&t->ends, &t->drops, err));
    for (size_t i = 0; i < HW_EXPLANATIONS; i++) {
        const hw_explain_method method = hw_explanation_kinds[i].method;
        if (method == HW_EXPLAIN_RANDOM)
            HW_TRY(measure_chance(&naopc[i], t, row, err));
        else
            HW_TRY(measure_kind(&naopc[i], t, text, method, err));
    }
    return HW_OK;
}

static hw_status cut(hw_text *text, trial *t, hw_error *err) {
    HW_TRY(hw_words_split(&t->words, *text, err));
    if (t->words.count > MOST_WORDS) text->length = t->words.items[MOST_WORDS - 1].end;
    return HW_OK;
}

/* naopc: [HW_EXPLANATIONS]. A text without words has no order of them. */
static hw_status measure_text(double *naopc, trial *t, hw_text text, size_t row, hw_error *err) {
    for (size_t i = 0; i < HW_EXPLANATIONS; i++) naopc[i] = 0.5;
    HW_TRY(cut(&text, t, err));
    if (!t->words.count) return HW_OK;
    hw_status status = hw_subject_start(&t->subject, t->session, text, NULL, err);
    if (status == HW_OK) status = measure_subject(naopc, t, text, row, err);
    hw_subject_free(&t->subject);
    return status;
}

/* ---- Of a part ---------------------------------------------------------------------------- */

/* naopc: [HW_EXPLANATIONS][count], of the first `count` rows of a shuffle. */
static hw_status measure_rows(double *naopc, trial *t, const hw_dataset *part, size_t count,
                              hw_error *err) {
    uint32_t *rows = hw_calloc(part->count, sizeof *rows);
    if (!rows) return hw_fail_memory(err, part->count * sizeof *rows);
    for (size_t row = 0; row < part->count; row++) rows[row] = (uint32_t)row;
    hw_random_shuffle(rows, (uint32_t)part->count, SAMPLE_SEED, PURPOSE_SAMPLE);
    hw_status status = HW_OK;
    for (size_t i = 0; i < count && status == HW_OK; i++) {
        double of_text[HW_EXPLANATIONS];
        status = measure_text(of_text, t, part->examples[rows[i]].text, rows[i], err);
        for (size_t kind = 0; kind < HW_EXPLANATIONS; kind++)
            naopc[kind * count + i] = of_text[kind];
    }
    hw_free(rows);
    return status;
}

static hw_status measure_part(double **naopc, size_t *count, trial *t, const hw_dataset *part,
                              size_t most, hw_error *err) {
    *count = part->count < most ? part->count : most;
    *naopc = hw_calloc(HW_EXPLANATIONS * *count, sizeof **naopc);
    return *naopc ? measure_rows(*naopc, t, part, *count, err)
                  : hw_fail_memory(err, HW_EXPLANATIONS * *count * sizeof **naopc);
}

static hw_status add_dev(json_t *run, trial *t, const hw_dataset *dev, hw_error *err) {
    double *naopc = NULL, means[HW_EXPLANATIONS] = { 0 };
    size_t count;
    hw_status status = measure_part(&naopc, &count, t, dev, DEV_TEXTS, err);
    for (size_t i = 0; i < HW_EXPLANATIONS * count && status == HW_OK; i++)
        means[i / count] += naopc[i] / (double)count;
    hw_free(naopc);
    HW_TRY(status);
    return hw_json_update(
        run, json_pack("{s:o}", "naopc_dev", hw_json_numbers(means, HW_EXPLANATIONS)), err);
}

static hw_status add_test(json_t *run, trial *t, const hw_dataset *test, hw_error *err) {
    double *naopc = NULL;
    size_t count;
    hw_status status = measure_part(&naopc, &count, t, test, TEST_TEXTS, err);
    for (size_t kind = 0; kind < HW_EXPLANATIONS && status == HW_OK; kind++)
        status = hw_json_update(run,
                                json_pack("{s:o}", hw_explanation_kinds[kind].key,
                                          hw_json_numbers(naopc + kind * count, count)),
                                err);
    hw_free(naopc);
    return status;
}

hw_status hw_probe_explanations(json_t *run, const hw_classifier *classifier, const hw_parts *parts,
                                hw_error *err) {
    trial t = { .session = hw_session_new(classifier, NULL, err) };
    if (!t.session) return err->status;
    hw_status status = add_dev(run, &t, parts->dev, err);
    if (status == HW_OK) status = add_test(run, &t, parts->test, err);
    hw_words_free(&t.words);
    hw_session_free(t.session);
    return status;
}
