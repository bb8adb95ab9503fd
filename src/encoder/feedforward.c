/* Vaswani et al. 2017, section 3.3, or its gated form (Shazeer 2020). Invariant: it works on each
 * token alone. */
#include "encoder/feedforward.h"

#include "encoder/activation.h"
#include "encoder/first_tokens.h"
#include "encoder/linear.h"

void hw_encoder_feedforward_forward(float *y, const hw_encoder_pass *pass, int32_t layer) {
    const hw_encoder_config *config = pass->config;
    const hw_module *modules = hw_layer_modules(pass->encoder, layer);
    const hw_layer_tape *tape = &pass->scratch->layer[layer];
    const size_t rows = hw_layer_rows(pass, layer);
    hw_linear_forward(tape->before, &modules[HW_MODULE_INNER], tape->inner.u, rows, pass);
    hw_activate(tape->after, tape->before, config->activation, config->gated, rows,
                (size_t)config->inner_width, pass);
    hw_linear_forward(y, &modules[HW_MODULE_INNER_OUTPUT], tape->after, rows, pass);
}

void hw_encoder_feedforward_backward(float *d_u, float *gradient, const hw_encoder_pass *pass,
                                     int32_t layer, const float *d_y) {
    const hw_encoder_config *config = pass->config;
    const hw_module *modules = hw_layer_modules(pass->encoder, layer);
    const hw_layer_tape *tape = &pass->scratch->layer[layer];
    const hw_encoder_work *work = &pass->scratch->work;
    const size_t rows = hw_layer_rows(pass, layer);
    hw_linear_backward(work->d_after, gradient, d_y, &modules[HW_MODULE_INNER_OUTPUT], tape->after,
                       rows, pass);
    hw_activate_backward(work->d_before, work->d_after, tape->before, config->activation,
                         config->gated, rows, (size_t)config->inner_width, pass);
    hw_linear_backward(d_u, gradient, work->d_before, &modules[HW_MODULE_INNER], tape->inner.u,
                       rows, pass);
}
