/* What one head's attention weights are like, as sums over queries (Clark et al. 2019; Voita et al.
 * 2019). Queries are the text's own tokens, keys are all. */
#ifndef HW_EXPLAIN_HEAD_METRICS_H
#define HW_EXPLAIN_HEAD_METRICS_H

#include "explain/head_text.h"

typedef struct hw_head_sums {
    double queries;
    double entropy;    /* of a query's weights, by ln of the number of keys */
    double confidence; /* its largest weight */
    double distance;   /* mean distance of its keys, in tokens, by their weights ... */
    double uniform;    /* ... and without them: of n keys (n * n - 1) / (3 n) on average */
    double sink;       /* weight of the first token */
    double separators; /* weight of marks, and of special tokens that are not the first */
} hw_head_sums;

/* Adds a text of at least two tokens. weights: [text->count][text->count] */
void hw_head_sums_add(hw_head_sums *sums, const float *weights, const hw_head_text *text);
/* Adds other sums. */
void hw_head_sums_merge(hw_head_sums *sums, const hw_head_sums *more);

#endif
