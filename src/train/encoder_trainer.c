/* One step: the next texts of the epoch's order go through the encoder forward and backward, piece
 * by piece, and AdamW updates the weights by the sum of their gradients. */
#include "train/encoder_trainer.h"

#include "base/memory.h"
#include "base/random.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { GIVE_UP = 10, PURPOSE_SHUFFLE = 51 };
static const double longest_memory = 0.98; /* of the loss that is reported */

/* What changes from step to step and is not an array. */
typedef struct counters {
    uint64_t step, updates, bad_steps; /* updates: steps that were not bad */
    double loss;
} counters;

struct hw_encoder_trainer {
    hw_encoder_lesson lesson;
    hw_encoder_trainer_options options;
    hw_encoder_update update;
    size_t labels, steps_per_epoch;
    counters now;
    uint32_t *order;          /* [count] of the current epoch */
    size_t order_epoch;       /* order is of this epoch; SIZE_MAX: of none */
    float *logits, *d_logits; /* [batch][labels] */
    float *target;            /* [labels] */
};

/* ---- A step --------------------------------------------------------------------------- */

static void shuffle_for(hw_encoder_trainer *t, size_t epoch) {
    if (t->order_epoch == epoch) return;
    memcpy(t->order, t->lesson.rows, t->lesson.count * sizeof *t->order);
    hw_random_shuffle(t->order, (uint32_t)t->lesson.count, t->options.seed ^ hw_mix64(epoch),
                      PURPOSE_SHUFFLE);
    t->order_epoch = epoch;
}

/* The first of rows[count], which are those from the at-th on of a step of `texts`. Returns how
 * many went through. */
static size_t pass(hw_encoder_trainer *t, double *loss, const uint32_t *rows, size_t at,
                   size_t texts) {
    hw_encoder_update *u = &t->update;
    const hw_encoder_batch batch = hw_token_piece_fill(&u->piece, u->texts, rows + at, texts - at);
    const hw_encoder_noise noise = { .hidden_dropout = t->options.hidden_dropout,
                                     .attention_dropout = t->options.attention_dropout,
                                     .readout_dropout = t->options.readout_dropout,
                                     .seed = t->options.seed,
                                     .step = t->now.step,
                                     .first_text = at };
    hw_encoder_forward(t->logits, u->scratch, u->encoder, u->kernels, batch, &noise);
    for (size_t i = 0; i < batch.texts; i++)
        *loss +=
            hw_label_loss_of(t->d_logits + i * t->labels, t->target, &t->lesson.loss,
                             t->logits + i * t->labels, rows[at + i], 1 / (float)texts, u->kernels);
    hw_encoder_backward(hw_adamw_gradient(u->adamw), u->d_words, u->scratch, u->encoder, u->kernels,
                        batch, t->d_logits, &noise, t->options.lowest);
    hw_encoder_update_scatter(u, batch);
    return batch.texts;
}

void hw_encoder_trainer_step(hw_encoder_trainer *t) {
    assert(t->now.step < hw_encoder_trainer_steps(t));
    const size_t batch = (size_t)t->options.batch;
    const size_t first = t->now.step % t->steps_per_epoch * batch;
    const size_t texts = t->lesson.count - first < batch ? t->lesson.count - first : batch;
    shuffle_for(t, t->now.step / t->steps_per_epoch);

    double loss = 0;
    for (size_t at = 0; at < texts;) at += pass(t, &loss, t->order + first, at, texts);
    if (hw_encoder_update_apply(&t->update) && isfinite(loss)) {
        const double keep =
            fmin(longest_memory, (double)t->now.updates / ((double)t->now.updates + 1));
        t->now.loss = keep * t->now.loss + (1 - keep) * loss;
        t->now.bad_steps = 0;
    } else {
        t->now.bad_steps++;
    }
    t->now.updates = hw_adamw_steps(t->update.adamw);
    t->now.step++;
}

void hw_encoder_trainer_settle(hw_encoder_trainer *t) {
    hw_encoder_update_settle(&t->update);
}

float *hw_encoder_trainer_weights(hw_encoder_trainer *t) {
    return t->update.weights;
}

size_t hw_encoder_trainer_steps(const hw_encoder_trainer *t) {
    return t->steps_per_epoch * (size_t)t->options.epochs;
}

size_t hw_encoder_trainer_steps_per_epoch(const hw_encoder_trainer *t) {
    return t->steps_per_epoch;
}

size_t hw_encoder_trainer_done(const hw_encoder_trainer *t) {
    return t->now.step;
}

double hw_encoder_trainer_loss(const hw_encoder_trainer *t) {
    return t->now.loss;
}

double hw_encoder_trainer_rate(const hw_encoder_trainer *t) {
    return hw_adamw_rate(t->update.adamw);
}

bool hw_encoder_trainer_diverged(const hw_encoder_trainer *t) {
    return t->now.bad_steps >= GIVE_UP;
}

/* ---- The object -------------------------------------------------------------------------- */

static size_t steps_of_epoch(const hw_encoder_lesson *lesson,
                             const hw_encoder_trainer_options *options) {
    const size_t batch = (size_t)options->batch;
    return (lesson->count + batch - 1) / batch;
}

static hw_encoder_update_options update_options(const hw_encoder_lesson *lesson,
                                                const hw_encoder_trainer_options *o) {
    const size_t steps = steps_of_epoch(lesson, o) * (size_t)o->epochs;
    const hw_schedule schedule = { o->learning_rate, steps, (size_t)(o->warm_up * (double)steps) };
    return (hw_encoder_update_options){ .adamw = { .schedule = schedule,
                                                   .weight_decay = o->weight_decay,
                                                   .layer_decay = o->layer_decay,
                                                   .readout_rate = o->readout_rate,
                                                   .lowest = o->lowest },
                                        .batch = (size_t)o->batch,
                                        .piece_tokens = o->piece_tokens };
}

static hw_status start(hw_encoder_trainer *t, hw_encoder *encoder, const hw_kernels *kernels,
                       hw_pool *pool, hw_error *err) {
    const size_t logits = (size_t)t->options.batch * t->labels;
    const hw_encoder_update_options options = update_options(&t->lesson, &t->options);
    t->order = hw_calloc(t->lesson.count, sizeof *t->order);
    t->logits = hw_calloc(logits, sizeof *t->logits);
    t->d_logits = hw_calloc(logits, sizeof *t->d_logits);
    t->target = hw_calloc(t->labels, sizeof *t->target);
    if (!t->order || !t->logits || !t->d_logits || !t->target)
        return hw_fail_memory(err, (t->lesson.count + 2 * logits) * sizeof *t->logits);
    return hw_encoder_update_start(&t->update, encoder, t->lesson.texts, &options, kernels, pool,
                                   err);
}

hw_encoder_trainer *hw_encoder_trainer_new(hw_encoder *encoder, const hw_encoder_lesson *lesson,
                                           const hw_encoder_trainer_options *options,
                                           const hw_kernels *kernels, hw_pool *pool,
                                           hw_error *err) {
    hw_encoder_trainer *t = hw_calloc(1, sizeof *t);
    if (!t) {
        hw_fail_memory(err, sizeof *t);
        return NULL;
    }
    t->lesson = *lesson;
    t->options = *options;
    t->labels = lesson->loss.labels;
    t->steps_per_epoch = steps_of_epoch(lesson, options);
    t->order_epoch = SIZE_MAX;
    if (start(t, encoder, kernels, pool, err) == HW_OK) return t;
    hw_encoder_trainer_free(t);
    return NULL;
}

void hw_encoder_trainer_free(hw_encoder_trainer *t) {
    if (!t) return;
    hw_encoder_update_free(&t->update);
    hw_free(t->order);
    hw_free(t->logits);
    hw_free(t->d_logits);
    hw_free(t->target);
    hw_free(t);
}

size_t hw_encoder_trainer_bytes(const hw_encoder_config *config, const hw_encoder_lesson *lesson,
                                const hw_encoder_trainer_options *options, int32_t threads) {
    const hw_encoder_update_options update = update_options(lesson, options);
    return hw_encoder_update_bytes(config, lesson->texts, &update, threads) +
           lesson->count * sizeof(uint32_t) +
           2 * (size_t)options->batch * (size_t)config->labels * sizeof(float);
}

/* ---- State ---------------------------------------------------------------------------------- */

hw_state_array hw_encoder_trainer_state(hw_encoder_trainer *t, size_t i) {
    hw_encoder_update *u = &t->update;
    const size_t floats = hw_encoder_floats(hw_encoder_config_of(u->encoder));
    if (i == 0) return (hw_state_array){ "counters", &t->now, sizeof t->now };
    if (i == 1) return (hw_state_array){ "weights", u->weights, floats * sizeof *u->weights };
    return hw_adamw_state(u->adamw, i - 2);
}

bool hw_encoder_trainer_resume(hw_encoder_trainer *t) {
    const counters *now = &t->now;
    if (now->step > hw_encoder_trainer_steps(t) || now->updates > now->step ||
        now->bad_steps > now->step || !hw_adamw_resume(t->update.adamw, now->updates))
        return false;
    hw_encoder_pack(t->update.encoder, t->update.kernels, t->update.pool);
    return true;
}
