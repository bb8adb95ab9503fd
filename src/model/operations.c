/* Counts floating-point operations of a forward pass, a multiplication and an addition each. */
#include "model/tower.h"

/* A softmax of n numbers: the largest, differences, exponentials, their sum, quotients. */
enum { SOFTMAX_OPERATIONS = 5 };

static double attention_operations(const hw_tower_config *c, double window) {
    const double width = c->width, heads = c->heads, all = heads * c->head_dim;
    const double projections = 2 * width * 3 * all + 2 * all * width;
    const double weights = 2 * window * all + SOFTMAX_OPERATIONS * heads * window;
    return projections + weights + 2 * window * all;
}

double hw_tower_operations(const hw_tower_config *c, size_t tokens) {
    const double n = (double)tokens, width = c->width;
    const double window = tokens < (size_t)c->window ? n : c->window;
    const double layer = attention_operations(c, window) + 4 * width * c->inner_width;
    const double pooling = (4.0 * c->queries + 2) * width + SOFTMAX_OPERATIONS * c->queries;
    const double readout = 2.0 * (2 + c->queries) * width * c->labels;
    return n * (c->layers * layer + pooling) + readout;
}
