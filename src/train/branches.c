/* The two branches of the classifier, learned twice: `first` without the held-back rows,
 * which tells when to stop and how to join, then `final` with them. Towers are trained side
 * by side, one thread each, in rounds of some steps; between rounds the calling thread
 * reports, scores the held-back rows at the end of an evaluation period, and saves. */
#include "base/memory.h"
#include "train/training.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { ROUND_STEPS = 32, EVALUATION_STEPS = 100 };
enum { PHASE_FIRST = 1, PHASE_FINAL = 2 };

static bool has_bag(const hw_training *t) {
    return t->plan.arch != HW_ARCH_ATTENTION;
}

static size_t held_cells(const hw_training *t) {
    return t->held_count * t->labels;
}

static const hw_training_set *held_set(const hw_training *t) {
    return t->valid.dataset ? &t->valid_set : &t->set;
}

void hw_branches_free(hw_branches *branches) {
    hw_free(branches->table);
    hw_free(branches->bias);
    for (int32_t i = 0; i < HW_TOWERS_LIMIT; i++) hw_free(branches->towers[i]);
    *branches = (hw_branches){ 0 };
}

/* ---- The n-grams ---------------------------------------------------------------- */

static bool report_labels(void *user, size_t labels_done) {
    hw_training *t = user;
    return hw_training_report(t, "n-grams", (double)labels_done / (double)t->labels, NAN, NAN, NAN,
                              NAN);
}

static hw_status learn_bag(hw_training *t, hw_branches *branches, const uint32_t *rows,
                           size_t count, hw_error *err) {
    const hw_sparse x = hw_training_set_sparse(&t->set);
    branches->table = hw_calloc(x.columns, t->labels * sizeof *branches->table);
    branches->bias = hw_calloc(t->labels, sizeof *branches->bias);
    if (!branches->table || !branches->bias)
        return hw_fail_memory(err, x.columns * t->labels * sizeof *branches->table);
    const hw_linear_options options = { .regularization = t->plan.regularization,
                                        .weights = t->data.weights,
                                        .label_weights = t->data.label_weights,
                                        .seed = t->options->seed };
    return hw_linear_train(branches->table, branches->bias, &x, t->data.targets, rows, count,
                           t->labels, &options, t->pool, report_labels, t, err);
}

static hw_status score_bag(hw_training *t, hw_error *err) {
    const hw_sparse x = hw_training_set_sparse(held_set(t));
    t->held_bag = hw_calloc(t->held_count, t->labels * sizeof *t->held_bag);
    if (!t->held_bag) return hw_fail_memory(err, held_cells(t) * sizeof *t->held_bag);
    for (size_t i = 0; i < t->held_count; i++) {
        const size_t begin = x.offsets[t->held[i]], end = x.offsets[t->held[i] + 1];
        hw_linear_logits(t->held_bag + i * t->labels, t->first.table, t->first.bias,
                         x.items + begin, end - begin, t->labels, t->kernels);
    }
    return HW_OK;
}

/* ---- Towers, side by side --------------------------------------------------------- */

typedef struct side_by_side {
    hw_training *training;
    int32_t phase;
    hw_tower_trainer *trainers[HW_TOWERS_LIMIT];
    hw_tower_scorer *scorers[HW_TOWERS_LIMIT]; /* phase first only */
    float *averages[HW_TOWERS_LIMIT];          /* [hw_tower_floats] of now */
    float *logits;                             /* [towers][held_count][labels] */
    float *mean;                               /* [held_count][labels] */
    size_t round_steps, last_save;
    hw_checkpoint best; /* and where training stands */
} side_by_side;

static void run_round(void *context, size_t tower, int32_t worker) {
    (void)worker;
    const side_by_side *s = context;
    hw_tower_trainer_run(s->trainers[tower], s->round_steps);
}

static void score_tower(void *context, size_t tower, int32_t worker) {
    (void)worker;
    const side_by_side *s = context;
    hw_tower_trainer_average(s->averages[tower], s->trainers[tower]);
    hw_tower_scorer_run(s->logits + tower * held_cells(s->training), s->scorers[tower],
                        s->averages[tower], s->training->kernels);
}

static hw_status new_towers(side_by_side *s, const uint32_t *rows, size_t count, hw_error *err) {
    hw_training *t = s->training;
    const size_t floats = hw_tower_floats(&t->plan.tower);
    hw_branches *branches = s->phase == PHASE_FIRST ? &t->first : &t->final;
    for (int32_t i = 0; i < t->plan.towers; i++) {
        hw_tower_trainer_options options = t->plan.learning;
        options.seed = t->options->seed * 64 + (uint64_t)(s->phase * 32 + i);
        s->trainers[i] = hw_tower_trainer_new(&t->plan.tower, &t->set.tokens, t->data.targets, rows,
                                              count, t->data.weights, &options, t->kernels, err);
        branches->towers[i] = hw_calloc(floats, sizeof(float));
        if (!s->trainers[i]) return HW_ERROR_MEMORY;
        if (!branches->towers[i]) return hw_fail_memory(err, floats * sizeof(float));
        if (s->phase == PHASE_FINAL) continue;
        s->averages[i] = hw_calloc(floats, sizeof(float));
        s->scorers[i] =
            hw_tower_scorer_new(&t->plan.tower, &held_set(t)->tokens, t->held, t->held_count, err);
        if (!s->scorers[i]) return HW_ERROR_MEMORY;
        if (!s->averages[i]) return hw_fail_memory(err, floats * sizeof(float));
    }
    if (s->phase == PHASE_FINAL) return HW_OK;
    s->logits = hw_calloc((size_t)t->plan.towers * t->held_count, t->labels * sizeof(float));
    s->mean = hw_calloc(t->held_count, t->labels * sizeof(float));
    if (!t->held_tower) t->held_tower = hw_calloc(t->held_count, t->labels * sizeof(float));
    if (!s->logits || !s->mean || !t->held_tower)
        return hw_fail_memory(err, held_cells(t) * sizeof(float));
    return HW_OK;
}

static void free_towers(side_by_side *s) {
    for (int32_t i = 0; i < HW_TOWERS_LIMIT; i++) {
        hw_tower_trainer_free(s->trainers[i]);
        hw_tower_scorer_free(s->scorers[i]);
        hw_free(s->averages[i]);
    }
    hw_free(s->logits);
    hw_free(s->mean);
}

static void mean_logits(float *mean, const float *logits, size_t towers, size_t cells) {
    for (size_t i = 0; i < cells; i++) {
        float sum = 0;
        for (size_t tower = 0; tower < towers; tower++) sum += logits[tower * cells + i];
        mean[i] = sum / (float)towers;
    }
}

/* Scores the held-back rows; keeps the towers if they are better than ever. */
static hw_status evaluate(side_by_side *s, double *score, hw_error *err) {
    hw_training *t = s->training;
    hw_pool_run(t->pool, (size_t)t->plan.towers, score_tower, s);
    mean_logits(s->mean, s->logits, (size_t)t->plan.towers, held_cells(t));
    double loss;
    HW_TRY(hw_held_back_loss(&loss, score, s->mean, t->held_targets, t->labels, t->plan.multi_label,
                             err));
    s->best.stale++;
    if (!(loss < s->best.best_loss)) return HW_OK;
    s->best.best_loss = loss;
    s->best.stale = 0;
    s->best.best_steps = hw_tower_trainer_done(s->trainers[0]);
    memcpy(t->held_tower, s->mean, held_cells(t) * sizeof *s->mean);
    for (int32_t i = 0; i < t->plan.towers; i++)
        memcpy(t->first.towers[i], s->averages[i], hw_tower_floats(&t->plan.tower) * sizeof(float));
    return HW_OK;
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool report_round(const side_by_side *s, double share, size_t steps, double seconds,
                         double score) {
    const hw_training *t = s->training;
    const double texts = (double)steps * (double)t->plan.learning.batch * (double)t->plan.towers;
    return hw_training_report(s->training, s->phase == PHASE_FIRST ? "towers" : "towers again",
                              share, hw_tower_trainer_loss(s->trainers[0]),
                              hw_tower_trainer_rate(s->trainers[0]), texts / (seconds + 1e-9),
                              score);
}

static hw_status save_if_due(side_by_side *s, bool epoch_ended, hw_error *err) {
    const hw_train_options *o = s->training->options;
    const size_t done = hw_tower_trainer_done(s->trainers[0]);
    const bool due = o->save_steps > 0 ? done - s->last_save >= (size_t)o->save_steps : epoch_ended;
    if (!o->checkpoint || !due) return HW_OK;
    s->last_save = done;
    return hw_checkpoint_save(s->training, &s->best, s->trainers, err);
}

static bool diverged(const side_by_side *s) {
    for (int32_t i = 0; i < s->training->plan.towers; i++)
        if (hw_tower_trainer_diverged(s->trainers[i])) return true;
    return false;
}

/* Steps from one evaluation to the next: an epoch, or several short ones. */
static size_t evaluation_period(const side_by_side *s) {
    const size_t epoch = hw_tower_trainer_steps_per_epoch(s->trainers[0]);
    return epoch * ((EVALUATION_STEPS + epoch - 1) / epoch);
}

/* Steps until `end`, the next evaluation, or a round is full. */
static size_t steps_to_go(size_t done, size_t end, size_t period) {
    size_t steps = ROUND_STEPS;
    if (steps > period - done % period) steps = period - done % period;
    return steps > end - done ? end - done : steps;
}

static hw_status run(side_by_side *s, size_t end, hw_error *err) {
    hw_training *t = s->training;
    const size_t period = evaluation_period(s);
    double score = NAN;
    while (hw_tower_trainer_done(s->trainers[0]) < end) {
        const double began = seconds_now();
        const size_t before = hw_tower_trainer_done(s->trainers[0]);
        s->round_steps = steps_to_go(before, end, period);
        hw_pool_run(t->pool, (size_t)t->plan.towers, run_round, s);
        if (diverged(s))
            return hw_fail(err, HW_ERROR_DIVERGED,
                           "training diverged at step %zu: the gradient is not finite; use a "
                           "smaller learning rate (-lr)",
                           before);
        const size_t done = hw_tower_trainer_done(s->trainers[0]);
        const bool period_ended = done % period == 0 || done == end;
        if (period_ended && s->phase == PHASE_FIRST) HW_TRY(evaluate(s, &score, err));
        HW_TRY(save_if_due(s, period_ended, err));
        const bool go_on = report_round(s, (double)done / (double)end, s->round_steps,
                                        seconds_now() - began, score);
        if (!go_on) return HW_OK;
        if (s->phase == PHASE_FIRST && s->best.stale >= (size_t)t->plan.patience) return HW_OK;
    }
    return HW_OK;
}

/* ---- The two phases ------------------------------------------------------------------ */

static hw_status learn_first_towers(side_by_side *s, const hw_checkpoint *saved,
                                    const hw_safetensors *file, hw_error *err) {
    hw_training *t = s->training;
    HW_TRY(new_towers(s, t->learned, t->learned_count, err));
    if (saved->phase == PHASE_FIRST) {
        s->best = *saved;
        HW_TRY(hw_checkpoint_restore(t, file, s->trainers, err));
    } else if (saved->phase == PHASE_FINAL) {
        s->best.best_steps = saved->best_steps;
        HW_TRY(hw_checkpoint_restore(t, file, NULL, err));
    }
    if (saved->phase != PHASE_FINAL) {
        const bool over = s->best.stale >= (size_t)t->plan.patience;
        if (!over) HW_TRY(run(s, hw_tower_trainer_steps(s->trainers[0]), err));
    }
    t->best_steps = s->best.best_steps;
    return HW_OK;
}

static hw_status with_towers(hw_training *t, int32_t phase, hw_error *err) {
    hw_checkpoint saved = { 0 };
    hw_safetensors *file = NULL;
    HW_TRY(hw_checkpoint_open(&saved, &file, t, err));
    side_by_side s = { .training = t, .phase = phase };
    s.best = (hw_checkpoint){ .phase = phase, .best_loss = INFINITY };
    hw_status status;
    if (phase == PHASE_FIRST) {
        status = learn_first_towers(&s, &saved, file, err);
    } else {
        s.best.best_steps = t->best_steps;
        status = new_towers(&s, t->data.rows, t->data.count, err);
        if (status == HW_OK && saved.phase == PHASE_FINAL)
            status = hw_checkpoint_restore(t, file, s.trainers, err);
        /* As many epochs as were best without the held-back rows. */
        const size_t epochs =
            t->best_steps / ((t->learned_count + (size_t)t->plan.learning.batch - 1) /
                             (size_t)t->plan.learning.batch);
        if (status == HW_OK)
            status = run(&s, epochs * hw_tower_trainer_steps_per_epoch(s.trainers[0]), err);
        for (int32_t i = 0; i < t->plan.towers && status == HW_OK; i++)
            hw_tower_trainer_average(t->final.towers[i], s.trainers[i]);
    }
    free_towers(&s);
    hw_safetensors_close(file);
    return status;
}

hw_status hw_training_learn_first(hw_training *t, hw_error *err) {
    t->stage_from = 0;
    t->stage_to = t->plan.towers ? 0.1 : 0.5;
    if (has_bag(t)) {
        HW_TRY(learn_bag(t, &t->first, t->learned, t->learned_count, err));
        HW_TRY(score_bag(t, err));
    }
    t->stage_from = t->stage_to;
    t->stage_to = 0.55;
    return t->plan.towers ? with_towers(t, PHASE_FIRST, err) : HW_OK;
}

hw_status hw_training_learn_final(hw_training *t, hw_error *err) {
    t->stage_from = t->plan.towers ? 0.55 : 0.5;
    t->stage_to = t->plan.towers ? 0.65 : 1;
    if (has_bag(t)) HW_TRY(learn_bag(t, &t->final, t->data.rows, t->data.count, err));
    t->stage_from = t->stage_to;
    t->stage_to = 1;
    return t->plan.towers && t->join.tower_share > 0 ? with_towers(t, PHASE_FINAL, err) : HW_OK;
}
