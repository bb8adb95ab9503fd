/* Which tokens of a text are to be predicted, and what the encoder sees in their place (Devlin et
 * al. 2019, section 3.1): of the chosen ones 80 % become the mask token, 10 % a random one, and 10
 * % stay. Invariant: a text's masking is a function of (seed, step, its number), not of the batch.
 */
#ifndef HW_TRAIN_MASKING_H
#define HW_TRAIN_MASKING_H

#include "encoder/encoder.h"

typedef struct hw_masking {
    double share;              /* of a text's tokens, special ones left aside; at least one */
    uint32_t mask, vocabulary; /* the mask token; random tokens are below vocabulary */
    const bool *is_special;    /* [vocabulary] */
    uint64_t seed;
} hw_masking;

/* What is to be predicted. */
typedef struct hw_masked {
    uint32_t *places;  /* [count] in the batch */
    uint32_t *targets; /* [count] the tokens that stood there */
    size_t count;
} hw_masked;

/* Most places that texts of so many tokens altogether can have. */
size_t hw_masking_limit(const hw_masking *masking, size_t tokens, size_t texts);
/* Masks the tokens [begin, end) of the batch, one text, whose number in the step is `text`. */
void hw_masking_apply(hw_masked *masked, uint32_t *tokens, size_t begin, size_t end,
                      const hw_masking *masking, uint64_t step, uint64_t text);

#endif
