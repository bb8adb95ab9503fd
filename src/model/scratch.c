/* A scratch is one block of floats that is laid out twice: first on nothing, to learn its
 * size, then for good. Invariant: every array starts at a multiple of 16 floats. */
#include "model/scratch.h"

#include "base/memory.h"
#include "base/sizes.h"
#include "model/attention_weights.h"
#include "model/projection.h"

/* Their bytes fit in a ptrdiff_t. */
static const size_t most_floats = PTRDIFF_MAX / sizeof(float) - 16;

typedef struct arena {
    float *base; /* NULL while the size is measured */
    size_t used; /* most_floats: too large */
} arena;

static float *take(arena *a, size_t rows, size_t columns) {
    size_t floats = 0;
    if (!hw_mul_size(&floats, rows, columns) || floats > most_floats - a->used) {
        a->used = most_floats;
        return NULL;
    }
    float *array = a->base ? a->base + a->used : NULL;
    a->used += floats;
    a->used = a->used > most_floats - 16 ? most_floats : hw_padded(a->used);
    return array;
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static hw_norm_tape take_norm(arena *a, const hw_tower_scratch *s, const hw_tower_config *c) {
    const size_t width = (size_t)c->width;
    return (hw_norm_tape){ .x = take(a, s->max_tokens, width),
                           .y = take(a, s->max_tokens, width),
                           .mean = take(a, s->max_tokens, 1),
                           .rstd = take(a, s->max_tokens, 1) };
}

/* The capsules are made of the heads of the last layer. */
static void lay_out_capsules(hw_tower_scratch *s, arena *a, const hw_tower_config *c,
                             hw_norm_tape norm) {
    const size_t tokens = s->max_tokens, heads = hw_all_heads_width(c);
    const size_t labels = (size_t)c->labels, dim = (size_t)c->capsule_dim;
    const size_t iterations = (s->training ? s->max_texts : 1) * (size_t)c->routing;
    s->capsule = (hw_capsule_tape){ .norm = norm,
                                    .primary = take(a, tokens, heads),
                                    .capsules = take(a, tokens, heads),
                                    .keeps_texts = s->training,
                                    .routing = { .wanted = take(a, iterations, labels * heads),
                                                 .gathered = take(a, iterations, labels * heads),
                                                 .pose = take(a, iterations, labels * dim) } };
    if (c->layers == 0) return;
    hw_attention_tape *last = &s->attention[c->layers - 1];
    last->gated = s->capsule.heads = take(a, tokens, heads);
    if (s->training) last->d_gated = s->capsule.d_heads = take(a, tokens, heads);
}

/* Each operation reads what the one before it wrote to norm.x. Without training it is the
 * same array all along. */
static void lay_out_tapes(hw_tower_scratch *s, arena *a, const hw_tower_config *c) {
    const size_t tokens = s->max_tokens, heads = hw_all_heads_width(c);
    const size_t gates = c->head_gates == HW_HEAD_GATES_NONE ? 0 : (size_t)c->heads;
    hw_norm_tape norm = take_norm(a, s, c);
    for (int32_t l = 0; l < c->layers; l++) {
        if (l > 0 && !s->training) {
            s->attention[l] = s->attention[0];
            s->feedforward[l] = s->feedforward[0];
            continue;
        }
        s->attention[l] =
            (hw_attention_tape){ .norm = norm,
                                 .qkv = take(a, tokens, (size_t)hw_tower_qkv_width(c)),
                                 .heads = take(a, tokens, heads),
                                 .gates = take(a, s->max_texts, gates) };
        if (s->training) norm = take_norm(a, s, c);
        if (c->inner_width == 0) continue;
        s->feedforward[l] =
            (hw_feedforward_tape){ .norm = norm,
                                   .inner = take(a, tokens, (size_t)c->inner_width),
                                   .active = take(a, tokens, (size_t)c->inner_width),
                                   .result = take(a, tokens, (size_t)c->width) };
        if (s->training) norm = take_norm(a, s, c);
    }
    if (c->capsule_dim > 0) {
        lay_out_capsules(s, a, c, norm);
        return;
    }
    s->pooling = (hw_pooling_tape){ .norm = norm,
                                    .attention = take(a, tokens, (size_t)c->queries),
                                    .pooled = take(a, s->max_texts, hw_pooled_width(c)) };
}

static size_t largest_projection(const hw_tower_config *c) {
    const size_t width = (size_t)c->width, inner = (size_t)c->inner_width;
    const size_t heads = hw_all_heads_width(c);
    const size_t columns = c->capsule_dim > 0 ? 0 : (size_t)hw_tower_columns(c->labels);
    const struct {
        size_t inputs, outputs;
    } projections[] = { { width, (size_t)hw_tower_qkv_width(c) }, /* of attention */
                        { heads, width },
                        { width, inner }, /* of the feed-forward block */
                        { inner, width },
                        { width, heads }, /* of capsules */
                        { hw_pooled_width(c), columns } };
    size_t largest = 0;
    for (size_t i = 0; i < sizeof projections / sizeof *projections; i++)
        largest =
            larger(largest, hw_projection_packed(projections[i].inputs, projections[i].outputs));
    return largest;
}

static void lay_out_routing(hw_tower_scratch *s, arena *a, const hw_tower_config *c) {
    const size_t labels = (size_t)c->labels, stride = hw_routing_stride(labels);
    const size_t heads = hw_all_heads_width(c), head_dim = (size_t)c->head_dim;
    hw_routing_work *work = &s->work.routing;
    work->coupling = take(a, HW_ROUTING_BLOCK, stride);
    work->across = take(a, head_dim, stride);
    work->squashed = take(a, labels, (size_t)c->capsule_dim);
    if (!s->training) return;
    work->d_coupling = take(a, HW_ROUTING_BLOCK, stride);
    work->d_across = take(a, head_dim, stride);
    work->d_wanted = take(a, labels, heads);
    work->d_gathered = take(a, labels, heads);
    work->d_pose = take(a, labels, (size_t)c->capsule_dim);
    s->work.d_capsules = take(a, s->max_tokens, heads);
}

static void lay_out_workspace(hw_tower_scratch *s, arena *a, const hw_tower_config *c) {
    const size_t tokens = s->max_tokens, width = (size_t)c->width, heads = hw_all_heads_width(c);
    const size_t window = (size_t)c->window;
    const size_t longest = hw_padded(hw_smaller(window, tokens));
    const size_t matrices = hw_group_matrices(c), talking = (size_t)hw_tower_talking(c);
    const size_t shared_dim = (size_t)c->shared_dim;
    hw_workspace *work = &s->work;
    const size_t written = s->training || !hw_heads_stand_alone(c) ? longest : 0;
    work->far = take(a, hw_heads_stand_alone(c) ? (size_t)c->heads : 0, 2 * longest);
    work->block = take(a, hw_heads_stand_alone(c) ? 16 : 0, longest + (size_t)c->head_dim);
    work->scores = take(a, matrices * written, longest);
    work->logits = take(a, talking * longest, longest);
    work->mixed = take(a, talking * longest, longest);
    work->blended = take(a, longest, shared_dim);
    work->across = take(a, larger((size_t)c->head_dim, shared_dim), written);
    work->near = take(a, 2, written);
    work->gated = take(a, tokens, heads);
    work->mean = take(a, hw_tower_input_gates(c) ? 2 : 0, width);
    if (!s->training) return;
    work->d_scores = take(a, matrices * longest, longest);
    work->d_mixed = take(a, talking * longest, longest);
    work->d_blended = take(a, longest, shared_dim);
    work->d_near = take(a, 2, longest);
    work->d_gated = take(a, tokens, heads);
    work->d_gates = take(a, s->max_texts, (size_t)c->heads);
    work->d_qkv = take(a, tokens, (size_t)hw_tower_qkv_width(c));
    work->d_inner = take(a, tokens, (size_t)c->inner_width);
    work->d_result = take(a, tokens, c->inner_width ? width : 0);
    work->d_norm = take(a, tokens, width);
    if (c->capsule_dim == 0) work->d_pooled = take(a, s->max_texts, hw_pooled_width(c));
    work->d_attention = take(a, tokens, (size_t)c->queries);
    work->packed = take(a, 1, largest_projection(c));
}

static void lay_out(hw_tower_scratch *scratch, arena *a, const hw_tower_config *config) {
    lay_out_tapes(scratch, a, config);
    lay_out_workspace(scratch, a, config);
    if (config->capsule_dim > 0) lay_out_routing(scratch, a, config);
}

hw_tower_scratch *hw_tower_scratch_new(const hw_tower_config *config, size_t max_texts,
                                       size_t max_tokens, bool training, hw_error *err) {
    arena a = { 0 };
    hw_tower_scratch *scratch = hw_calloc(1, sizeof *scratch);
    if (!scratch) {
        hw_fail_memory(err, sizeof *scratch);
        return NULL;
    }
    scratch->max_texts = max_texts;
    scratch->max_tokens = max_tokens;
    scratch->training = training;
    lay_out(scratch, &a, config);
    scratch->block = a.used < most_floats ? hw_malloc(a.used * sizeof(float)) : NULL;
    if (!scratch->block) {
        hw_fail_memory(err, a.used * sizeof(float));
        hw_tower_scratch_free(scratch);
        return NULL;
    }
    a = (arena){ .base = scratch->block };
    lay_out(scratch, &a, config);
    return scratch;
}

void hw_tower_scratch_free(hw_tower_scratch *scratch) {
    if (!scratch) return;
    hw_free(scratch->block);
    hw_free(scratch);
}
