/* From all tokens' states to the features of a text, or of chosen tokens. */
#ifndef HW_ENCODER_POOLING_H
#define HW_ENCODER_POOLING_H

#include "encoder/pass.h"

/* features: [texts][width] from the states[rows][width] of the last layer. */
void hw_features_forward(float *features, const float *states, const hw_encoder_pass *pass);
/* d_states is written whole. */
void hw_features_backward(float *d_states, const float *d_features, const hw_encoder_pass *pass);

#endif
