/* The memory of one thread's passes through a tower. */
#ifndef HW_MODEL_SCRATCH_H
#define HW_MODEL_SCRATCH_H

#include "model/pass.h"

struct hw_tower_scratch {
    size_t max_texts, max_tokens;
    bool training;
    const hw_attention_watch *watch; /* or NULL */
    float *block;                    /* what the tapes and the workspace point into */
    hw_attention_tape attention[HW_TOWER_LAYERS];
    hw_feedforward_tape feedforward[HW_TOWER_LAYERS];
    hw_pooling_tape pooling; /* or */
    hw_capsule_tape capsule;
    hw_workspace work;
};

#endif
