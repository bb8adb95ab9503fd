/* One step: take the texts, mask them, pass them through the encoder forward and backward, update
 * the weights. */
#include "train/masked_trainer.h"

#include "base/memory.h"
#include "base/random.h"
#include "model/loss.h"
#include "train/adamw.h"

#include <math.h>
#include <string.h>

enum { PURPOSE_SHUFFLE = 40, GIVE_UP = 10, ROWS_A_TASK = 16 };

struct hw_masked_trainer {
    hw_encoder *encoder;
    const hw_encoder_config *config;
    const hw_token_texts *texts;
    hw_masked_trainer_options options;
    const hw_kernels *kernels;
    hw_pool *pool;
    size_t steps_per_epoch;

    float *weights; /* of the encoder */
    hw_adamw *adamw;
    hw_encoder_scratch *scratch;
    hw_token_piece piece;
    hw_masked masked;
    float *logits, *d_logits; /* [places][vocabulary] */
    double *losses;           /* [places] */
    float *d_words;           /* [tokens][embedding width] */
    uint32_t *order;          /* [texts->count] of the current epoch */

    size_t step, seen, bad_steps;
    double loss;
};

/* ---- Loss ------------------------------------------------------------------------ */

static void measure_rows(void *context, size_t task, int32_t worker) {
    (void)worker;
    hw_masked_trainer *t = context;
    const size_t vocabulary = (size_t)t->config->vocabulary;
    const size_t begin = task * ROWS_A_TASK, left = t->masked.count - begin;
    const float weight = 1 / (float)t->masked.count;
    for (size_t row = begin; row < begin + (left < ROWS_A_TASK ? left : ROWS_A_TASK); row++)
        t->losses[row] =
            hw_softmax_loss(t->d_logits + row * vocabulary, t->logits + row * vocabulary,
                            vocabulary, t->masked.targets[row], 0, weight, t->kernels);
}

static double loss_of(hw_masked_trainer *t) {
    hw_pool_run(t->pool, (t->masked.count + ROWS_A_TASK - 1) / ROWS_A_TASK, measure_rows, t);
    double loss = 0;
    for (size_t row = 0; row < t->masked.count; row++) loss += t->losses[row];
    return loss;
}

/* ---- A step ------------------------------------------------------------------------ */

static void shuffle(hw_masked_trainer *t, size_t epoch) {
    for (size_t i = 0; i < t->texts->count; i++) t->order[i] = (uint32_t)i;
    hw_random_shuffle(t->order, (uint32_t)t->texts->count, t->options.seed ^ hw_mix64(epoch),
                      PURPOSE_SHUFFLE);
}

static hw_encoder_batch compose(hw_masked_trainer *t) {
    const size_t in_epoch = t->step % t->steps_per_epoch;
    const size_t first = in_epoch * t->options.batch, left = t->texts->count - first;
    if (in_epoch == 0) shuffle(t, t->step / t->steps_per_epoch);
    const hw_encoder_batch batch = hw_token_piece_fill(
        &t->piece, t->texts, t->order + first, left < t->options.batch ? left : t->options.batch);
    t->masked.count = 0;
    for (size_t text = 0; text < batch.texts; text++)
        hw_masking_apply(&t->masked, t->piece.tokens, batch.offsets[text], batch.offsets[text + 1],
                         &t->options.masking, t->step, text);
    return batch;
}

/* The input's part of the word embedding's gradient; the decoder's is there already. */
static void add_words(hw_masked_trainer *t, hw_encoder_batch batch) {
    const size_t width = (size_t)t->config->embedding_width;
    float *gradient = hw_adamw_gradient(t->adamw);
    for (size_t token = 0; token < batch.offsets[batch.texts]; token++)
        t->kernels->add(gradient + batch.tokens[token] * width, t->d_words + token * width, width);
}

/* Without dropout (no noise): no text is seen twice with the same masks, and where training is as
 * short as here, dropout only slows it. */
static double learn(hw_masked_trainer *t, hw_encoder_batch batch) {
    hw_encoder_masked_forward(t->logits, t->scratch, t->encoder, t->kernels, batch,
                              t->masked.places, t->masked.count, NULL);
    const double loss = loss_of(t);
    hw_encoder_masked_backward(hw_adamw_gradient(t->adamw), t->d_words, t->scratch, t->encoder,
                               t->kernels, batch, t->masked.places, t->masked.count, t->d_logits,
                               NULL);
    add_words(t, batch);
    return loss;
}

bool hw_masked_trainer_step(hw_masked_trainer *t) {
    const hw_encoder_batch batch = compose(t);
    if (t->masked.count) {
        const double loss = learn(t, batch);
        const bool is_good = hw_adamw_step(t->adamw, t->weights, NULL) && isfinite(loss);
        if (is_good) hw_encoder_pack(t->encoder, t->kernels, t->pool);
        const double keep = fmin(0.99, (double)t->step / ((double)t->step + 1));
        if (is_good) t->loss = keep * t->loss + (1 - keep) * loss;
        t->bad_steps = is_good ? 0 : t->bad_steps + 1;
    }
    t->seen += batch.texts;
    t->step++;
    return t->bad_steps < GIVE_UP;
}

size_t hw_masked_trainer_steps(const hw_masked_trainer *t) {
    return t->steps_per_epoch * t->options.epochs;
}

size_t hw_masked_trainer_done(const hw_masked_trainer *t) {
    return t->step;
}

size_t hw_masked_trainer_texts(const hw_masked_trainer *t) {
    return t->seen;
}

double hw_masked_trainer_loss(const hw_masked_trainer *t) {
    return t->loss;
}

double hw_masked_trainer_rate(const hw_masked_trainer *t) {
    return hw_adamw_rate(t->adamw);
}

/* ---- The object ---------------------------------------------------------------------- */

/* Tokens of the `texts` longest texts are at least those of any batch. */
static size_t most_tokens(const hw_token_texts *texts, size_t batch) {
    const size_t all = texts->offsets[texts->count], limit = batch * texts->longest;
    return all < limit ? all : limit;
}

static hw_status allocate(hw_masked_trainer *t, hw_error *err) {
    const size_t batch = t->options.batch, tokens = most_tokens(t->texts, batch);
    const size_t places = hw_masking_limit(&t->options.masking, tokens, batch);
    const size_t vocabulary = (size_t)t->config->vocabulary;
    HW_TRY(hw_token_piece_reserve(&t->piece, t->texts, tokens, batch, err));
    t->masked.places = hw_calloc(places, sizeof *t->masked.places);
    t->masked.targets = hw_calloc(places, sizeof *t->masked.targets);
    t->logits = hw_calloc(places, vocabulary * sizeof *t->logits);
    t->d_logits = hw_calloc(places, vocabulary * sizeof *t->d_logits);
    t->losses = hw_calloc(places, sizeof *t->losses);
    t->d_words = hw_calloc(tokens, (size_t)t->config->embedding_width * sizeof *t->d_words);
    t->order = hw_calloc(t->texts->count, sizeof *t->order);
    if (!t->masked.places || !t->masked.targets || !t->logits || !t->d_logits || !t->losses ||
        !t->d_words || !t->order)
        return hw_fail_memory(err, 2 * places * vocabulary * sizeof *t->logits);
    t->scratch =
        hw_encoder_scratch_new(t->config, batch, tokens, t->texts->longest, true, t->pool, err);
    return t->scratch ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status start(hw_masked_trainer *t, hw_error *err) {
    HW_TRY(allocate(t, err));
    t->weights = hw_encoder_thaw(t->encoder, err);
    if (!t->weights) return HW_ERROR_MEMORY;
    const size_t steps = hw_masked_trainer_steps(t);
    const hw_adamw_options options = { .schedule = { .rate = t->options.learning_rate,
                                                     .steps = steps,
                                                     .warm_up = (size_t)(t->options.warm_up *
                                                                         (double)steps) },
                                       .weight_decay = t->options.weight_decay,
                                       .layer_decay = 1,
                                       .readout_rate = 1,
                                       .dense_words = true };
    t->adamw = hw_adamw_new(t->config, &options, t->kernels, t->pool, err);
    return t->adamw ? HW_OK : HW_ERROR_MEMORY;
}

hw_masked_trainer *hw_masked_trainer_new(hw_encoder *encoder, const hw_token_texts *texts,
                                         const hw_masked_trainer_options *options,
                                         const hw_kernels *kernels, hw_pool *pool, hw_error *err) {
    hw_masked_trainer *t = hw_calloc(1, sizeof *t);
    if (!t) {
        hw_fail_memory(err, sizeof *t);
        return NULL;
    }
    t->encoder = encoder;
    t->config = hw_encoder_config_of(encoder);
    t->texts = texts;
    t->options = *options;
    if (t->options.batch > texts->count) t->options.batch = texts->count;
    t->kernels = kernels;
    t->pool = pool;
    t->steps_per_epoch = (texts->count + t->options.batch - 1) / t->options.batch;
    if (start(t, err) == HW_OK) return t;
    hw_masked_trainer_free(t);
    return NULL;
}

void hw_masked_trainer_free(hw_masked_trainer *t) {
    if (!t) return;
    hw_adamw_free(t->adamw);
    hw_encoder_scratch_free(t->scratch);
    hw_token_piece_free(&t->piece);
    void *arrays[] = { t->masked.places, t->masked.targets, t->logits, t->d_logits,
                       t->losses,        t->d_words,        t->order };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) hw_free(arrays[i]);
    hw_free(t);
}
