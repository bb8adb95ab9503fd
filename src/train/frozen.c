/* The encoder stays as it is: what the readout's last layer reads is computed once for each text,
 * and that layer is fitted to it by logistic regression. Invariant: the logits of the encoder are
 * those of the regression, up to rounding. */
#include "base/memory.h"
#include "train/fine_tune.h"
#include "train/logistic.h"

#include <math.h>
#include <string.h>

static const double strengths[] = { 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001 };
enum { STRENGTHS = sizeof strengths / sizeof *strengths, CHUNK = 256 /* texts */ };
static const double small = 0.1; /* deviation at which tanh and GELU are nearly straight */

void hw_frozen_free(hw_frozen_readout *readout) {
    hw_free(readout->inner);
    hw_free(readout->valid_inner);
    hw_free(readout->center);
    hw_free(readout->weights);
    *readout = (hw_frozen_readout){ 0 };
}

/* ---- Features ----------------------------------------------------------------------- */

static hw_status compute_chunks(float *features, hw_fine_tuning *f, const hw_token_texts *texts,
                                hw_encoder_scorer *scorer, hw_error *err) {
    uint32_t rows[CHUNK];
    for (size_t done = 0; done < texts->count; done += CHUNK) {
        const size_t count = texts->count - done < CHUNK ? texts->count - done : CHUNK;
        for (size_t i = 0; i < count; i++) rows[i] = (uint32_t)(done + i);
        hw_encoder_scorer_features(features + done * (size_t)f->config.width, scorer, f->encoder,
                                   rows, count);
        if (!hw_training_report(&f->training, "features", (double)done / (double)texts->count, NAN,
                                NAN, NAN, NAN))
            return hw_fail(err, HW_ERROR_STOPPED, "training was stopped before there was a model");
    }
    return HW_OK;
}

/* *features: [texts->count][width], allocated unless it is there. */
static hw_status compute_features(float **features, hw_fine_tuning *f, const hw_token_texts *texts,
                                  hw_error *err) {
    const hw_training *t = &f->training;
    const size_t width = (size_t)f->config.width;
    if (!*features) *features = hw_calloc(texts->count, width * sizeof **features);
    if (!*features) return hw_fail_memory(err, texts->count * width * sizeof **features);
    hw_encoder_scorer *scorer = hw_encoder_scorer_new(&f->config, texts, t->kernels, t->pool, err);
    if (!scorer) return HW_ERROR_MEMORY;
    const hw_status status = compute_chunks(*features, f, texts, scorer, err);
    hw_encoder_scorer_free(scorer);
    return status;
}

/* values: [texts->count][width], features that become what the last layer reads. */
static hw_status compute_inner(float *values, const hw_fine_tuning *f, const hw_token_texts *texts,
                               hw_error *err) {
    const hw_training *t = &f->training;
    hw_encoder_scorer *scorer = hw_encoder_scorer_new(&f->config, texts, t->kernels, t->pool, err);
    if (!scorer) return HW_ERROR_MEMORY;
    hw_encoder_scorer_inner(values, scorer, f->encoder, values, texts->count);
    hw_encoder_scorer_free(scorer);
    return HW_OK;
}

/* ---- Center and scale ------------------------------------------------------------------- */

/* The mean of each column of x [rows][width], and 1 / deviation over all elements. */
static hw_status measure(hw_frozen_readout *r, const float *x, size_t rows, size_t width,
                         hw_error *err) {
    if (!r->center) r->center = hw_calloc(width, sizeof *r->center);
    if (!r->center) return hw_fail_memory(err, width * sizeof *r->center);
    memset(r->center, 0, width * sizeof *r->center);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++) r->center[i] += (double)x[row * width + i];
    for (size_t i = 0; i < width; i++) r->center[i] /= (double)rows;
    double square = 0;
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++) {
            const double d = (double)x[row * width + i] - r->center[i];
            square += d * d;
        }
    const double deviation = sqrt(square / (double)(rows * width));
    r->factor = isfinite(deviation) && deviation > 1e-6 ? 1 / deviation : 1;
    return HW_OK;
}

static void standardise(float *x, size_t rows, size_t width, const hw_frozen_readout *r) {
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < width; i++)
            x[row * width + i] = (float)(((double)x[row * width + i] - r->center[i]) * r->factor);
}

/* ---- The readout's first layer ------------------------------------------------------------ */

/* It is what comes after the layers. */
static void find_dense(float **weight, float **bias, const hw_encoder_config *config,
                       float *block) {
    hw_encoder_parameter p;
    size_t i = 0;
    while (hw_encoder_parameter_at(&p, config, i) && p.depth <= config->layers) i++;
    *weight = block + p.offset;
    *bias =
        config->dense_bias && hw_encoder_parameter_at(&p, config, i + 1) ? block + p.offset : NULL;
}

/* A multiple of the identity, small enough for the activation to be nearly straight (a ReLU is
 * shifted to where it is), so that nothing of the features is lost. */
static void pass_through(float *block, const hw_encoder_config *config,
                         const hw_frozen_readout *r) {
    const size_t width = (size_t)config->width;
    const double shift = config->labels_activation == HW_ACTIVATION_RELU ? 10 * small : 0;
    float *weight, *bias;
    find_dense(&weight, &bias, config, block);
    memset(weight, 0, width * width * sizeof *weight);
    for (size_t i = 0; i < width; i++) weight[i * width + i] = (float)(small * r->factor);
    for (size_t i = 0; i < width && bias; i++)
        bias[i] = (float)(shift - small * r->factor * r->center[i]);
}

hw_status hw_frozen_cache(hw_fine_tuning *f, hw_error *err) {
    hw_frozen_readout *r = &f->readout;
    const size_t width = (size_t)f->config.width;
    const bool has_valid = f->training.valid.dataset != NULL;
    HW_TRY(compute_features(&r->inner, f, &f->texts, err));
    if (has_valid) HW_TRY(compute_features(&r->valid_inner, f, &f->valid_texts, err));
    HW_TRY(measure(r, r->inner, f->texts.count, width, err));
    float *block = hw_encoder_thaw(f->encoder, err);
    if (!block) return HW_ERROR_MEMORY;
    pass_through(block, &f->config, r);
    hw_encoder_pack(f->encoder, f->training.kernels, f->training.pool);
    HW_TRY(compute_inner(r->inner, f, &f->texts, err));
    if (has_valid) HW_TRY(compute_inner(r->valid_inner, f, &f->valid_texts, err));
    HW_TRY(measure(r, r->inner, f->texts.count, width, err));
    standardise(r->inner, f->texts.count, width, r);
    if (has_valid) standardise(r->valid_inner, f->valid_texts.count, width, r);
    return HW_OK;
}

/* ---- Choosing the strength ----------------------------------------------------------------- */

/* weights: [trials][width + 1][labels], of the last strength; logits: [held_count][labels]. */
static hw_status run_trials(float *logits, float *weights, const hw_fine_tuning *f, double strength,
                            hw_error *err) {
    const hw_training *t = &f->training;
    const size_t width = (size_t)f->config.width, size = (width + 1) * t->labels;
    const float *held = t->valid.dataset ? f->readout.valid_inner : f->readout.inner;
    for (size_t i = 0; i < t->plan.trials; i++) {
        const hw_trial *trial = &t->trials[i];
        const hw_logistic problem = { .x = f->readout.inner,
                                      .width = width,
                                      .rows = trial->learned,
                                      .count = trial->learned_count,
                                      .loss = hw_fine_tune_loss(f),
                                      .strength = strength };
        HW_TRY(hw_logistic_fit(weights + i * size, &problem, t->kernels, t->pool, err));
        hw_logistic_logits(logits + trial->first_held * t->labels, weights + i * size, held, width,
                           t->labels, t->held + trial->first_held, trial->held_count, t->kernels);
    }
    return HW_OK;
}

static hw_status try_strengths(hw_fine_tuning *f, double *least, float *logits, float *weights,
                               hw_error *err) {
    hw_training *t = &f->training;
    double loss, score;
    *least = INFINITY;
    for (size_t i = 0; i < STRENGTHS; i++) {
        HW_TRY(run_trials(logits, weights, f, strengths[i], err));
        HW_TRY(hw_held_back_loss(&loss, &score, logits, t->held_targets, t->labels,
                                 t->plan.multi_label, err));
        if (!hw_training_report(t, "readout", (double)(i + 1) / (STRENGTHS + 1), loss, NAN, NAN,
                                score))
            return hw_fail(err, HW_ERROR_STOPPED, "training was stopped before there was a model");
        if (!(loss < *least)) return HW_OK; /* weaker ones would only be worse */
        *least = loss;
        f->readout.strength = strengths[i];
        memcpy(f->held_logits, logits, t->held_count * t->labels * sizeof *logits);
    }
    return HW_OK;
}

hw_status hw_frozen_choose(hw_fine_tuning *f, double *loss, hw_error *err) {
    const hw_training *t = &f->training;
    const size_t size = ((size_t)f->config.width + 1) * t->labels,
                 cells = t->held_count * t->labels;
    *loss = NAN;
    f->readout.strength = strengths[2];
    if (!f->held_logits) f->held_logits = hw_calloc(cells, sizeof *f->held_logits);
    if (!f->held_logits) return hw_fail_memory(err, cells * sizeof *f->held_logits);
    if (!cells) return HW_OK;
    float *logits = hw_calloc(cells, sizeof *logits);
    float *weights = hw_calloc(t->plan.trials, size * sizeof *weights);
    const hw_status status =
        logits && weights ? try_strengths(f, loss, logits, weights, err)
                          : hw_fail_memory(err, (cells + t->plan.trials * size) * sizeof *weights);
    hw_free(logits);
    hw_free(weights);
    return status;
}

/* ---- The last layer --------------------------------------------------------------------- */

/* The regression's weights, and what was done to the values before it. */
static void write_output_layer(float *block, const hw_fine_tuning *f) {
    const size_t width = (size_t)f->config.width, labels = f->training.labels;
    const hw_frozen_readout *r = &f->readout;
    float *weight, *bias;
    hw_encoder_output_layer(&weight, &bias, &f->config, block);
    for (size_t label = 0; label < labels; label++) {
        double sum = (double)r->weights[width * labels + label];
        for (size_t i = 0; i < width; i++) {
            const double w = r->factor * (double)r->weights[i * labels + label];
            weight[label * width + i] = (float)w;
            sum -= w * r->center[i];
        }
        bias[label] = (float)sum;
    }
}

hw_status hw_frozen_learn(hw_fine_tuning *f, hw_error *err) {
    const hw_training *t = &f->training;
    const size_t width = (size_t)f->config.width, size = (width + 1) * t->labels;
    const hw_logistic problem = { .x = f->readout.inner,
                                  .width = width,
                                  .rows = t->data.rows,
                                  .count = t->data.count,
                                  .loss = hw_fine_tune_loss(f),
                                  .strength = f->readout.strength };
    hw_free(f->readout.weights);
    f->readout.weights = hw_calloc(size, sizeof *f->readout.weights);
    if (!f->readout.weights) return hw_fail_memory(err, size * sizeof *f->readout.weights);
    HW_TRY(hw_logistic_fit(f->readout.weights, &problem, t->kernels, t->pool, err));
    float *block = hw_encoder_thaw(f->encoder, err);
    if (!block) return HW_ERROR_MEMORY;
    write_output_layer(block, f);
    hw_encoder_pack(f->encoder, t->kernels, t->pool);
    return HW_OK;
}

/* ---- The whole -------------------------------------------------------------------------- */

static hw_status try_pooling(hw_fine_tuning *f, hw_pooling pooling, double *loss, hw_error *err) {
    f->plan.pooling = pooling;
    HW_TRY(hw_fine_tune_make_encoder(f, err));
    HW_TRY(hw_frozen_cache(f, err));
    return hw_frozen_choose(f, loss, err);
}

/* Encoders of sentences are made for one way of pooling, which their config does not tell. */
static hw_status choose_pooling(hw_fine_tuning *f, hw_error *err) {
    const hw_pooling own = f->plan.pooling;
    double own_loss, mean_loss;
    HW_TRY(try_pooling(f, own, &own_loss, err));
    if (own == HW_POOLING_MEAN || !f->training.held_count) return HW_OK;
    HW_TRY(try_pooling(f, HW_POOLING_MEAN, &mean_loss, err));
    return mean_loss < own_loss ? HW_OK : try_pooling(f, own, &own_loss, err);
}

hw_status hw_fine_tune_frozen(hw_fine_tuning *f, hw_error *err) {
    HW_TRY(choose_pooling(f, err));
    return hw_frozen_learn(f, err);
}
