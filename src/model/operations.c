/* Counts floating-point operations of a forward pass, a multiplication and an addition each. */
#include "model/tower.h"

/* A softmax of n numbers: the largest, differences, exponentials, their sum, quotients. */
enum { SOFTMAX_OPERATIONS = 5 };

/* Of one token in a window of so many. */
static double attention_operations(const hw_tower_config *c, double window) {
    const double width = c->width, all = (double)c->heads * c->head_dim;
    const double projections = 2 * width * hw_tower_qkv_width(c) + 2 * all * width;
    const double patterns = hw_tower_patterns(c), dim = c->shared_dim ? c->shared_dim : c->head_dim;
    const double talking = 4.0 * hw_tower_talking(c) * c->heads * window;
    const double blending = hw_tower_collaborating(c) ? dim : 0;
    return projections + patterns * (2 * dim * window + SOFTMAX_OPERATIONS * window) + talking +
           blending * c->heads + 2 * window * all;
}

/* Of one token, and of the whole text. */
static double readout_operations(const hw_tower_config *c, double tokens) {
    const double width = c->width, labels = c->labels, all = (double)c->heads * c->head_dim;
    if (!c->capsule_dim)
        return tokens * ((4.0 * c->queries + 2) * width + SOFTMAX_OPERATIONS * c->queries) +
               2.0 * (2 + c->queries) * width * labels;
    const double votes = 4 * labels * all * c->capsule_dim; /* W of sums, and W^T of capsules */
    const double agreement = tokens * (4 * labels * all + SOFTMAX_OPERATIONS * labels * c->heads);
    return 2 * tokens * width * all + c->routing * (votes + agreement);
}

double hw_tower_operations(const hw_tower_config *c, size_t tokens) {
    const double n = (double)tokens, width = c->width;
    const double window = tokens < (size_t)c->window ? n : c->window;
    double layers = c->layers * 4 * width * c->inner_width;
    for (int32_t l = 0; l < c->layers; l++) {
        const hw_tower_config own = hw_tower_layer_config(c, l);
        layers += attention_operations(&own, window);
    }
    return n * layers + readout_operations(c, n);
}
