/* Label j's transform W_j is the rows transform[j][0 .. dim), each of which meets the capsules of
 * all heads. Invariant: a text's result is a function of its capsules and their order alone. */
#include "model/routing.h"

#include "model/projection.h"
#include "model/squash.h"

#include <string.h>

/* ---- Shape: the arrays of one iteration ------------------------------------------------- */

static hw_routing_tape tape_at(const hw_routing_tape *tape, const hw_routing *r, size_t iteration) {
    const size_t vectors = iteration * r->labels;
    return (hw_routing_tape){ .wanted = tape->wanted + vectors * r->width,
                              .gathered = tape->gathered + vectors * r->width,
                              .pose = tape->pose + vectors * r->dim };
}

/* One head of some tokens. */
typedef struct block {
    size_t first, tokens; /* of the text */
    size_t column;        /* of the head in a row of width */
    size_t stride;        /* of a row of couplings */
} block;

static block block_at(const hw_routing *r, size_t head, size_t first, size_t tokens) {
    const size_t left = tokens - first;
    return (block){ .first = first,
                    .tokens = left < HW_ROUTING_BLOCK ? left : HW_ROUTING_BLOCK,
                    .column = head * r->head_dim,
                    .stride = hw_routing_stride(r->labels) };
}

/* y[head_dim][stride] = the head's columns of x[labels][width], transposed */
static void transpose_head(float *y, const hw_routing *r, const float *x, size_t head) {
    hw_transpose(y, hw_routing_stride(r->labels), x + head * r->head_dim, r->width, r->labels,
                 r->head_dim);
}

/* y[tokens][stride] = capsules * across[head_dim][stride], 0 for the orphan category */
static void meet_labels(float *y, const hw_routing *r, const float *across, block b,
                        const float *capsules, const hw_kernels *kernels) {
    kernels->gemm(y, b.stride, capsules + b.first * r->width + b.column, r->width, 1, across,
                  b.stride, b.tokens, r->labels, r->head_dim, false);
    for (size_t token = 0; token < b.tokens; token++) y[token * b.stride + r->labels] = 0.0f;
}

/* work->coupling[tokens][stride] = c_ij, by work->across, the head's wanted vectors */
static void couple(const hw_routing *r, const hw_routing_work *work, block b, const float *capsules,
                   const hw_kernels *kernels) {
    meet_labels(work->coupling, r, work->across, b, capsules, kernels);
    kernels->softmax(work->coupling, b.stride, b.tokens, r->labels + 1);
}

static void scale_gathered(float *gathered, const hw_routing *r, size_t tokens) {
    const float scale = (float)(r->labels + 1) / (float)(tokens * r->heads);
    for (size_t i = 0; i < r->labels * r->width; i++) gathered[i] *= scale;
}

/* ---- Forward ------------------------------------------------------------------------------ */

/* gathered[labels][width] from wanted[labels][width] */
static void gather(float *gathered, const hw_routing *r, const hw_routing_work *work,
                   const float *wanted, const float *capsules, size_t tokens,
                   const hw_kernels *kernels) {
    memset(gathered, 0, r->labels * r->width * sizeof *gathered);
    for (size_t head = 0; head < r->heads; head++) {
        transpose_head(work->across, r, wanted, head);
        for (size_t first = 0; first < tokens; first += HW_ROUTING_BLOCK) {
            const block b = block_at(r, head, first, tokens);
            couple(r, work, b, capsules, kernels);
            kernels->gemm(gathered + b.column, r->width, work->coupling, 1, b.stride,
                          capsules + b.first * r->width + b.column, r->width, r->labels,
                          r->head_dim, b.tokens, true);
        }
    }
    scale_gathered(gathered, r, tokens);
}

/* y[labels][dim] = W x[labels][width] */
static void transform(float *y, const hw_routing *r, const float *x, const hw_kernels *kernels) {
    for (size_t label = 0; label < r->labels; label++)
        for (size_t row = label * r->dim; row < (label + 1) * r->dim; row++)
            kernels->dot(&y[row], r->transform + row * r->width, x + label * r->width, r->width);
}

/* y[labels][width] = or += W^T x[labels][dim] */
static void transform_back(float *y, const hw_routing *r, const float *x, bool add,
                           const hw_kernels *kernels) {
    for (size_t label = 0; label < r->labels; label++)
        kernels->gemm(y + label * r->width, r->width, x + label * r->dim, r->dim, 1,
                      r->transform + label * r->dim * r->width, r->width, 1, r->width, r->dim, add);
}

void hw_routing_forward(const hw_routing_tape *tape, const hw_routing *r,
                        const hw_routing_work *work, const float *capsules, size_t tokens,
                        const hw_kernels *kernels) {
    memset(tape->wanted, 0, r->labels * r->width * sizeof *tape->wanted);
    for (size_t iteration = 0; iteration < r->iterations; iteration++) {
        const hw_routing_tape now = tape_at(tape, r, iteration);
        gather(now.gathered, r, work, now.wanted, capsules, tokens, kernels);
        transform(now.pose, r, now.gathered, kernels);
        kernels->add(now.pose, r->bias, r->labels * r->dim);
        if (iteration + 1 == r->iterations) break;
        const hw_routing_tape next = tape_at(tape, r, iteration + 1);
        hw_squash_forward(work->squashed, now.pose, r->labels, r->dim, kernels);
        memcpy(next.wanted, now.wanted, r->labels * r->width * sizeof *next.wanted);
        transform_back(next.wanted, r, work->squashed, true, kernels);
    }
}

/* ---- Backward ----------------------------------------------------------------------------- */

/* d_transform[labels][dim][width] += the outer products of x[labels][dim] and y[labels][width] */
static void add_products(float *d_transform, const hw_routing *r, const float *x, const float *y,
                         const hw_kernels *kernels) {
    for (size_t label = 0; label < r->labels; label++)
        for (size_t row = label * r->dim; row < (label + 1) * r->dim; row++)
            kernels->axpy(d_transform + row * r->width, y + label * r->width, x[row], r->width);
}

/* d_capsules and work->d_wanted += from work->d_gathered, which is scaled here. */
static void gather_backward(float *d_capsules, const hw_routing *r, const hw_routing_work *work,
                            const float *wanted, const float *capsules, size_t tokens,
                            const hw_kernels *kernels) {
    scale_gathered(work->d_gathered, r, tokens);
    for (size_t head = 0; head < r->heads; head++) {
        transpose_head(work->across, r, wanted, head);
        transpose_head(work->d_across, r, work->d_gathered, head);
        for (size_t first = 0; first < tokens; first += HW_ROUTING_BLOCK) {
            const block b = block_at(r, head, first, tokens);
            const size_t at = b.first * r->width + b.column;
            couple(r, work, b, capsules, kernels);
            kernels->gemm(d_capsules + at, r->width, work->coupling, b.stride, 1,
                          work->d_gathered + b.column, r->width, b.tokens, r->head_dim, r->labels,
                          true);
            meet_labels(work->d_coupling, r, work->d_across, b, capsules, kernels);
            kernels->softmax_backward(work->d_coupling, work->coupling, b.stride, b.tokens,
                                      r->labels + 1);
            kernels->gemm(d_capsules + at, r->width, work->d_coupling, b.stride, 1,
                          wanted + b.column, r->width, b.tokens, r->head_dim, r->labels, true);
            kernels->gemm(work->d_wanted + b.column, r->width, work->d_coupling, 1, b.stride,
                          capsules + at, r->width, r->labels, r->head_dim, b.tokens, true);
        }
    }
}

/* work->d_pose of an iteration from work->d_wanted of the next, whose wanted vectors are those of
 * this one plus W^T squash(pose): so d_wanted stays what it is, and goes on to this one. */
static void want_backward(float *d_transform, const hw_routing *r, const hw_routing_work *work,
                          const float *pose, const hw_kernels *kernels) {
    hw_squash_forward(work->squashed, pose, r->labels, r->dim, kernels);
    add_products(d_transform, r, work->squashed, work->d_wanted, kernels);
    transform(work->d_pose, r, work->d_wanted, kernels);
    hw_squash_backward(work->d_pose, work->d_pose, pose, r->labels, r->dim, kernels);
}

void hw_routing_backward(float *d_capsules, float *d_transform, float *d_bias, const hw_routing *r,
                         const hw_routing_tape *tape, const hw_routing_work *work,
                         const float *capsules, size_t tokens, const hw_kernels *kernels) {
    memset(d_capsules, 0, tokens * r->width * sizeof *d_capsules);
    memset(work->d_wanted, 0, r->labels * r->width * sizeof *work->d_wanted);
    for (size_t iteration = r->iterations; iteration-- > 0;) {
        const hw_routing_tape now = tape_at(tape, r, iteration);
        if (iteration + 1 < r->iterations) want_backward(d_transform, r, work, now.pose, kernels);
        kernels->add(d_bias, work->d_pose, r->labels * r->dim);
        add_products(d_transform, r, work->d_pose, now.gathered, kernels);
        transform_back(work->d_gathered, r, work->d_pose, false, kernels);
        gather_backward(d_capsules, r, work, now.wanted, capsules, tokens, kernels);
    }
}
