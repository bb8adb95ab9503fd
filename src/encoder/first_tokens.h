/* The first token of each text. Where a classifier reads no other state of the last layer, that
 * layer gives nothing for the others: keys and values are of all tokens, all else is of rows
 * [texts], forward and backward. */
#ifndef HW_ENCODER_FIRST_TOKENS_H
#define HW_ENCODER_FIRST_TOKENS_H

#include "encoder/pass.h"

/* True for the last layer of a pass with first_only. */
bool hw_gives_first_only(const hw_encoder_pass *pass, int32_t layer);
/* How many rows a layer gives: texts then, else tokens. */
size_t hw_layer_rows(const hw_encoder_pass *pass, int32_t layer);

/* first[texts][width] = the rows of `all`, whose stride is ld. */
void hw_first_tokens_take(float *first, const float *all, size_t ld, size_t width,
                          const hw_encoder_pass *pass);
/* The rows of `all` = first */
void hw_first_tokens_put(float *all, size_t ld, const float *first, size_t width,
                         const hw_encoder_pass *pass);
/* The rows of all[tokens][width] += first */
void hw_first_tokens_add(float *all, const float *first, size_t width, const hw_encoder_pass *pass);
/* x[texts][width] in place to [tokens][width], 0 for the others. */
void hw_first_tokens_spread(float *x, size_t width, const hw_encoder_pass *pass);

#endif
