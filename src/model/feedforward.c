/* The feed-forward block (Vaswani et al. 2017, section 3.3) behind one gate (ReZero,
 * Bachlechner et al. 2020). Invariant: it works on each token alone. */
#include "model/feedforward.h"

#include "model/projection.h"

#include <string.h>

static hw_projection inner_projection(const hw_tower_config *config,
                                      const hw_tower_layer *weights) {
    return (hw_projection){ weights->inner, weights->inner_bias, (size_t)config->width,
                            (size_t)config->inner_width };
}

static hw_projection output_projection(const hw_tower_config *config,
                                       const hw_tower_layer *weights) {
    return (hw_projection){ weights->inner_output, weights->inner_output_bias,
                            (size_t)config->inner_width, (size_t)config->width };
}

void hw_feedforward_forward(float *y, const hw_pass *pass, const hw_feedforward_tape *tape,
                            const hw_tower_layer *weights) {
    const hw_kernels *kernels = pass->kernels;
    const size_t tokens = hw_pass_tokens(pass), width = (size_t)pass->config->width;
    const hw_norm_tape *norm = &tape->norm;
    kernels->norm(norm->y, norm->mean, norm->rstd, norm->x, weights->inner_norm_gain,
                  weights->inner_norm_bias, HW_NORM_EPSILON, tokens, width);
    hw_projection_forward(tape->inner, norm->y, inner_projection(pass->config, weights), tokens,
                          kernels);
    kernels->gelu(tape->active, tape->inner, tokens * (size_t)pass->config->inner_width);
    hw_projection_forward(tape->result, tape->active, output_projection(pass->config, weights),
                          tokens, kernels);
    if (y != norm->x) memcpy(y, norm->x, tokens * width * sizeof *y);
    kernels->axpy(y, tape->result, *weights->inner_gate, tokens * width);
}

/* d_result = gate * d_y; *d_gate += the sum of d_y * result. All [n]. */
static void gate_backward(float *d_result, float *d_gate, const float *d_y, const float *result,
                          float gate, size_t n, const hw_kernels *kernels) {
    float sum = 0.0f;
    kernels->dot(&sum, d_y, result, n);
    *d_gate += sum;
    for (size_t i = 0; i < n; i++) d_result[i] = gate * d_y[i];
}

void hw_feedforward_backward(float *d_x, const hw_tower_layer *gradient, const hw_pass *pass,
                             const hw_feedforward_tape *tape, const hw_tower_layer *weights) {
    const hw_kernels *kernels = pass->kernels;
    const hw_workspace *work = pass->work;
    const hw_norm_tape *norm = &tape->norm;
    const size_t tokens = hw_pass_tokens(pass), width = (size_t)pass->config->width;
    gate_backward(work->d_result, gradient->inner_gate, d_x, tape->result, *weights->inner_gate,
                  tokens * width, kernels);
    hw_projection_backward(work->d_inner, gradient->inner_output, gradient->inner_output_bias,
                           work->packed, work->d_result, tape->active,
                           output_projection(pass->config, weights), tokens, kernels);
    kernels->gelu_backward(work->d_inner, work->d_inner, tape->inner,
                           tokens * (size_t)pass->config->inner_width);
    hw_projection_backward(work->d_norm, gradient->inner, gradient->inner_bias, work->packed,
                           work->d_inner, norm->y, inner_projection(pass->config, weights), tokens,
                           kernels);
    kernels->norm_backward(d_x, gradient->inner_norm_gain, gradient->inner_norm_bias, work->d_norm,
                           norm->x, norm->mean, norm->rstd, weights->inner_norm_gain, tokens,
                           width);
}
