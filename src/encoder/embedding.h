/* From token ids to the first layer's input. */
#ifndef HW_ENCODER_EMBEDDING_H
#define HW_ENCODER_EMBEDDING_H

#include "encoder/pass.h"

/* x: [tokens][width] */
void hw_embedding_forward(float *x, const hw_encoder_pass *pass);
/* d_x is overwritten. d_words: [tokens][embedding_width] */
void hw_embedding_backward(float *d_words, float *gradient, const hw_encoder_pass *pass,
                           float *d_x);

#endif
