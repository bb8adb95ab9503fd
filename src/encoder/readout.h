/* From features to logits: labels, or masked tokens. */
#ifndef HW_ENCODER_READOUT_H
#define HW_ENCODER_READOUT_H

#include "encoder/pass.h"

/* What the last linear layer reads, in tape->norm: dense, activation and norm of the first `rows`
 * of tape->features. */
void hw_readout_inner_forward(const hw_encoder_pass *pass, size_t rows);
/* logits: [rows][labels or vocabulary] from tape->norm */
void hw_readout_last_forward(float *logits, const hw_encoder_pass *pass, size_t rows);
/* d_features: [rows][width] */
void hw_readout_backward(float *d_features, float *gradient, const hw_encoder_pass *pass,
                         const float *d_logits, size_t rows);

#endif
