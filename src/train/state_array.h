/* A piece of a training's state, for checkpoints: bytes that are written and read as they are. */
#ifndef HW_TRAIN_STATE_ARRAY_H
#define HW_TRAIN_STATE_ARRAY_H

#include <stddef.h>

typedef struct hw_state_array {
    const char *name;
    void *data;
    size_t bytes; /* 0: there is nothing to keep */
} hw_state_array;

#endif
