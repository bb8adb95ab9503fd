/* Gates beside a head's learned scalar, one number a text and head that its output is multiplied
 * with:
 *
 *   L0      hard concrete (Louizos et al. 2018, eq. 10-12; Voita et al. 2019):
 *           s = sigmoid((ln u - ln(1 - u) + gate_alpha) / beta), u uniform in a training pass;
 *           s = sigmoid(gate_alpha) without noise;  g = clip(s (zeta - gamma) + gamma, 0, 1)
 *   input   g_h = sigmoid(gate_weight[h] . m + gate_bias[h]), m the mean of norm(x) over the text
 *
 * Invariant: tape->gates holds g from forward to backward; with HW_HEAD_GATES_NONE nothing here is
 * read or written, and a factor is the noise's alone. */
#ifndef HW_MODEL_HEAD_GATES_H
#define HW_MODEL_HEAD_GATES_H

#include "model/pass.h"

/* tape->gates from tape->norm.y. */
void hw_head_gates_forward(const hw_pass *pass, const hw_attention_tape *tape,
                           const hw_tower_layer *weights, size_t layer);
/* factor[heads] of a text: DropHead's times g. */
void hw_head_factors(float *factor, const hw_pass *pass, const hw_attention_tape *tape,
                     size_t layer, size_t text);
/* work->d_gates[texts][heads] is the gradient of the factors. d_norm[tokens][width] += */
void hw_head_gates_backward(float *d_norm, const hw_tower_layer *gradient, const hw_pass *pass,
                            const hw_attention_tape *tape, const hw_tower_layer *weights,
                            size_t layer);

/* The chance that a head's L0 gate is not 0, summed over the heads of a layer (Louizos et al. 2018,
 * eq. 12). */
double hw_head_gates_open(const hw_tower_config *config, const hw_tower_layer *weights);
/* Adds factor times its gradient. */
void hw_head_gates_open_backward(const hw_tower_layer *gradient, const hw_tower_config *config,
                                 const hw_tower_layer *weights, float factor);

#endif
