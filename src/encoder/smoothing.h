/* What is done for large columns of what int8 layers read, which would take the steps of all
 * others. Columns of x are multiplied by factors and those of W divided by them, such that both
 * have the same peak (Xiao et al. 2023, "SmoothQuant", eq. 4 with alpha 1/2); x W^T stays. Where
 * both are large that does not help: the HW_INT8_EXACT columns with the largest product of peaks
 * stay in float (Dettmers et al. 2022, "LLM.int8()"), and have a factor of 0. Queries, keys and
 * values, which read the same x, have the same factors. */
#ifndef HW_ENCODER_SMOOTHING_H
#define HW_ENCODER_SMOOTHING_H

#include "encoder/modules.h"

/* Factors of all layers that are smoothed. */
typedef struct hw_smoothing hw_smoothing;

/* From the activations of typical texts. encoder: of floats. */
hw_smoothing *hw_smoothing_measure(const hw_encoder *encoder, const hw_encoder_batch *texts,
                                   hw_error *err);
void hw_smoothing_free(hw_smoothing *smoothing); /* accepts NULL */
/* [columns] of the slot's weight; NULL if the slot is not smoothed, or smoothing is NULL. */
const float *hw_smoothing_of(const hw_smoothing *smoothing, const hw_slot *slot);

/* Whether a layer's input may be smoothed. That of OUTPUT is not: its columns are those of heads,
 * which can be pruned, and have no outliers. */
bool hw_may_be_smoothed(hw_module_id id);

#endif
