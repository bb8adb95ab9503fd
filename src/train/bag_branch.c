/* The n-gram branch: one linear classifier a trial, then one of all rows. */
#include "base/memory.h"
#include "train/training.h"

#include <math.h>

typedef struct watch {
    hw_training *training;
    size_t round, rounds;
} watch;

static bool report(void *user, size_t labels_done) {
    const watch *w = user;
    const double share = (double)labels_done / (double)w->training->labels;
    return hw_training_report(w->training, "n-grams",
                              ((double)w->round + share) / (double)w->rounds, NAN, NAN, NAN, NAN);
}

static hw_status learn(float *table, float *bias, const watch *w, const uint32_t *rows,
                       size_t count, hw_error *err) {
    const hw_training *t = w->training;
    const hw_sparse x = hw_training_set_sparse(&t->set);
    const hw_linear_options options = { .regularization = t->plan.regularization,
                                        .weights = t->data.weights,
                                        .label_weights = t->data.label_weights,
                                        .seed = t->options->seed };
    return hw_linear_train(table, bias, &x, t->data.targets, rows, count, t->labels, &options,
                           t->pool, report, (void *)w, err);
}

static hw_status allocate(float **table, float **bias, const hw_training *t, hw_error *err) {
    const size_t bytes = t->labels * sizeof(float);
    *table = hw_calloc(t->set.dictionary.count, bytes);
    *bias = hw_calloc(1, bytes);
    return *table && *bias ? HW_OK : hw_fail_memory(err, t->set.dictionary.count * bytes);
}

static void score(hw_training *t, const hw_trial *trial, const float *table, const float *bias) {
    const hw_sparse x = hw_training_set_sparse(hw_training_held_set(t));
    for (size_t i = trial->first_held; i < trial->first_held + trial->held_count; i++) {
        const size_t begin = x.offsets[t->held[i]], end = x.offsets[t->held[i] + 1];
        hw_linear_logits(t->held_bag + i * t->labels, table, bias, x.items + begin, end - begin,
                         t->labels, t->kernels);
    }
}

static hw_status try_others(hw_training *t, float *table, float *bias, hw_error *err) {
    for (size_t i = 1; i < t->plan.trials; i++) {
        const hw_trial *trial = &t->trials[i];
        const watch w = { t, i, t->plan.trials };
        HW_TRY(learn(table, bias, &w, trial->learned, trial->learned_count, err));
        score(t, trial, table, bias);
    }
    return HW_OK;
}

hw_status hw_training_try_bag(hw_training *t, hw_error *err) {
    const hw_trial *first = &t->trials[0];
    const watch w = { t, 0, t->plan.trials };
    t->held_bag = hw_calloc(t->held_count, t->labels * sizeof *t->held_bag);
    if (!t->held_bag) return hw_fail_memory(err, t->held_count * t->labels * sizeof(float));
    HW_TRY(allocate(&t->first.table, &t->first.bias, t, err));
    HW_TRY(learn(t->first.table, t->first.bias, &w, first->learned, first->learned_count, err));
    score(t, first, t->first.table, t->first.bias);
    if (t->plan.trials == 1) return HW_OK;

    float *table = NULL, *bias = NULL;
    hw_status status = allocate(&table, &bias, t, err);
    if (status == HW_OK) status = try_others(t, table, bias, err);
    hw_free(table);
    hw_free(bias);
    return status;
}

hw_status hw_training_learn_bag(hw_training *t, hw_error *err) {
    const watch w = { t, 0, 1 };
    HW_TRY(allocate(&t->final.table, &t->final.bias, t, err));
    return learn(t->final.table, t->final.bias, &w, t->data.rows, t->data.count, err);
}
