/* Dropout (Srivastava et al. 2014) in an encoder. Invariant: a mask is a function of (seed, step,
 * place, layer, number of the text in the step), not of how a step is cut into batches; the
 * gradient is masked by the same call. */
#ifndef HW_ENCODER_NOISE_H
#define HW_ENCODER_NOISE_H

#include "encoder/pass.h"

typedef enum hw_drop_place {
    HW_DROP_EMBEDDING,
    HW_DROP_ATTENTION, /* what attention, and the inner layers, add */
    HW_DROP_INNER,
    HW_DROP_PROBABILITIES,
    HW_DROP_RELATIVE,
    HW_DROP_FEATURES,
    HW_DROP_READOUT
} hw_drop_place;

/* x: [tokens][width] of a block, width columns. */
void hw_encoder_drop_tokens(float *x, size_t width, const hw_encoder_pass *pass,
                            hw_drop_place place);
/* x: [rows][width] of those that the layer gives; a first token has the same mask alone. */
void hw_encoder_drop_layer(float *x, const hw_encoder_pass *pass, hw_drop_place place,
                           int32_t layer);
/* x: [texts][width] */
void hw_encoder_drop_texts(float *x, size_t width, const hw_encoder_pass *pass,
                           hw_drop_place place);
/* x: [rows][width] of relative positions; the same for all texts. */
void hw_encoder_drop_relative(float *x, size_t rows, size_t width, const hw_encoder_pass *pass,
                              size_t layer);
/* A head's probabilities of queries [query, query + rows) for keys [key, key + keys):
 * x[rows][keys], row stride `stride`. */
void hw_encoder_drop_probabilities(float *x, size_t stride, size_t query, size_t rows, size_t key,
                                   size_t keys, const hw_encoder_pass *pass, size_t layer,
                                   size_t text, size_t head);

#endif
