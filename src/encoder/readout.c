/* All families' classifiers and predictors of masked tokens are
 *
 *     logits = W_last dropout(norm(activation(W_dense dropout(features)))) + b
 *
 * without what the family leaves out. A predictor's W_last is the word embedding (Press and Wolf
 * 2017), and it has no dropout. Invariant: rows stand alone. */
#include "encoder/readout.h"

#include "encoder/activation.h"
#include "encoder/linear.h"
#include "encoder/noise.h"
#include "encoder/norm.h"

#include <string.h>

static bool is_masked(const hw_encoder_pass *pass) {
    return pass->config->readout == HW_ENCODER_MASKED;
}

static hw_activation activation_of(const hw_encoder_pass *pass) {
    return is_masked(pass) ? pass->config->masked_activation : pass->config->labels_activation;
}

static const hw_module *last_of(const hw_encoder_pass *pass) {
    const hw_module *base = hw_base_modules(pass->encoder);
    return &base[is_masked(pass) ? HW_MODULE_DECODER : HW_MODULE_CLASSIFIER];
}

static void drop(float *x, const hw_encoder_pass *pass, hw_drop_place place) {
    if (is_masked(pass)) return;
    if (place == HW_DROP_FEATURES && !pass->config->drop_features) return;
    const size_t width = (size_t)pass->config->width;
    hw_encoder_drop_texts(x, width, pass, place);
}

void hw_readout_inner_forward(const hw_encoder_pass *pass, size_t rows) {
    const hw_module *base = hw_base_modules(pass->encoder), *dense = &base[HW_MODULE_DENSE];
    const hw_readout_tape *tape = &pass->scratch->readout;
    drop(tape->features, pass, HW_DROP_FEATURES);
    hw_linear_forward(tape->before, dense, tape->features, rows, pass);
    hw_activate(tape->active, tape->before, activation_of(pass), false, rows, dense->rows, pass);
    if (tape->norm != tape->active)
        hw_norm_forward(tape->norm, tape->mean, tape->rstd, tape->active,
                        &base[HW_MODULE_DENSE_NORM], rows, pass);
    drop(tape->norm, pass, HW_DROP_READOUT);
}

void hw_readout_last_forward(float *logits, const hw_encoder_pass *pass, size_t rows) {
    hw_linear_forward(logits, last_of(pass), pass->scratch->readout.norm, rows, pass);
}

void hw_readout_backward(float *d_features, float *gradient, const hw_encoder_pass *pass,
                         const float *d_logits, size_t rows) {
    const hw_module *base = hw_base_modules(pass->encoder), *dense = &base[HW_MODULE_DENSE];
    const hw_readout_tape *tape = &pass->scratch->readout;
    const hw_encoder_work *work = &pass->scratch->work;
    float *d_active = work->d_norm;
    hw_linear_backward(d_active, gradient, d_logits, last_of(pass), tape->norm, rows, pass);
    drop(d_active, pass, HW_DROP_READOUT);
    if (tape->norm != tape->active) {
        d_active = work->d_dense;
        memset(d_active, 0, rows * dense->rows * sizeof *d_active);
        hw_norm_backward(d_active, gradient, work->d_norm, tape->active, tape->mean, tape->rstd,
                         &base[HW_MODULE_DENSE_NORM], rows, pass);
    }
    hw_activate_backward(d_active, d_active, tape->before, activation_of(pass), false, rows,
                         dense->rows, pass);
    hw_linear_backward(d_features, gradient, d_active, dense, tape->features, rows, pass);
    drop(d_features, pass, HW_DROP_FEATURES);
}
