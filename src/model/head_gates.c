/* Both kinds make one number a head, so what uses them need not know which kind it is. */
#include "model/head_gates.h"

#include "model/noise.h"
#include "tensor/exp_scalar.h"

#include <math.h>
#include <string.h>

static const float beta = 2.0f / 3, zeta = 1.1f, gamma_ = -0.1f; /* Louizos et al. 2018 */

static float clip(float x) {
    return x < 0.0f ? 0.0f : x > 1.0f ? 1.0f : x;
}

/* ---- L0 ---------------------------------------------------------------------------------- */

static void l0_forward(float *gates, const hw_pass *pass, const float *alpha, size_t layer,
                       size_t text) {
    const size_t heads = (size_t)pass->config->heads;
    float logit[HW_TOWER_HEADS];
    hw_noise_logits(logit, heads, pass->noise, layer, text);
    const float temperature = pass->noise ? beta : 1.0f;
    for (size_t head = 0; head < heads; head++) {
        const float s = hw_sigmoid_scalar((logit[head] + alpha[head]) / temperature);
        gates[head] = clip(s * (zeta - gamma_) + gamma_);
    }
}

/* ds / d alpha = s (1 - s) / temperature, and nothing where g was clipped. */
static void l0_backward(float *d_alpha, const hw_pass *pass, const float *gates,
                        const float *d_gates) {
    const float temperature = pass->noise ? beta : 1.0f;
    for (size_t head = 0; head < (size_t)pass->config->heads; head++) {
        const float s = (gates[head] - gamma_) / (zeta - gamma_);
        const bool clipped = gates[head] <= 0.0f || gates[head] >= 1.0f;
        if (!clipped)
            d_alpha[head] += d_gates[head] * (zeta - gamma_) * s * (1.0f - s) / temperature;
    }
}

/* P(g > 0) = sigmoid(alpha - beta ln(-gamma / zeta)) */
static float open_chance(float alpha) {
    return hw_sigmoid_scalar(alpha - beta * logf(-gamma_ / zeta));
}

double hw_head_gates_open(const hw_tower_config *config, const hw_tower_layer *weights) {
    double sum = 0.0;
    if (config->head_gates != HW_HEAD_GATES_L0) return sum;
    for (int32_t head = 0; head < config->heads; head++)
        sum += (double)open_chance(weights->gate_alpha[head]);
    return sum;
}

void hw_head_gates_open_backward(const hw_tower_layer *gradient, const hw_tower_config *config,
                                 const hw_tower_layer *weights, float factor) {
    if (config->head_gates != HW_HEAD_GATES_L0) return;
    for (int32_t head = 0; head < config->heads; head++) {
        const float p = open_chance(weights->gate_alpha[head]);
        gradient->gate_alpha[head] += factor * p * (1.0f - p);
    }
}

/* ---- By the input -------------------------------------------------------------------------- */

static size_t text_tokens(const hw_pass *pass, size_t text) {
    return pass->batch.offsets[text + 1] - pass->batch.offsets[text];
}

/* mean: [width] of a text's norm.y */
static void mean_of(float *mean, const hw_pass *pass, const float *y, size_t text) {
    const size_t width = (size_t)pass->config->width, n = text_tokens(pass, text);
    const float *rows = y + pass->batch.offsets[text] * width;
    memset(mean, 0, width * sizeof *mean);
    for (size_t i = 0; i < n; i++) pass->kernels->add(mean, rows + i * width, width);
    for (size_t c = 0; c < width; c++) mean[c] /= (float)n;
}

static void input_forward(float *gates, const hw_pass *pass, const hw_tower_layer *weights,
                          const float *y, size_t text) {
    const size_t width = (size_t)pass->config->width;
    float *mean = pass->work->mean;
    mean_of(mean, pass, y, text);
    for (size_t head = 0; head < (size_t)pass->config->heads; head++) {
        float product;
        pass->kernels->dot(&product, weights->gate_weight + head * width, mean, width);
        gates[head] = hw_sigmoid_scalar(product + weights->gate_bias[head]);
    }
}

static void input_backward(float *d_norm, const hw_tower_layer *gradient, const hw_pass *pass,
                           const hw_attention_tape *tape, const hw_tower_layer *weights,
                           const float *d_gates, size_t text) {
    const size_t width = (size_t)pass->config->width, heads = (size_t)pass->config->heads;
    const size_t n = text_tokens(pass, text);
    const hw_kernels *kernels = pass->kernels;
    float *mean = pass->work->mean, *d_mean = mean + width;
    float *rows = d_norm + pass->batch.offsets[text] * width;
    mean_of(mean, pass, tape->norm.y, text);
    memset(d_mean, 0, width * sizeof *d_mean);
    for (size_t head = 0; head < heads; head++) {
        const float g = tape->gates[text * heads + head];
        const float d_sum = d_gates[head] * g * (1.0f - g);
        gradient->gate_bias[head] += d_sum;
        kernels->axpy(gradient->gate_weight + head * width, mean, d_sum, width);
        kernels->axpy(d_mean, weights->gate_weight + head * width, d_sum, width);
    }
    for (size_t i = 0; i < n; i++) kernels->axpy(rows + i * width, d_mean, 1.0f / (float)n, width);
}

/* ---- Either -------------------------------------------------------------------------------- */

void hw_head_gates_forward(const hw_pass *pass, const hw_attention_tape *tape,
                           const hw_tower_layer *weights, size_t layer) {
    const size_t heads = (size_t)pass->config->heads;
    for (size_t text = 0; text < pass->batch.texts; text++) {
        float *gates = tape->gates + text * heads;
        if (pass->config->head_gates == HW_HEAD_GATES_L0)
            l0_forward(gates, pass, weights->gate_alpha, layer, text);
        if (pass->config->head_gates == HW_HEAD_GATES_INPUT)
            input_forward(gates, pass, weights, tape->norm.y, text);
    }
}

void hw_head_factors(float *factor, const hw_pass *pass, const hw_attention_tape *tape,
                     size_t layer, size_t text) {
    const size_t heads = (size_t)pass->config->heads;
    hw_noise_heads(factor, heads, pass->noise, layer, text);
    if (pass->config->head_gates == HW_HEAD_GATES_NONE) return;
    for (size_t head = 0; head < heads; head++) factor[head] *= tape->gates[text * heads + head];
}

void hw_head_gates_backward(float *d_norm, const hw_tower_layer *gradient, const hw_pass *pass,
                            const hw_attention_tape *tape, const hw_tower_layer *weights,
                            size_t layer) {
    const size_t heads = (size_t)pass->config->heads;
    float d_gates[HW_TOWER_HEADS];
    if (pass->config->head_gates == HW_HEAD_GATES_NONE) return;
    if (pass->kernels->relevance) return; /* all goes to what is let through (Arras et al. 2017) */
    for (size_t text = 0; text < pass->batch.texts; text++) {
        hw_noise_heads(d_gates, heads, pass->noise, layer, text);
        for (size_t head = 0; head < heads; head++)
            d_gates[head] *= pass->work->d_gates[text * heads + head];
        if (pass->config->head_gates == HW_HEAD_GATES_L0)
            l0_backward(gradient->gate_alpha, pass, tape->gates + text * heads, d_gates);
        else
            input_backward(d_norm, gradient, pass, tape, weights, d_gates, text);
    }
}
