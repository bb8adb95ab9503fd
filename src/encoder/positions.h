/* What positions do to attention: turning (rotary), a bias by bucket, or products with relative
 * positions (disentangled). */
#ifndef HW_ENCODER_POSITIONS_H
#define HW_ENCODER_POSITIONS_H

#include "encoder/pass.h"

/* The scratch's tables of angles and of relative positions. */
void hw_positions_fill(hw_encoder_scratch *scratch, const hw_encoder_config *config);

/* The row for i - j of the table of relative positions. */
static inline int32_t hw_relative_row(const hw_encoder_scratch *scratch, ptrdiff_t i_minus_j) {
    return scratch->relative[i_minus_j + (ptrdiff_t)scratch->longest];
}

static inline bool hw_is_local(const hw_encoder_config *config, int32_t layer) {
    return config->window > 0 && layer % config->global_every != 0;
}

/* x[tokens][head_dim], row stride ld, turned by its position in its text; back: turned back, which
 * is what its gradient needs. */
void hw_turn(float *x, size_t ld, size_t tokens, const hw_encoder_pass *pass, int32_t layer,
             bool back);

/* Relative positions of the longest text's tokens, normed once for all layers (disentangled). */
void hw_relative_forward(const hw_encoder_pass *pass);
/* tape->position_key and position_query of a layer. */
void hw_relative_layer_forward(const hw_encoder_pass *pass, hw_layer_tape *tape, int32_t layer);
/* Clears work->d_position_key and d_position_query. */
void hw_relative_layer_begin_backward(const hw_encoder_pass *pass);
/* Adds to the gradients of the layer's linear modules, and to work->d_relative. */
void hw_relative_layer_backward(float *gradient, const hw_encoder_pass *pass, int32_t layer);
/* From work->d_relative. */
void hw_relative_backward(float *gradient, const hw_encoder_pass *pass);

/* Rows [first, first + count) of relative positions are those that n tokens meet. */
typedef struct hw_relative_span {
    size_t first, count;
} hw_relative_span;
hw_relative_span hw_relative_span_of(const hw_encoder_pass *pass, size_t n);

#endif
