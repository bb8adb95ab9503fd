/* The towers: those of all trials side by side, one thread each, in rounds of some steps;
 * between rounds the calling thread reports, scores the held-back rows at the end of an
 * evaluation period, and saves. Then the final ones, of all rows, in the same way but for
 * the scoring. Invariant: how long rounds are changes nothing but when one can stop. */
#include "base/clock.h"
#include "base/memory.h"
#include "train/training.h"

#include <math.h>
#include <string.h>

enum { MOST_ROUND_STEPS = 64, EVALUATION_STEPS = 100 };
static const double round_seconds = 0.2; /* aimed at, so that a wish to stop is soon heard */
enum { PHASE_TRIALS = 1, PHASE_FINAL = 2 };

typedef struct side_by_side {
    hw_training *training;
    int32_t count;
    hw_tower_trainer *trainers[HW_TOWERS_LIMIT];
    hw_tower_scorer *scorers[HW_TOWERS_LIMIT]; /* trials only, and so what follows */
    float *averages[HW_TOWERS_LIMIT];          /* [hw_tower_floats] of now */
    float *logits[HW_TOWERS_LIMIT];            /* [held_count of its trial][labels] */
    float *mean;                               /* [held_count][labels] */
    size_t round_steps, last_save;
    hw_checkpoint best; /* and where training stands */
} side_by_side;

static size_t floats_of(const hw_training *t) {
    return hw_tower_floats(&t->plan.tower);
}

/* Trainer i belongs to trial i / towers of a trial. */
static const hw_trial *trial_of(const hw_training *t, int32_t i) {
    return &t->trials[i / hw_plan_trial_towers(&t->plan)];
}

/* ---- Memory ------------------------------------------------------------------------ */

static hw_status allocate_block(float **block, size_t count, hw_error *err) {
    if (!*block) *block = hw_calloc(count, sizeof **block);
    return *block ? HW_OK : hw_fail_memory(err, count * sizeof **block);
}

static hw_status new_trainer(side_by_side *s, int32_t i, const uint32_t *rows, size_t count,
                             hw_error *err) {
    const hw_training *t = s->training;
    hw_tower_trainer_options options = t->plan.learning;
    options.seed = t->options->seed * 64 + (uint64_t)(s->best.phase * 32 + i);
    s->trainers[i] = hw_tower_trainer_new(&t->plan.tower, &t->set.tokens, t->data.targets, rows,
                                          count, t->data.weights, &options, t->kernels, err);
    return s->trainers[i] ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status new_trial_tower(side_by_side *s, int32_t i, hw_error *err) {
    hw_training *t = s->training;
    const hw_trial *trial = trial_of(t, i);
    HW_TRY(new_trainer(s, i, trial->learned, trial->learned_count, err));
    HW_TRY(allocate_block(&s->averages[i], floats_of(t), err));
    HW_TRY(allocate_block(&s->logits[i], trial->held_count * t->labels, err));
    s->scorers[i] = hw_tower_scorer_new(&t->plan.tower, &hw_training_held_set(t)->tokens,
                                        t->held + trial->first_held, trial->held_count, err);
    return s->scorers[i] ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status new_trials(side_by_side *s, hw_error *err) {
    hw_training *t = s->training;
    for (int32_t i = 0; i < s->count; i++) HW_TRY(new_trial_tower(s, i, err));
    for (int32_t i = 0; i < hw_plan_trial_towers(&t->plan); i++)
        HW_TRY(allocate_block(&t->first.towers[i], floats_of(t), err));
    HW_TRY(allocate_block(&s->mean, t->held_count * t->labels, err));
    return allocate_block(&t->held_tower, t->held_count * t->labels, err);
}

static hw_status new_final(side_by_side *s, hw_error *err) {
    hw_training *t = s->training;
    for (int32_t i = 0; i < s->count; i++) {
        HW_TRY(new_trainer(s, i, t->data.rows, t->data.count, err));
        HW_TRY(allocate_block(&t->final.towers[i], floats_of(t), err));
    }
    return HW_OK;
}

static void free_towers(side_by_side *s) {
    for (int32_t i = 0; i < HW_TOWERS_LIMIT; i++) {
        hw_tower_trainer_free(s->trainers[i]);
        hw_tower_scorer_free(s->scorers[i]);
        hw_free(s->averages[i]);
        hw_free(s->logits[i]);
    }
    hw_free(s->mean);
}

/* ---- Evaluation --------------------------------------------------------------------- */

static void score_tower(void *context, size_t tower, int32_t worker) {
    (void)worker;
    const side_by_side *s = context;
    hw_tower_trainer_average(s->averages[tower], s->trainers[tower]);
    hw_tower_scorer_run(s->logits[tower], s->scorers[tower], s->averages[tower],
                        s->training->kernels);
}

/* mean: [held_count][labels], each row by the towers of its trial. */
static void mean_logits(side_by_side *s) {
    const hw_training *t = s->training;
    const int32_t towers = hw_plan_trial_towers(&t->plan);
    memset(s->mean, 0, t->held_count * t->labels * sizeof *s->mean);
    for (int32_t i = 0; i < s->count; i++) {
        const hw_trial *trial = trial_of(t, i);
        t->kernels->axpy(s->mean + trial->first_held * t->labels, s->logits[i], 1 / (float)towers,
                         trial->held_count * t->labels);
    }
}

/* Scores the held-back rows; keeps the towers if they are better than ever, or if there is
 * nothing to tell by. */
static hw_status evaluate(side_by_side *s, double *score, hw_error *err) {
    hw_training *t = s->training;
    hw_pool_run(t->pool, (size_t)s->count, score_tower, s);
    mean_logits(s);
    double loss;
    HW_TRY(hw_held_back_loss(&loss, score, s->mean, t->held_targets, t->labels, t->plan.multi_label,
                             err));
    t->held_loss = loss;
    s->best.stale++;
    if (t->held_count && !(loss < s->best.best_loss)) return HW_OK;
    s->best.best_loss = loss;
    s->best.stale = 0;
    s->best.best_steps = hw_tower_trainer_done(s->trainers[0]);
    memcpy(t->held_tower, s->mean, t->held_count * t->labels * sizeof *s->mean);
    for (int32_t i = 0; i < hw_plan_trial_towers(&t->plan); i++)
        memcpy(t->first.towers[i], s->averages[i], floats_of(t) * sizeof(float));
    return HW_OK;
}

/* ---- Rounds -------------------------------------------------------------------------- */

static void run_round(void *context, size_t tower, int32_t worker) {
    (void)worker;
    const side_by_side *s = context;
    hw_tower_trainer_run(s->trainers[tower], s->round_steps);
}

static bool report_round(const side_by_side *s, double share, double seconds, double score) {
    hw_training *t = s->training;
    t->steps = hw_tower_trainer_done(s->trainers[0]);
    const size_t texts = s->round_steps * (size_t)t->plan.learning.batch * (size_t)s->count;
    return hw_training_report(t, s->best.phase == PHASE_TRIALS ? "towers" : "final towers", share,
                              hw_tower_trainer_loss(s->trainers[0]),
                              hw_tower_trainer_rate(s->trainers[0]),
                              (double)texts / (seconds + 1e-9), score);
}

static hw_status save_if_due(side_by_side *s, bool period_ended, hw_error *err) {
    const hw_train_options *o = s->training->options;
    const size_t done = hw_tower_trainer_done(s->trainers[0]);
    const bool due =
        o->save_steps > 0 ? done - s->last_save >= (size_t)o->save_steps : period_ended;
    if (!o->checkpoint || !due) return HW_OK;
    s->last_save = done;
    return hw_checkpoint_save(s->training, &s->best, s->trainers, s->count, err);
}

static bool diverged(const side_by_side *s) {
    for (int32_t i = 0; i < s->count; i++)
        if (hw_tower_trainer_diverged(s->trainers[i])) return true;
    return false;
}

/* Steps from one evaluation to the next: an epoch, or several short ones. */
static size_t evaluation_period(const side_by_side *s) {
    const size_t epoch = hw_tower_trainer_steps_per_epoch(s->trainers[0]);
    return epoch * ((EVALUATION_STEPS + epoch - 1) / epoch);
}

/* How many steps a round may have, from how long the last one took. */
static size_t next_round(size_t steps, double seconds) {
    if (seconds > 2 * round_seconds && steps > 1) return steps / 2;
    return seconds < round_seconds / 2 && steps < MOST_ROUND_STEPS ? 2 * steps : steps;
}

/* Steps until `end`, the next evaluation, or a round of `steps` is full. */
static size_t steps_to_go(size_t steps, size_t done, size_t end, size_t period) {
    if (steps > period - done % period) steps = period - done % period;
    return steps > end - done ? end - done : steps;
}

/* Trials differ by a row or two, so one may have fewer steps: all stop with the shortest. */
static size_t steps_of_all(const side_by_side *s) {
    size_t steps = hw_tower_trainer_steps(s->trainers[0]);
    for (int32_t i = 1; i < s->count; i++)
        if (hw_tower_trainer_steps(s->trainers[i]) < steps)
            steps = hw_tower_trainer_steps(s->trainers[i]);
    return steps;
}

static hw_status run(side_by_side *s, size_t end, hw_error *err) {
    hw_training *t = s->training;
    const size_t period = evaluation_period(s);
    size_t round = 1;
    double score = NAN;
    while (hw_tower_trainer_done(s->trainers[0]) < end) {
        const double began = hw_seconds_now();
        const size_t before = hw_tower_trainer_done(s->trainers[0]);
        s->round_steps = steps_to_go(round, before, end, period);
        hw_pool_run(t->pool, (size_t)s->count, run_round, s);
        if (diverged(s))
            return hw_fail(err, HW_ERROR_DIVERGED,
                           "training diverged at step %zu: the gradient is not finite; use a "
                           "smaller learning rate (-lr)",
                           before);
        const size_t done = hw_tower_trainer_done(s->trainers[0]);
        const bool period_ended = done % period == 0 || done == end;
        if (period_ended && s->best.phase == PHASE_TRIALS) HW_TRY(evaluate(s, &score, err));
        HW_TRY(save_if_due(s, period_ended, err));
        const double seconds = hw_seconds_now() - began;
        round = next_round(round, seconds);
        if (!report_round(s, (double)done / (double)end, seconds, score)) return HW_OK;
        if (s->best.phase == PHASE_TRIALS && s->best.stale >= (size_t)t->plan.patience)
            return HW_OK;
    }
    return HW_OK;
}

/* ---- The two phases ------------------------------------------------------------------- */

static hw_status run_trials(side_by_side *s, const hw_checkpoint *saved, const hw_safetensors *file,
                            hw_error *err) {
    hw_training *t = s->training;
    HW_TRY(new_trials(s, err));
    const bool over = saved->phase == PHASE_FINAL;
    if (saved->phase) {
        HW_TRY(hw_checkpoint_restore(t, file, over ? NULL : s->trainers, s->count, err));
        s->best = *saved;
    }
    if (!over && s->best.stale < (size_t)t->plan.patience) HW_TRY(run(s, steps_of_all(s), err));
    t->best_steps = s->best.best_steps;
    return HW_OK;
}

static hw_status run_final(side_by_side *s, const hw_checkpoint *saved, const hw_safetensors *file,
                           hw_error *err) {
    hw_training *t = s->training;
    s->best.best_steps = t->best_steps;
    HW_TRY(new_final(s, err));
    if (saved->phase == PHASE_FINAL)
        HW_TRY(hw_checkpoint_restore(t, file, s->trainers, s->count, err));
    const size_t batch = (size_t)t->plan.learning.batch;
    const size_t trial_epoch = (t->trials[0].learned_count + batch - 1) / batch;
    const size_t epochs = (t->best_steps + trial_epoch / 2) / trial_epoch;
    const size_t end = epochs * hw_tower_trainer_steps_per_epoch(s->trainers[0]);
    HW_TRY(run(s, end, err));
    for (int32_t i = 0; i < s->count; i++)
        hw_tower_trainer_average(t->final.towers[i], s->trainers[i]);
    return HW_OK;
}

typedef hw_status phase_fn(side_by_side *s, const hw_checkpoint *saved, const hw_safetensors *file,
                           hw_error *err);

static hw_status run_phase(hw_training *t, int32_t phase, int32_t count, phase_fn *run_it,
                           hw_error *err) {
    hw_checkpoint saved;
    hw_safetensors *file;
    HW_TRY(hw_checkpoint_open(&saved, &file, t, err));
    side_by_side s = { .training = t, .count = count };
    s.best = (hw_checkpoint){ .phase = phase, .best_loss = INFINITY };
    t->held_loss = NAN;
    const hw_status status = run_it(&s, &saved, file, err);
    free_towers(&s);
    hw_safetensors_close(file);
    return status;
}

hw_status hw_training_try_towers(hw_training *t, hw_error *err) {
    const int32_t count = (int32_t)t->plan.trials * hw_plan_trial_towers(&t->plan);
    return run_phase(t, PHASE_TRIALS, count, run_trials, err);
}

hw_status hw_training_learn_towers(hw_training *t, hw_error *err) {
    return run_phase(t, PHASE_FINAL, t->plan.towers, run_final, err);
}

void hw_training_keep_towers(hw_training *t) {
    memcpy(t->final.towers, t->first.towers, sizeof t->final.towers);
    memset(t->first.towers, 0, sizeof t->first.towers);
}
