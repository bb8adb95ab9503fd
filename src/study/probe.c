/* Corruptions: the whole test part is corrupted and classified once for each kind and strength. */
#include "study/probe.h"

#include "base/memory.h"
#include "classify/events.h"
#include "study/corruption.h"
#include "text/dataset_builder.h"

static double f1_of(const hw_events *events, size_t row) {
    double gold = 0, predicted = 0, both = 0;
    for (size_t i = events->offsets[row]; i < events->offsets[row + 1]; i++) {
        gold += events->items[i].gold;
        predicted += events->items[i].predicted;
        both += events->items[i].gold & events->items[i].predicted;
    }
    return gold + predicted > 0 ? 2 * both / (gold + predicted) : 1;
}

hw_status hw_row_scores(double *score, const hw_corpus *corpus, const hw_classifier *classifier,
                        hw_error *err) {
    hw_events events = { 0 };
    const hw_status status =
        hw_events_collect(&events, corpus->probabilities, corpus->targets,
                          (size_t)classifier->summary.labels, classifier->thresholds, err);
    for (size_t row = 0; row < corpus->targets.rows && status == HW_OK; row++)
        score[row] = f1_of(&events, row);
    hw_events_free(&events);
    return status;
}

/* ---- Corruptions ------------------------------------------------------------------------- */

enum { CORRUPTION_SEED = 1 /* the same corrupted texts for all arms and seeds */ };

/* The texts of a data set, corrupted; labels and all else are the data set's. */
typedef struct corrupted_texts {
    hw_dataset view;
    hw_example *examples; /* [view.count] owned */
    size_t *ends;         /* [view.count] owned */
    hw_text_buffer bytes; /* the texts, one after the other */
} corrupted_texts;

static void free_texts(corrupted_texts *made) {
    hw_free(made->examples);
    hw_free(made->ends);
    hw_text_buffer_free(&made->bytes);
}

static hw_status corrupt_rows(corrupted_texts *made, hw_words *words, hw_text_buffer *text,
                              hw_corruption corruption, double share, hw_error *err) {
    for (size_t row = 0; row < made->view.count; row++) {
        const hw_corruption_draw draw = { share, CORRUPTION_SEED, row };
        HW_TRY(hw_corrupt(text, words, made->examples[row].text, corruption, draw, err));
        hw_text_append(&made->bytes, text->bytes, text->length);
        made->ends[row] = made->bytes.length;
    }
    if (made->bytes.failed) return hw_fail_memory(err, made->bytes.length);
    size_t begin = 0;
    for (size_t row = 0; row < made->view.count; begin = made->ends[row++])
        made->examples[row].text = (hw_text){ made->bytes.bytes + begin, made->ends[row] - begin };
    return HW_OK;
}

static hw_status make_texts(corrupted_texts *made, const hw_dataset *dataset,
                            hw_corruption corruption, double share, hw_error *err) {
    made->view = *dataset;
    made->examples = hw_calloc(dataset->count, sizeof *made->examples);
    made->ends = hw_calloc(dataset->count, sizeof *made->ends);
    if (!made->examples || !made->ends)
        return hw_fail_memory(err, dataset->count * sizeof *made->examples);
    memcpy(made->examples, dataset->examples, dataset->count * sizeof *made->examples);
    made->view.examples = made->examples;
    hw_words words = { 0 };
    hw_text_buffer text = { 0 };
    const hw_status status = corrupt_rows(made, &words, &text, corruption, share, err);
    hw_words_free(&words);
    hw_text_buffer_free(&text);
    return status;
}

/* Adds each row's score to sums[rows]; *mean is over the rows. */
static hw_status add_scores(double *sums, double *mean, const hw_classifier *classifier,
                            const hw_dataset *dataset, hw_error *err) {
    hw_corpus corpus = { 0 };
    double *scores = hw_calloc(dataset->count, sizeof *scores);
    hw_status status = scores ? HW_OK : hw_fail_memory(err, dataset->count * sizeof *scores);
    if (status == HW_OK) status = hw_corpus_view(&corpus, classifier, dataset, err);
    if (status == HW_OK) status = hw_corpus_run(&corpus, classifier, NULL, 1, err);
    if (status == HW_OK) status = hw_row_scores(scores, &corpus, classifier, err);
    *mean = 0;
    for (size_t row = 0; row < dataset->count && status == HW_OK; row++) {
        sums[row] += scores[row];
        *mean += scores[row] / (double)dataset->count;
    }
    hw_corpus_free(&corpus);
    hw_free(scores);
    return status;
}

static hw_status score_corruption(double *sums, double *means, hw_corruption corruption,
                                  const hw_classifier *classifier, const hw_dataset *test,
                                  hw_error *err) {
    for (size_t strength = 0; strength < HW_CORRUPTION_STRENGTHS; strength++) {
        corrupted_texts made = { 0 };
        hw_status status = make_texts(&made, test, corruption, hw_corruption_shares[strength], err);
        if (status == HW_OK)
            status = add_scores(sums, &means[strength], classifier, &made.view, err);
        free_texts(&made);
        if (status != HW_OK) return status;
    }
    return HW_OK;
}

/* "corrupted" [rows]: a row's mean score over all kinds and strengths; "corruptions": {kind: mean
 * score of each strength}. */
static hw_status probe_corruptions(json_t *run, double *sums, const hw_classifier *classifier,
                                   const hw_dataset *test, hw_error *err) {
    json_t *kinds = json_object();
    hw_status status = kinds ? HW_OK : hw_fail_memory(err, 0);
    for (hw_corruption kind = 0; kind < HW_CORRUPTIONS && status == HW_OK; kind++) {
        double means[HW_CORRUPTION_STRENGTHS];
        status = score_corruption(sums, means, kind, classifier, test, err);
        json_t *list = status == HW_OK ? hw_json_numbers(means, HW_CORRUPTION_STRENGTHS) : NULL;
        if (status == HW_OK && json_object_set_new(kinds, hw_corruption_name(kind), list) != 0)
            status = hw_fail_memory(err, 0);
    }
    for (size_t row = 0; row < test->count; row++)
        sums[row] /= HW_CORRUPTIONS * HW_CORRUPTION_STRENGTHS;
    if (status == HW_OK)
        status = hw_json_update(run,
                                json_pack("{s:O, s:o}", "corruptions", kinds, "corrupted",
                                          hw_json_numbers(sums, test->count)),
                                err);
    json_decref(kinds);
    return status;
}

static hw_status corrupt_test_part(json_t *run, const hw_classifier *classifier,
                                   const hw_dataset *test, hw_error *err) {
    double *sums = hw_calloc(test->count, sizeof *sums);
    if (!sums) return hw_fail_memory(err, test->count * sizeof *sums);
    const hw_status status = probe_corruptions(run, sums, classifier, test, err);
    hw_free(sums);
    return status;
}

/* ---- All of them ------------------------------------------------------------------------- */

hw_status hw_probe(json_t *run, const hw_job *job, const hw_classifier *classifier,
                   const hw_parts *parts, hw_error *err) {
    if (job->probes & HW_PROBE_CORRUPTION)
        HW_TRY(corrupt_test_part(run, classifier, parts->test, err));
    if (job->probes & HW_PROBE_EXPLANATIONS)
        HW_TRY(hw_probe_explanations(run, classifier, parts, err));
    if (job->probes & HW_PROBE_GATES) HW_TRY(hw_probe_gates(run, job, classifier, parts, err));
    return HW_OK;
}
