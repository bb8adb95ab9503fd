/* Splits texts into tasks of a fixed size and gives each worker its own session. Invariant: a
 * task writes only its own rows, so the threads cannot change a result. */
#include "scorer.h"

#include "base/memory.h"
#include "base/threads.h"

#include <stdlib.h>

enum { TASK_TEXTS = 16 };

struct text_scorer {
    hw_pool *pool;
    int32_t threads, labels;
    hw_session **sessions; /* [threads] */
    hw_error *errors;      /* [threads], the last failure of each */
};

typedef struct score_job {
    text_scorer *scorer;
    float *probabilities; /* [count][labels] */
    size_t *windows;      /* [count], or NULL */
    const hw_text *texts; /* [count] */
    size_t count;
} score_job;

void scorer_free(text_scorer *scorer) {
    if (!scorer) return;
    for (int32_t i = 0; scorer->sessions && i < scorer->threads; i++)
        hw_session_free(scorer->sessions[i]);
    hw_pool_free(scorer->pool);
    hw_free(scorer->sessions);
    hw_free(scorer->errors);
    hw_free(scorer);
}

text_scorer *scorer_new(const hw_classifier *classifier, const hw_session_options *options,
                        int32_t threads, hw_error *err) {
    text_scorer *made = hw_calloc(1, sizeof *made);
    if (!made) {
        hw_fail_memory(err, sizeof *made);
        return NULL;
    }
    made->threads = threads;
    made->labels = hw_classifier_summary(classifier)->labels;
    made->sessions = hw_calloc((size_t)threads, sizeof *made->sessions);
    made->errors = hw_calloc((size_t)threads, sizeof *made->errors);
    if (!made->sessions || !made->errors) {
        hw_fail_memory(err, (size_t)threads * sizeof *made->errors);
        goto failed;
    }
    made->pool = hw_pool_new(threads, err);
    if (!made->pool) goto failed;
    for (int32_t i = 0; i < threads; i++) {
        made->sessions[i] = hw_session_new(classifier, options, err);
        if (!made->sessions[i]) goto failed;
    }
    return made;
failed:
    scorer_free(made);
    return NULL;
}

static void score_task(void *context, size_t task, int32_t worker) {
    const score_job *job = context;
    hw_session *session = job->scorer->sessions[worker];
    const size_t first = task * TASK_TEXTS, left = job->count - first;
    const size_t count = left < TASK_TEXTS ? left : TASK_TEXTS;
    hw_error err;
    if (hw_classify(session, job->texts + first, count,
                    job->probabilities + first * (size_t)job->scorer->labels, &err) != HW_OK) {
        job->scorer->errors[worker] = err;
        return;
    }
    for (size_t i = 0; job->windows && i < count; i++)
        job->windows[first + i] = hw_session_windows(session, i);
}

hw_status scorer_score(text_scorer *scorer, float *probabilities, size_t *windows,
                       const hw_text *texts, size_t count, hw_error *err) {
    score_job job = { scorer, probabilities, windows, texts, count };
    for (int32_t i = 0; i < scorer->threads; i++) scorer->errors[i].status = HW_OK;
    hw_pool_run(scorer->pool, (count + TASK_TEXTS - 1) / TASK_TEXTS, score_task, &job);
    for (int32_t i = 0; i < scorer->threads; i++) {
        if (scorer->errors[i].status == HW_OK) continue;
        *err = scorer->errors[i];
        return err->status;
    }
    return HW_OK;
}

static int compare_ranks(const void *left, const void *right) {
    const ranked_label *a = left, *b = right;
    if (a->probability != b->probability) return a->probability > b->probability ? -1 : 1;
    return a->label < b->label ? -1 : 1;
}

/* Puts a label of a higher number than all in best[count] where it belongs, and drops the last of
 * more than k. Returns how many there are. */
static size_t insert_label(ranked_label *best, size_t count, ranked_label label, size_t k) {
    if (count == k && label.probability <= best[k - 1].probability) return count;
    size_t place = count < k ? count : k - 1;
    for (; place > 0 && best[place - 1].probability < label.probability; place--)
        best[place] = best[place - 1];
    best[place] = label;
    return count < k ? count + 1 : k;
}

size_t best_labels(ranked_label *best, const float *probability, int32_t labels, int64_t k,
                   double threshold, const float *thresholds) {
    enum { FEW = 8 }; /* as many are found faster by insertion than by sorting all */
    const bool few = k > 0 && k <= FEW;
    size_t count = 0;
    for (int32_t label = 0; label < labels; label++) {
        const float p = probability[label];
        if (thresholds ? p < thresholds[label] : (double)p < threshold) continue;
        const ranked_label next = { p, label };
        if (few)
            count = insert_label(best, count, next, (size_t)k);
        else
            best[count++] = next;
    }
    if (!few && count > 1) qsort(best, count, sizeof *best, compare_ranks);
    return k >= 0 && count > (size_t)k ? (size_t)k : count;
}
