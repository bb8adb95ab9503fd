/* One step: compose a batch with its noise, pass it through the tower forward and backward
 * in pieces, and let the update change the weights by the sum of their gradients. */
#include "train/tower_trainer.h"

#include "base/memory.h"
#include "base/random.h"
#include "model/loss.h"
#include "train/tower_update.h"

#include <math.h>
#include <string.h>

enum { PIECE = 8 /* texts a pass */, WARM_UP = 100, GIVE_UP = 10 };
enum { PURPOSE_SHUFFLE = 11, PURPOSE_CROP, PURPOSE_TOKEN, PURPOSE_NGRAM };

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

    counters now;
    hw_tower_update update;
    uint32_t *order;    /* [count] of the current epoch */
    size_t order_epoch; /* order is of this epoch; SIZE_MAX: of none */

    hw_tower_scratch *scratch;
    uint32_t *ngrams, *token_offsets, *offsets; /* the piece's batch */
    float *d_tokens, *logits, *d_logits, *target_row;
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

/* V-shaped (Zhou et al. 2020, section 3.2): from the rate to 0 half-way, and back. */
static float drop_head_at(const hw_tower_trainer *t, uint64_t step) {
    if (!t->options.drop_head_v) return t->options.drop_head;
    const double done = (double)step / (double)hw_tower_trainer_steps(t);
    return (float)((double)t->options.drop_head * fabs(1 - 2 * done));
}

static double pass(hw_tower_trainer *t, size_t first, size_t at, size_t texts, float scale) {
    const hw_tower_views *weights = &t->update.views;
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
    hw_tower_forward(t->logits, t->scratch, &t->config, weights, t->kernels, batch, &noise);
    memset(t->d_logits, 0, texts * columns * sizeof *t->d_logits);
    double loss = hw_tower_penalty(t->scratch, &t->config, weights, t->kernels, batch, &penalties);
    for (size_t i = 0; i < texts; i++)
        loss += loss_of(t, t->d_logits + i * columns, t->logits + i * columns,
                        t->order[first + at + i], scale);
    hw_tower_backward(&t->update.gradient_views, t->d_tokens, t->scratch, &t->config, weights,
                      t->kernels, batch, t->d_logits, &noise);
    hw_tower_update_scatter(&t->update, batch, t->d_tokens);
    return loss;
}

/* ---- A step ---------------------------------------------------------------- */

static double rate_at(const hw_tower_trainer *t, uint64_t step) {
    const double steps = (double)hw_tower_trainer_steps(t), done = (double)step;
    const double warm_up = fmin(WARM_UP, 0.1 * steps + 1);
    return (double)t->options.learning_rate * fmin(1, (done + 1) / warm_up) *
           fmax(0.02, 1 - done / steps);
}

static void run_step(hw_tower_trainer *t) {
    const size_t epoch = t->now.step / t->steps_per_epoch;
    const size_t batch = (size_t)t->options.batch;
    const size_t first = t->now.step % t->steps_per_epoch * batch;
    const size_t texts = t->count - first < batch ? t->count - first : batch;
    shuffle_for(t, epoch);

    hw_tower_update_start(&t->update);
    double loss = 0;
    for (size_t at = 0; at < texts; at += PIECE)
        loss += pass(t, first, at, texts - at < PIECE ? texts - at : PIECE, 1 / (float)texts);

    const double rate = rate_at(t, t->now.step);
    if (isfinite(loss) && hw_tower_update_apply(&t->update, t->now.step, rate)) {
        const double keep = fmin(0.99, (double)t->now.step / ((double)t->now.step + 1));
        t->now.loss = keep * t->now.loss + (1 - keep) * loss;
        t->now.bad_steps = 0;
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
    hw_tower_update_average(block, &t->update, t->now.step);
}

/* ---- State ------------------------------------------------------------------ */

size_t hw_tower_trainer_state_bytes(const hw_tower_trainer *t) {
    return sizeof t->now + hw_tower_update_state_bytes(&t->update);
}

void hw_tower_trainer_save(void *state, const hw_tower_trainer *t) {
    memcpy(state, &t->now, sizeof t->now);
    hw_tower_update_save((char *)state + sizeof t->now, &t->update);
}

bool hw_tower_trainer_load(hw_tower_trainer *t, const void *state) {
    counters now;
    memcpy(&now, state, sizeof now);
    if (now.step > hw_tower_trainer_steps(t) ||
        !hw_tower_update_load(&t->update, (const char *)state + sizeof now, now.step))
        return false;
    t->now = now;
    return true;
}

/* ---- The object ------------------------------------------------------------- */

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

static hw_status allocate(hw_tower_trainer *t, size_t tokens, size_t ngrams, hw_error *err) {
    const size_t width = (size_t)t->config.width;
    const size_t columns = (size_t)hw_tower_columns(t->config.labels);
    t->order = hw_calloc(t->count, sizeof *t->order);
    t->ngrams = hw_calloc(ngrams, sizeof *t->ngrams);
    t->token_offsets = hw_calloc(tokens + 1, sizeof *t->token_offsets);
    t->offsets = hw_calloc(PIECE + 1, sizeof *t->offsets);
    t->d_tokens = hw_calloc(tokens, width * sizeof *t->d_tokens);
    t->logits = hw_calloc(PIECE * columns, sizeof *t->logits);
    t->d_logits = hw_calloc(PIECE * columns, sizeof *t->d_logits);
    t->target_row = hw_calloc(columns, sizeof *t->target_row);
    if (!t->order || !t->ngrams || !t->token_offsets || !t->offsets || !t->d_tokens || !t->logits ||
        !t->d_logits || !t->target_row)
        return hw_fail_memory(err, tokens * width * sizeof *t->d_tokens);
    t->scratch = hw_tower_scratch_new(&t->config, PIECE, tokens, true, err);
    return t->scratch ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status reserve(hw_tower_trainer *t, hw_error *err) {
    size_t tokens, ngrams;
    measure_piece(t, &tokens, &ngrams);
    const size_t pieces = ((size_t)t->options.batch + PIECE - 1) / PIECE;
    const hw_tower_update_options update = { .steps = hw_tower_trainer_steps(t),
                                             .most_rows = pieces * ngrams,
                                             .embedding_rate = t->options.embedding_rate,
                                             .weight_decay = t->options.weight_decay,
                                             .average = t->options.average,
                                             .seed = t->options.seed };
    HW_TRY(hw_tower_update_reserve(&t->update, &t->config, &update, t->kernels, err));
    return allocate(t, tokens, ngrams, err);
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
    t->order_epoch = SIZE_MAX;
    if (reserve(t, err) == HW_OK) return t;
    hw_tower_trainer_free(t);
    return NULL;
}

void hw_tower_trainer_free(hw_tower_trainer *t) {
    if (!t) return;
    void *blocks[] = { t->order,    t->ngrams, t->token_offsets, t->offsets,
                       t->d_tokens, t->logits, t->d_logits,      t->target_row };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) hw_free(blocks[i]);
    hw_tower_update_free(&t->update);
    hw_tower_scratch_free(t->scratch);
    hw_free(t);
}
