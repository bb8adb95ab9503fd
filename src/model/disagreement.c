/* The sum of the cosines of all pairs is the square of the sum of unit vectors, so the work is
 * linear in the heads: with u_h = x_h / r_h, r_h^2 = |x_h|^2 + epsilon, s = sum of u_h,
 *
 *   agreement = |s|^2 / heads^2,   d / d x_h = 2 (s - (s u_h) u_h) / (r_h heads^2) */
#include "model/disagreement.h"

#include "model/tower.h"

#include <math.h>
#include <string.h>

static const float epsilon = 1e-8f; /* keeps a vector of zeros from having a direction */

typedef struct token_sum {
    float s[HW_TOWER_HEAD_DIM];
    float length[HW_TOWER_HEADS]; /* r_h */
} token_sum;

static float length_of(const float *x, size_t n) {
    float sum = epsilon;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrtf(sum);
}

/* x: a token's vectors, [heads][head_dim] */
static void add_up(token_sum *t, const float *x, const hw_head_vectors *v) {
    memset(t->s, 0, v->head_dim * sizeof *t->s);
    for (size_t head = 0; head < v->heads; head++, x += v->head_dim) {
        t->length[head] = length_of(x, v->head_dim);
        for (size_t i = 0; i < v->head_dim; i++) t->s[i] += x[i] / t->length[head];
    }
}

double hw_head_agreement(const hw_head_vectors *v) {
    token_sum t;
    double sum = 0.0;
    for (size_t token = 0; token < v->tokens; token++) {
        add_up(&t, v->x + token * v->stride, v);
        for (size_t i = 0; i < v->head_dim; i++) sum += (double)t.s[i] * (double)t.s[i];
    }
    return sum / ((double)v->heads * (double)v->heads * (double)v->tokens);
}

/* d_x, x: [head_dim] of one head and token; scale: 2 factor / (heads^2 tokens) */
static void head_backward(float *d_x, const float *x, const token_sum *t, size_t head,
                          size_t head_dim, float scale) {
    const float length = t->length[head];
    float along = 0.0f; /* s u_h */
    for (size_t i = 0; i < head_dim; i++) along += t->s[i] * x[i] / length;
    for (size_t i = 0; i < head_dim; i++)
        d_x[i] += scale * (t->s[i] - along * x[i] / length) / length;
}

void hw_head_agreement_backward(float *d_x, const hw_head_vectors *v, float factor) {
    token_sum t;
    const float scale = 2.0f * factor / ((float)v->heads * (float)v->heads * (float)v->tokens);
    for (size_t token = 0; token < v->tokens; token++) {
        const size_t row = token * v->stride;
        add_up(&t, v->x + row, v);
        for (size_t head = 0; head < v->heads; head++) {
            const size_t at = row + head * v->head_dim;
            head_backward(d_x + at, v->x + at, &t, head, v->head_dim, scale);
        }
    }
}
