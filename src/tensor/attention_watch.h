/* How the attention of a tower or an encoder is looked at: a backward pass shows each block of
 * weights and of the loss's gradient by them when it has them in its hands, and what the heads of a
 * layer make with them. An encoder's forward pass can show the same without gradients. */
#ifndef HW_TENSOR_ATTENTION_WATCH_H
#define HW_TENSOR_ATTENTION_WATCH_H

#include <stddef.h>

/* Queries [query, query + rows) by keys [key, key + columns), tokens of the batch; what lies
 * outside of the blocks of a head is 0. The weights are those that values are summed with. Heads
 * that share a matrix show it one after the other, each with the gradient by the shared matrix. */
typedef struct hw_attention_block {
    size_t layer, head;
    size_t query, key, rows, columns;
    size_t stride;         /* of a row */
    const float *weights;  /* [rows][columns] */
    const float *gradient; /* likewise; NULL in a forward pass */
} hw_attention_block;

/* What a layer's heads give to the output projection: sums of values by weights, before any gate;
 * 0 of an encoder's head that is off. Once a layer, of all tokens of the batch. */
typedef struct hw_attention_output {
    size_t layer, tokens;
    size_t width;       /* heads that the layer has * head_dim */
    const float *heads; /* [tokens][width] */
} hw_attention_output;

typedef struct hw_attention_watch {
    void (*see)(void *context, const hw_attention_block *block);
    void (*see_output)(void *context, const hw_attention_output *output); /* or NULL */
    void *context;
} hw_attention_watch;

#endif
