/* All layers learn, or those that are not frozen: steps, and at the end of each epoch a look at the
 * held-back rows; the weights that did best there are kept. Invariant: how often is reported
 * changes nothing but when one can stop. */
#include "base/clock.h"
#include "base/memory.h"
#include "train/fine_tune.h"

#include <math.h>
#include <string.h>

static const double report_seconds = 0.1;

typedef struct epochs {
    hw_fine_tuning *f;
    hw_encoder_trainer *trainer;
    hw_encoder_scorer *scorer; /* of the held-back texts */
    float *logits;             /* [held_count][labels] of now */
    hw_fine_tune_progress progress;
    size_t last_save, last_report; /* steps */
    double reported_at;            /* seconds */
    double score;                  /* of the last look, NaN before */
} epochs;

/* ---- Memory ------------------------------------------------------------------------- */

size_t hw_fine_tune_first_float(const hw_fine_tuning *f) {
    hw_encoder_parameter p;
    for (size_t i = 0; hw_encoder_parameter_at(&p, &f->config, i); i++)
        if (p.depth >= f->plan.learning.lowest) return p.offset;
    return hw_encoder_floats(&f->config);
}

size_t hw_fine_tune_best_floats(const hw_fine_tuning *f) {
    return hw_encoder_floats(&f->config) - hw_fine_tune_first_float(f);
}

static hw_encoder_lesson lesson_of(const hw_fine_tuning *f) {
    const hw_training *t = &f->training;
    return (hw_encoder_lesson){ .texts = &f->texts,
                                .rows = t->trials[0].learned,
                                .count = t->trials[0].learned_count,
                                .loss = hw_fine_tune_loss(f) };
}

/* Weights twice (as they learn, and packed to run), what a trainer has, the best state, the
 * held-back rows. */
static size_t bytes_needed(const hw_fine_tuning *f, const hw_encoder_lesson *lesson) {
    const hw_training *t = &f->training;
    const int32_t threads = hw_pool_threads(t->pool);
    const size_t floats = hw_encoder_floats(&f->config);
    const size_t packed = floats - hw_encoder_word_floats(&f->config);
    const size_t floats_kept =
        floats + packed + hw_fine_tune_best_floats(f) + 2 * t->held_count * t->labels;
    return floats_kept * sizeof(float) +
           hw_encoder_trainer_bytes(&f->config, lesson, &f->plan.learning, threads) +
           hw_encoder_scorer_bytes(&f->config, hw_fine_tune_held_texts(f), threads);
}

static void note_memory(hw_fine_tuning *f, const hw_encoder_lesson *lesson) {
    char note[96];
    snprintf(note, sizeof note, "fine-tuning needs about %.0f MB of memory",
             ceil((double)bytes_needed(f, lesson) / 1e6));
    hw_training_note(&f->training, note);
}

static hw_status start(epochs *e, hw_error *err) {
    hw_fine_tuning *f = e->f;
    const hw_training *t = &f->training;
    const hw_encoder_lesson lesson = lesson_of(f);
    const size_t held = t->held_count * t->labels;
    note_memory(f, &lesson);
    e->logits = hw_calloc(held, sizeof *e->logits);
    f->held_logits = hw_calloc(held, sizeof *f->held_logits);
    f->best = hw_calloc(hw_fine_tune_best_floats(f), sizeof *f->best);
    if (!e->logits || !f->held_logits || !f->best)
        return hw_fail_memory(err, (2 * held + hw_fine_tune_best_floats(f)) * sizeof *f->best);
    e->scorer =
        hw_encoder_scorer_new(&f->config, hw_fine_tune_held_texts(f), t->kernels, t->pool, err);
    if (!e->scorer) return HW_ERROR_MEMORY;
    e->trainer =
        hw_encoder_trainer_new(f->encoder, &lesson, &f->plan.learning, t->kernels, t->pool, err);
    return e->trainer ? HW_OK : HW_ERROR_MEMORY;
}

/* ---- At the end of an epoch ------------------------------------------------------------ */

/* Keeps the weights if they are better than ever, or if there is nothing to tell by. */
static hw_status evaluate(epochs *e, hw_error *err) {
    hw_fine_tuning *f = e->f;
    const hw_training *t = &f->training;
    hw_encoder_trainer_settle(e->trainer);
    hw_encoder_scorer_logits(e->logits, e->scorer, f->encoder, t->held, t->held_count);
    double loss = NAN;
    if (t->held_count)
        HW_TRY(hw_held_back_loss(&loss, &e->score, e->logits, t->held_targets, t->labels,
                                 t->plan.multi_label, err));
    e->progress.stale++;
    if (t->held_count && !(loss < e->progress.best_loss)) return HW_OK;
    e->progress = (hw_fine_tune_progress){
        .best_epoch =
            hw_encoder_trainer_done(e->trainer) / hw_encoder_trainer_steps_per_epoch(e->trainer),
        .best_loss = loss,
    };
    memcpy(f->held_logits, e->logits, t->held_count * t->labels * sizeof *e->logits);
    memcpy(f->best, hw_encoder_trainer_weights(e->trainer) + hw_fine_tune_first_float(f),
           hw_fine_tune_best_floats(f) * sizeof *f->best);
    return HW_OK;
}

static hw_status save_if_due(epochs *e, bool epoch_ended, hw_error *err) {
    const hw_train_options *o = e->f->training.options;
    const size_t done = hw_encoder_trainer_done(e->trainer);
    const bool due = o->save_steps > 0 ? done - e->last_save >= (size_t)o->save_steps : epoch_ended;
    if (!o->checkpoint || !due) return HW_OK;
    e->last_save = done;
    return hw_fine_tune_save(e->f, &e->progress, e->trainer, err);
}

/* ---- Steps --------------------------------------------------------------------------------- */

/* False if training is to stop. */
static bool report(epochs *e, bool epoch_ended) {
    const size_t done = hw_encoder_trainer_done(e->trainer);
    const double seconds = hw_seconds_now() - e->reported_at;
    if (seconds < report_seconds && !epoch_ended && done > 1) return true;
    const size_t texts = (done - e->last_report) * (size_t)e->f->plan.learning.batch;
    e->last_report = done;
    e->reported_at += seconds;
    return hw_training_report(
        &e->f->training, "fine-tune", (double)done / (double)hw_encoder_trainer_steps(e->trainer),
        hw_encoder_trainer_loss(e->trainer), hw_encoder_trainer_rate(e->trainer),
        (double)texts / (seconds + 1e-9), e->score);
}

static hw_status run(epochs *e, hw_error *err) {
    const size_t epoch = hw_encoder_trainer_steps_per_epoch(e->trainer);
    const size_t patience = (size_t)e->f->plan.patience;
    e->last_save = e->last_report = hw_encoder_trainer_done(e->trainer);
    e->reported_at = hw_seconds_now();
    while (hw_encoder_trainer_done(e->trainer) < hw_encoder_trainer_steps(e->trainer) &&
           e->progress.stale < patience) {
        hw_encoder_trainer_step(e->trainer);
        const size_t done = hw_encoder_trainer_done(e->trainer);
        if (hw_encoder_trainer_diverged(e->trainer))
            return hw_fail(err, HW_ERROR_DIVERGED,
                           "training diverged at step %zu: the gradient is not finite; use a "
                           "smaller learning rate (-lr)",
                           done);
        const bool epoch_ended = done % epoch == 0;
        if (epoch_ended) HW_TRY(evaluate(e, err));
        HW_TRY(save_if_due(e, epoch_ended, err));
        if (!report(e, epoch_ended)) return HW_OK;
    }
    return HW_OK;
}

/* The encoder gets the weights that were best. */
static hw_status finish(epochs *e, hw_error *err) {
    hw_fine_tuning *f = e->f;
    f->best_epoch = e->progress.best_epoch;
    if (!f->best_epoch)
        return f->training.stopped
                   ? hw_fail(err, HW_ERROR_STOPPED, "training was stopped before there was a model")
                   : hw_fail(err, HW_ERROR_DIVERGED,
                             "training diverged: no epoch gave finite results on held-back data; "
                             "use a smaller learning rate (-lr)");
    memcpy(hw_encoder_trainer_weights(e->trainer) + hw_fine_tune_first_float(f), f->best,
           hw_fine_tune_best_floats(f) * sizeof *f->best);
    hw_encoder_pack(f->encoder, f->training.kernels, f->training.pool);
    return HW_OK;
}

hw_status hw_fine_tune_epochs(hw_fine_tuning *f, hw_error *err) {
    epochs e = { .f = f, .score = NAN, .progress = { .best_loss = INFINITY } };
    hw_bundle_free(f->base.bundle); /* the encoder has its own weights by now */
    f->base.bundle = NULL;
    hw_status status = start(&e, err);
    if (status == HW_OK) status = hw_fine_tune_restore(f, &e.progress, e.trainer, err);
    if (status == HW_OK) status = run(&e, err);
    if (status == HW_OK) status = finish(&e, err);
    hw_encoder_trainer_free(e.trainer);
    hw_encoder_scorer_free(e.scorer);
    hw_free(e.logits);
    return status;
}
