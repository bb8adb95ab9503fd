/* One step: compose a batch with its noise, pass it through the tower forward and backward
 * in pieces, clip the gradient, update the dense weights and the touched embedding rows.
 * Invariant: rows has a gradient for exactly the embedding rows that the current step has
 * touched. */
#include "train/tower_trainer.h"

#include "base/memory.h"
#include "base/random.h"
#include "model/loss.h"
#include "train/frozen_heads.h"
#include "train/row_gradients.h"

#include <math.h>
#include <string.h>

enum { PIECE = 8 /* texts a pass */, WARM_UP = 100, GIVE_UP = 10 };
enum { PURPOSE_SHUFFLE = 11, PURPOSE_CROP, PURPOSE_TOKEN, PURPOSE_NGRAM };
static const float largest_norm = 1; /* of the gradient */

/* What changes from step to step and is not an array. */
typedef struct counters {
    uint64_t step, ngram_draws, bad_steps;
    double loss;
} counters;

struct hw_tower_trainer {
    hw_tower_config config;
    hw_tower_trainer_options options;
    const hw_kernels *kernels;
    hw_token_lists texts;
    hw_targets targets;
    const uint32_t *rows;
    const float *weights;
    size_t count, steps_per_epoch;
    size_t floats, embedding_floats;

    counters now;
    float *w, *m, *v, *average; /* [floats] each, embedding first */
    uint32_t *last_step;        /* [vocabulary] step that last updated the row, 0: none */
    double *log_decay;          /* [steps + 1] sum of ln(average's decay) up to a step */

    hw_tower_views views, average_views, d_views; /* of w, average and d */
    float *d; /* [floats], of which the embedding's part is not used */
    hw_frozen_heads frozen;
    uint32_t *order;    /* [count] of the current epoch */
    size_t order_epoch; /* order is of this epoch; SIZE_MAX: of none */

    hw_tower_scratch *scratch;
    uint32_t *ngrams, *token_offsets, *offsets; /* the piece's batch */
    float *d_tokens, *logits, *d_logits, *target_row;
    hw_row_gradients row_gradients; /* of the embedding */
};

/* ---- Composing a piece of a batch --------------------------------------- */

static void shuffle_for(hw_tower_trainer *t, size_t epoch) {
    if (t->order_epoch == epoch) return;
    memcpy(t->order, t->rows, t->count * sizeof *t->order);
    hw_random_shuffle(t->order, (uint32_t)t->count, t->options.seed ^ hw_mix64(epoch),
                      PURPOSE_SHUFFLE);
    t->order_epoch = epoch;
}

static bool drops(const hw_tower_trainer *t, uint64_t purpose, uint64_t index, float rate) {
    return rate > 0 && hw_random_uniform(t->options.seed, purpose, index) < rate;
}

/* Appends a token without the n-grams that are dropped. One that is dropped is written, too, and
 * then written over: a branch would be mispredicted half of the time. */
static size_t add_token(hw_tower_trainer *t, size_t token, size_t ngrams) {
    for (size_t i = t->texts.token_offsets[token]; i < t->texts.token_offsets[token + 1]; i++) {
        t->ngrams[ngrams] = t->texts.ngrams[i];
        ngrams += !drops(t, PURPOSE_NGRAM, t->now.ngram_draws++, t->options.ngram_dropout);
    }
    return ngrams;
}

/* The batch of order[first .. first + texts): stretches of at most `crop` tokens, without
 * the tokens that are dropped; a text keeps at least one. */
static hw_batch compose(hw_tower_trainer *t, size_t first, size_t texts) {
    size_t tokens = 0, ngrams = 0;
    t->offsets[0] = t->token_offsets[0] = 0;
    for (size_t i = 0; i < texts; i++) {
        const uint32_t row = t->order[first + i];
        size_t begin = t->texts.text_offsets[row], end = t->texts.text_offsets[row + 1];
        const uint64_t draw = t->now.step * (uint64_t)t->options.batch + i;
        const size_t crop = (size_t)t->options.crop;
        if (end - begin > crop) {
            begin += hw_random_below(t->options.seed, PURPOSE_CROP, hw_mix64(draw ^ first),
                                     end - begin - crop + 1);
            end = begin + crop;
        }
        for (size_t token = begin; token < end; token++) {
            const bool keep_last = token + 1 == end && t->offsets[i] == tokens;
            const uint64_t index = hw_mix64(t->now.step) ^ token;
            if (!keep_last && drops(t, PURPOSE_TOKEN, index, t->options.token_dropout)) continue;
            ngrams = add_token(t, token, ngrams);
            t->token_offsets[++tokens] = (uint32_t)ngrams;
        }
        t->offsets[i + 1] = (uint32_t)tokens;
    }
    return (hw_batch){ .ngrams = t->ngrams,
                       .token_offsets = t->token_offsets,
                       .offsets = t->offsets,
                       .texts = texts };
}

/* ---- Gradient ------------------------------------------------------------ */

static double loss_of(hw_tower_trainer *t, float *d_logits, const float *logits, uint32_t row,
                      float scale) {
    const size_t labels = (size_t)t->config.labels;
    const uint32_t *gold = t->targets.labels + t->targets.offsets[row];
    const size_t golds = t->targets.offsets[row + 1] - t->targets.offsets[row];
    const float weight = scale * (t->weights ? t->weights[row] : 1);
    const bool capsules = t->config.capsule_dim > 0;
    if (!t->options.multi_label && !capsules)
        return hw_softmax_loss(d_logits, logits, labels, gold[0], t->options.label_smoothing,
                               weight, t->kernels);
    for (size_t i = 0; i < labels; i++) t->target_row[i] = 0;
    for (size_t i = 0; i < golds; i++) t->target_row[gold[i]] = 1;
    return capsules ? hw_margin_loss(d_logits, logits, t->target_row, labels, weight)
                    : hw_sigmoid_loss(d_logits, logits, t->target_row, labels, weight);
}

/* A token's embedding is the sum of its rows times hw_token_scale (model/tower.h). */
static void scatter(hw_tower_trainer *t, hw_batch batch) {
    const size_t width = (size_t)t->config.width;
    for (size_t token = 0; token < batch.offsets[batch.texts]; token++) {
        const uint32_t begin = batch.token_offsets[token], end = batch.token_offsets[token + 1];
        const float scale = hw_token_scale(end - begin);
        for (uint32_t i = begin; i < end; i++)
            hw_row_gradients_add(&t->row_gradients, batch.ngrams[i], t->d_tokens + token * width,
                                 scale, t->kernels);
    }
}

/* V-shaped (Zhou et al. 2020, section 3.2): from the rate to 0 half-way, and back. */
static float drop_head_at(const hw_tower_trainer *t, uint64_t step) {
    if (!t->options.drop_head_v) return t->options.drop_head;
    const double done = (double)step / (double)hw_tower_trainer_steps(t);
    return (float)((double)t->options.drop_head * fabs(1 - 2 * done));
}

static double pass(hw_tower_trainer *t, size_t first, size_t at, size_t texts, float scale) {
    const hw_batch batch = compose(t, first + at, texts);
    hw_tower_penalties penalties = t->options.penalties;
    penalties.scale = scale;
    const hw_tower_noise noise = { .dropout = t->options.dropout,
                                   .drop_head = drop_head_at(t, t->now.step),
                                   .embedding_dropout = t->options.embedding_dropout,
                                   .seed = t->options.seed,
                                   .step = t->now.step,
                                   .first_text = at,
                                   .penalties = penalties };
    const size_t columns = (size_t)hw_tower_columns(t->config.labels);
    hw_tower_forward(t->logits, t->scratch, &t->config, &t->views, t->kernels, batch, &noise);
    memset(t->d_logits, 0, texts * columns * sizeof *t->d_logits);
    double loss =
        hw_tower_penalty(t->scratch, &t->config, &t->views, t->kernels, batch, &penalties);
    for (size_t i = 0; i < texts; i++)
        loss += loss_of(t, t->d_logits + i * columns, t->logits + i * columns,
                        t->order[first + at + i], scale);
    hw_tower_backward(&t->d_views, t->d_tokens, t->scratch, &t->config, &t->views, t->kernels,
                      batch, t->d_logits, &noise);
    scatter(t, batch);
    return loss;
}

static double squared_norm(const hw_tower_trainer *t) {
    const size_t dense = t->floats - t->embedding_floats;
    float d = 0, rows = 0;
    const float *d_dense = t->d + t->embedding_floats;
    t->kernels->dot(&d, d_dense, d_dense, dense);
    const hw_row_gradients *g = &t->row_gradients;
    t->kernels->dot(&rows, g->values, g->values, g->count * g->width);
    return (double)d + (double)rows;
}

static void scale_all(float *x, size_t n, float factor) {
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

/* ---- Update ---------------------------------------------------------------- */

static double rate_at(const hw_tower_trainer *t, uint64_t step) {
    const double steps = (double)hw_tower_trainer_steps(t), done = (double)step;
    const double warm_up = fmin(WARM_UP, 0.1 * steps + 1);
    return (double)t->options.learning_rate * fmin(1, (done + 1) / warm_up) *
           fmax(0.02, 1 - done / steps);
}

static hw_adam adam_at(const hw_tower_trainer *t, double rate, double decay) {
    const double beta1 = 0.9, beta2 = 0.999, at = (double)(t->now.step + 1);
    const double correction2 = sqrt(1 - pow(beta2, at));
    return (hw_adam){ .rate = (float)(rate * correction2 / (1 - pow(beta1, at))),
                      .decay = (float)(rate * decay),
                      .beta1 = (float)beta1,
                      .beta2 = (float)beta2,
                      .epsilon = (float)(1e-8 * correction2) };
}

/* average = keep * average + (1 - keep) * w */
static void average_towards(float *average, const float *w, double keep, size_t n) {
    const float a = (float)keep, b = (float)(1 - keep);
    for (size_t i = 0; i < n; i++) average[i] = a * average[i] + b * w[i];
}

/* What the average's decay amounts to over the steps (from, to]. */
static double decay_between(const hw_tower_trainer *t, uint64_t from, uint64_t to) {
    return exp(t->log_decay[to] - t->log_decay[from]);
}

/* Rows lie anywhere in arrays that are larger than the caches. */
static void fetch_row(const hw_tower_trainer *t, size_t row) {
    enum { LINE = 16 /* floats */ };
    const size_t width = (size_t)t->config.width;
    for (size_t at = row * width; at < (row + 1) * width; at += LINE) {
        __builtin_prefetch(t->w + at, 1);
        __builtin_prefetch(t->m + at, 1);
        __builtin_prefetch(t->v + at, 1);
        __builtin_prefetch(t->average + at, 1);
    }
}

static void update_rows(hw_tower_trainer *t, const hw_adam *step) {
    enum { AHEAD = 8 };
    const hw_row_gradients *g = &t->row_gradients;
    const size_t width = g->width;
    const uint64_t at = t->now.step + 1;
    const double keep = decay_between(t, at - 1, at);
    for (size_t i = 0; i < g->count; i++) {
        const size_t row = g->rows[i], offset = row * width;
        if (i + AHEAD < g->count) fetch_row(t, g->rows[i + AHEAD]);
        average_towards(t->average + offset, t->w + offset,
                        decay_between(t, t->last_step[row], at - 1), width);
        t->kernels->adam(t->w + offset, t->m + offset, t->v + offset, g->values + i * width, step,
                         width);
        average_towards(t->average + offset, t->w + offset, keep, width);
        t->last_step[row] = (uint32_t)at;
    }
}

static void update_dense(hw_tower_trainer *t, const hw_adam *step) {
    const size_t e = t->embedding_floats, dense = t->floats - e;
    t->kernels->adam(t->w + e, t->m + e, t->v + e, t->d + e, step, dense);
    average_towards(t->average + e, t->w + e, decay_between(t, t->now.step, t->now.step + 1),
                    dense);
    hw_frozen_heads_restore(&t->views, &t->frozen);
    hw_frozen_heads_restore(&t->average_views, &t->frozen);
}

static void run_step(hw_tower_trainer *t) {
    const size_t epoch = t->now.step / t->steps_per_epoch;
    const size_t batch = (size_t)t->options.batch;
    const size_t first = t->now.step % t->steps_per_epoch * batch;
    const size_t texts = t->count - first < batch ? t->count - first : batch;
    shuffle_for(t, epoch);

    hw_row_gradients_start(&t->row_gradients);
    memset(t->d + t->embedding_floats, 0, (t->floats - t->embedding_floats) * sizeof *t->d);
    double loss = 0;
    for (size_t at = 0; at < texts; at += PIECE)
        loss += pass(t, first, at, texts - at < PIECE ? texts - at : PIECE, 1 / (float)texts);

    hw_frozen_heads_clear(&t->d_views, &t->frozen);
    const double norm = sqrt(squared_norm(t));
    if (isfinite(norm) && isfinite(loss)) {
        if (norm > (double)largest_norm) {
            const float factor = (float)((double)largest_norm / norm);
            scale_all(t->d + t->embedding_floats, t->floats - t->embedding_floats, factor);
            scale_all(t->row_gradients.values, t->row_gradients.count * t->row_gradients.width,
                      factor);
        }
        const double rate = rate_at(t, t->now.step);
        const hw_adam rows = adam_at(t, rate * (double)t->options.embedding_rate, 0);
        const hw_adam dense = adam_at(t, rate, (double)t->options.weight_decay);
        update_rows(t, &rows);
        update_dense(t, &dense);
        t->now.bad_steps = 0;
        const double keep = fmin(0.99, (double)t->now.step / ((double)t->now.step + 1));
        t->now.loss = keep * t->now.loss + (1 - keep) * loss;
    } else {
        t->now.bad_steps++;
    }
    t->now.step++;
}

void hw_tower_trainer_run(hw_tower_trainer *t, size_t steps) {
    for (; steps && t->now.step < hw_tower_trainer_steps(t) && !hw_tower_trainer_diverged(t);
         steps--)
        run_step(t);
}

/* ---- The object ------------------------------------------------------------ */

size_t hw_tower_trainer_steps(const hw_tower_trainer *t) {
    return t->steps_per_epoch * (size_t)t->options.epochs;
}

size_t hw_tower_trainer_steps_per_epoch(const hw_tower_trainer *t) {
    return t->steps_per_epoch;
}

size_t hw_tower_trainer_done(const hw_tower_trainer *t) {
    return t->now.step;
}

double hw_tower_trainer_loss(const hw_tower_trainer *t) {
    return t->now.loss;
}

double hw_tower_trainer_rate(const hw_tower_trainer *t) {
    return rate_at(t, t->now.step);
}

bool hw_tower_trainer_diverged(const hw_tower_trainer *t) {
    return t->now.bad_steps >= GIVE_UP;
}

void hw_tower_trainer_average(float *block, const hw_tower_trainer *t) {
    const size_t width = (size_t)t->config.width;
    memcpy(block, t->average, t->floats * sizeof *block);
    for (size_t row = 0; row < (size_t)t->config.vocabulary; row++)
        average_towards(block + row * width, t->w + row * width,
                        decay_between(t, t->last_step[row], t->now.step), width);
}

static size_t array_bytes(const hw_tower_trainer *t) {
    return t->floats * sizeof(float);
}

size_t hw_tower_trainer_state_bytes(const hw_tower_trainer *t) {
    return sizeof t->now + 4 * array_bytes(t) + (size_t)t->config.vocabulary * sizeof *t->last_step;
}

void hw_tower_trainer_save(void *state, const hw_tower_trainer *t) {
    char *to = state;
    memcpy(to, &t->now, sizeof t->now);
    to += sizeof t->now;
    const float *arrays[] = { t->w, t->m, t->v, t->average };
    for (size_t i = 0; i < 4; i++, to += array_bytes(t)) memcpy(to, arrays[i], array_bytes(t));
    memcpy(to, t->last_step, (size_t)t->config.vocabulary * sizeof *t->last_step);
}

/* The steps in it are within the trainer's, and those of the rows not after now. */
static bool is_possible(const hw_tower_trainer *t, const void *state) {
    counters now;
    memcpy(&now, state, sizeof now);
    const char *last_steps = (const char *)state + sizeof now + 4 * array_bytes(t);
    for (size_t row = 0; row < (size_t)t->config.vocabulary; row++) {
        uint32_t last_step;
        memcpy(&last_step, last_steps + row * sizeof last_step, sizeof last_step);
        if (last_step > now.step) return false;
    }
    return now.step <= hw_tower_trainer_steps(t);
}

bool hw_tower_trainer_load(hw_tower_trainer *t, const void *state) {
    if (!is_possible(t, state)) return false;
    const char *from = state;
    memcpy(&t->now, from, sizeof t->now);
    from += sizeof t->now;
    float *arrays[] = { t->w, t->m, t->v, t->average };
    for (size_t i = 0; i < 4; i++, from += array_bytes(t)) memcpy(arrays[i], from, array_bytes(t));
    memcpy(t->last_step, from, (size_t)t->config.vocabulary * sizeof *t->last_step);
    return true;
}

/* Most tokens and n-grams that PIECE texts can have, each cropped. */
static void measure_piece(const hw_tower_trainer *t, size_t *tokens, size_t *ngrams) {
    size_t longest = 1, richest = 1, most = 1; /* tokens, n-grams of a token, of a text */
    for (size_t i = 0; i < t->count; i++) {
        const size_t row = t->rows[i];
        const size_t begin = t->texts.text_offsets[row], end = t->texts.text_offsets[row + 1];
        const size_t all = t->texts.token_offsets[end] - t->texts.token_offsets[begin];
        if (all > most) most = all;
        if (end - begin > longest) longest = end - begin;
        for (size_t token = begin; token < end; token++) {
            const size_t n = t->texts.token_offsets[token + 1] - t->texts.token_offsets[token];
            if (n > richest) richest = n;
        }
    }
    if (longest > (size_t)t->options.crop) longest = (size_t)t->options.crop;
    *tokens = PIECE * longest;
    *ngrams = PIECE * (most < longest * richest ? most : longest * richest);
}

static bool allocate_state(hw_tower_trainer *t) {
    t->w = hw_calloc(t->floats, sizeof *t->w);
    t->m = hw_calloc(t->floats, sizeof *t->m);
    t->v = hw_calloc(t->floats, sizeof *t->v);
    t->average = hw_calloc(t->floats, sizeof *t->average);
    t->last_step = hw_calloc((size_t)t->config.vocabulary, sizeof *t->last_step);
    t->log_decay = hw_calloc(hw_tower_trainer_steps(t) + 1, sizeof *t->log_decay);
    t->d = hw_calloc(t->floats, sizeof *t->d);
    t->order = hw_calloc(t->count, sizeof *t->order);
    return t->w && t->m && t->v && t->average && t->last_step && t->log_decay && t->d && t->order &&
           hw_frozen_heads_reserve(&t->frozen, &t->config, NULL) == HW_OK;
}

static bool allocate_batch(hw_tower_trainer *t, hw_error *err) {
    size_t tokens, ngrams;
    measure_piece(t, &tokens, &ngrams);
    const size_t pieces = ((size_t)t->options.batch + PIECE - 1) / PIECE;
    const size_t vocabulary = (size_t)t->config.vocabulary, width = (size_t)t->config.width;
    const size_t columns = (size_t)hw_tower_columns(t->config.labels);
    t->ngrams = hw_calloc(ngrams, sizeof *t->ngrams);
    t->token_offsets = hw_calloc(tokens + 1, sizeof *t->token_offsets);
    t->offsets = hw_calloc(PIECE + 1, sizeof *t->offsets);
    t->d_tokens = hw_calloc(tokens, width * sizeof *t->d_tokens);
    t->logits = hw_calloc(PIECE * columns, sizeof *t->logits);
    t->d_logits = hw_calloc(PIECE * columns, sizeof *t->d_logits);
    t->target_row = hw_calloc(columns, sizeof *t->target_row);
    t->scratch = hw_tower_scratch_new(&t->config, PIECE, tokens, true, err);
    return t->ngrams && t->token_offsets && t->offsets && t->d_tokens && t->logits && t->d_logits &&
           t->target_row && t->scratch &&
           hw_row_gradients_reserve(&t->row_gradients, vocabulary, width, pieces * ngrams, err) ==
               HW_OK;
}

static void start(hw_tower_trainer *t) {
    for (size_t step = 1; step <= hw_tower_trainer_steps(t); step++) {
        const double at = (double)step;
        const double decay = fmin((double)t->options.average, (1 + at) / (10 + at));
        t->log_decay[step] = t->log_decay[step - 1] + log(decay);
    }
    hw_tower_init(t->w, &t->config, t->options.seed);
    memcpy(t->average, t->w, array_bytes(t));
    hw_tower_view(&t->views, &t->config, t->w);
    hw_tower_view(&t->average_views, &t->config, t->average);
    hw_frozen_heads_keep(&t->frozen, &t->views);
    hw_tower_view(&t->d_views, &t->config, t->d);
}

hw_tower_trainer *hw_tower_trainer_new(const hw_tower_config *config, const hw_token_lists *texts,
                                       hw_targets targets, const uint32_t *rows, size_t count,
                                       const float *weights,
                                       const hw_tower_trainer_options *options,
                                       const hw_kernels *kernels, hw_error *err) {
    hw_tower_trainer *t = hw_calloc(1, sizeof *t);
    if (!t) {
        hw_fail_memory(err, sizeof *t);
        return NULL;
    }
    const size_t batch = (size_t)options->batch;
    t->config = *config;
    t->options = *options;
    t->kernels = kernels;
    t->texts = *texts;
    t->targets = targets;
    t->rows = rows;
    t->weights = weights;
    t->count = count;
    t->steps_per_epoch = (count + batch - 1) / batch;
    t->floats = hw_tower_floats(config);
    t->embedding_floats = hw_tower_embedding_floats(config);
    t->order_epoch = SIZE_MAX;
    if (!allocate_state(t) || !allocate_batch(t, err)) {
        hw_fail_memory(err, 4 * array_bytes(t));
        hw_tower_trainer_free(t);
        return NULL;
    }
    start(t);
    return t;
}

void hw_tower_trainer_free(hw_tower_trainer *t) {
    if (!t) return;
    void *blocks[] = { t->w,         t->m,        t->v,      t->average,  t->last_step,
                       t->log_decay, t->d,        t->order,  t->ngrams,   t->token_offsets,
                       t->offsets,   t->d_tokens, t->logits, t->d_logits, t->target_row };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) hw_free(blocks[i]);
    hw_frozen_heads_free(&t->frozen);
    hw_row_gradients_free(&t->row_gradients);
    hw_tower_scratch_free(t->scratch);
    hw_free(t);
}
