/* The tower's parameters: their ranges, their places in one block, their first values.
 * Invariant: every walk over them takes the order of the two lists in tower.h, and each
 * starts at a multiple of 16 floats. */
#include "model/tower.h"

#include "base/random.h"
#include "base/sizes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_TALKING = 1 << 24 /* attention weights of a window at once */ };

typedef struct range {
    const char *name;
    int32_t value, least, most, step;
} range;

hw_tower_config hw_tower_layer_config(const hw_tower_config *config, int32_t layer) {
    hw_tower_config own = *config;
    own.heads = hw_tower_layer_heads(config, layer);
    memset(own.pruned, 0, sizeof own.pruned);
    return own;
}

/* Where heads may be fewer than config->heads. */
static hw_status check_pruned(const hw_tower_config *config, hw_error *err) {
    for (int32_t l = 0; l < config->layers; l++) {
        const uint64_t pruned = config->pruned[l];
        if (!pruned) continue;
        const bool last = l + 1 == config->layers;
        if (config->heads > HW_BITS || pruned > UINT64_MAX >> (HW_BITS - config->heads) ||
            hw_tower_layer_heads(config, l) < 1)
            return hw_fail(err, HW_ERROR_ARGUMENT,
                           "tower: pruned_heads: layer %d has other heads, or would have none", l);
        if (config->attention == HW_ATTENTION_TALKING || (config->capsule_dim > 0 && last))
            return hw_fail(err, HW_ERROR_ARGUMENT,
                           "tower: pruned_heads: the heads of layer %d cannot be pruned", l);
    }
    return HW_OK;
}

/* The upper ends keep every product of two fields, and the floats of the block, far
 * from overflow. */
hw_status hw_tower_config_check(const hw_tower_config *config, hw_error *err) {
    const bool collaborative = config->attention == HW_ATTENTION_COLLABORATIVE;
    const bool capsules = config->capsule_dim > 0;
    const range ranges[] = {
        { "vocabulary", config->vocabulary, 1, 1 << 28, 1 },
        { "width", config->width, 16, 4096, 16 },
        { "layers", config->layers, 0, HW_TOWER_LAYERS, 1 },
        { "heads", config->heads, 1, HW_TOWER_HEADS, 1 },
        { "head_dim", config->head_dim, 1, HW_TOWER_HEAD_DIM, 1 },
        { "inner_width", config->inner_width, 0, 16384, 16 },
        { "distance", config->distance, 0, 4096, 1 },
        { "capsule_dim", config->capsule_dim, 0, 64, 1 },
        { "routing", config->routing, capsules, capsules ? 16 : 0, 1 },
        { "queries", config->queries, 0, capsules ? 0 : 64, 1 },
        { "window", config->window, 1, 65536, 1 },
        { "labels", config->labels, 1, capsules ? HW_CAPSULE_LABELS : 1 << 20, 1 },
        { "attention", (int32_t)config->attention, 0, HW_ATTENTION_COLLABORATIVE, 1 },
        { "shared_dim", config->shared_dim, collaborative, collaborative ? 16384 : 0, 1 },
        { "head_gates", (int32_t)config->head_gates, 0, HW_HEAD_GATES_INPUT, 1 },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const range *r = &ranges[i];
        if (r->value < r->least || r->value > r->most)
            return hw_fail(err, HW_ERROR_ARGUMENT, "tower: %s is %d, not in %d to %d", r->name,
                           r->value, r->least, r->most);
        if (r->value % r->step)
            return hw_fail(err, HW_ERROR_ARGUMENT, "tower: %s is %d, not a multiple of %d", r->name,
                           r->value, r->step);
    }
    HW_TRY(check_pruned(config, err));
    if (hw_tower_talking(config) * config->window > MOST_TALKING / config->window)
        return hw_fail(err, HW_ERROR_ARGUMENT, "tower: window is %d, too long for %d talking heads",
                       config->window, config->heads);
    return HW_OK;
}

static size_t padded_floats(int32_t rows, int32_t columns) {
    return hw_padded((size_t)rows * (size_t)columns);
}

size_t hw_tower_embedding_floats(const hw_tower_config *c) {
    return padded_floats(c->vocabulary, c->width);
}

static size_t layer_floats(const hw_tower_config *config, int32_t layer) {
    const hw_tower_config own = hw_tower_layer_config(config, layer), *c = &own;
    size_t floats = 0;
#define X(name, rows, columns) floats += padded_floats(rows, columns);
    HW_TOWER_LAYER_PARAMETERS(X)
#undef X
    return floats;
}

size_t hw_tower_floats(const hw_tower_config *c) {
    size_t floats = 0;
#define X(name, rows, columns) floats += padded_floats(rows, columns);
    HW_TOWER_PARAMETERS(X)
#undef X
    for (int32_t l = 0; l < c->layers; l++) floats += layer_floats(c, l);
    return floats;
}

static float *view_layer(hw_tower_layer *views, const hw_tower_config *config, int32_t layer,
                         float *block) {
    const hw_tower_config own = hw_tower_layer_config(config, layer), *c = &own;
#define X(name, rows, columns) \
    views->name = block;       \
    block += padded_floats(rows, columns);
    HW_TOWER_LAYER_PARAMETERS(X)
#undef X
    return block;
}

void hw_tower_view(hw_tower_views *views, const hw_tower_config *c, float *block) {
    views->block = block;
#define X(name, rows, columns) \
    views->name = block;       \
    block += padded_floats(rows, columns);
    HW_TOWER_PARAMETERS(X)
#undef X
    for (int32_t l = 0; l < c->layers; l++) block = view_layer(&views->layer[l], c, l, block);
}

/* A walk over the parameters that are there; `left` counts down to the wanted one. */
typedef struct walk {
    size_t offset, left;
} walk;

static bool walk_reaches(walk *w, hw_tower_parameter *parameter, int32_t rows, int32_t columns) {
    const size_t floats = padded_floats(rows, columns);
    if (floats > 0 && w->left-- == 0) {
        parameter->rows = (size_t)rows;
        parameter->columns = (size_t)columns;
        parameter->offset = w->offset;
        return true;
    }
    w->offset += floats;
    return false;
}

static bool layer_reaches(walk *w, hw_tower_parameter *parameter, const hw_tower_config *config,
                          int32_t l) {
    const hw_tower_config own = hw_tower_layer_config(config, l), *c = &own;
#define X(field, rows, columns)                                                      \
    if (walk_reaches(w, parameter, rows, columns)) {                                 \
        snprintf(parameter->name, sizeof parameter->name, "layer.%d.%s", l, #field); \
        return true;                                                                 \
    }
    HW_TOWER_LAYER_PARAMETERS(X)
#undef X
    return false;
}

bool hw_tower_parameter_at(hw_tower_parameter *parameter, const hw_tower_config *c, size_t i) {
    walk w = { .left = i };
#define X(field, rows, columns)                                          \
    if (walk_reaches(&w, parameter, rows, columns)) {                    \
        snprintf(parameter->name, sizeof parameter->name, "%s", #field); \
        return true;                                                     \
    }
    HW_TOWER_PARAMETERS(X)
#undef X
    for (int32_t l = 0; l < c->layers; l++)
        if (layer_reaches(&w, parameter, c, l)) return true;
    return false;
}

/* One stream of random numbers for each filled parameter. */
typedef struct filler {
    uint64_t seed, purpose;
} filler;

static void fill(float *weight, size_t floats, float value) {
    for (size_t i = 0; i < floats; i++) weight[i] = value;
}

static void fill_normal(float *weight, size_t floats, float deviation, filler *random) {
    const uint64_t purpose = random->purpose++;
    for (size_t i = 0; i < floats; i++)
        weight[i] = deviation * hw_random_normal(random->seed, purpose, i);
}

/* Uniform in +-sqrt(6 / (inputs + outputs)) (Glorot and Bengio 2010, eq. 16). */
static void fill_uniform(float *weight, size_t floats, int32_t inputs, int32_t outputs,
                         filler *random) {
    const uint64_t purpose = random->purpose++;
    const float limit = sqrtf(6.0f / (float)(inputs + outputs));
    for (size_t i = 0; i < floats; i++)
        weight[i] = limit * (2.0f * hw_random_uniform(random->seed, purpose, i) - 1.0f);
}

/* The first half of the heads start with a liking for one neighbour, so that heads differ
 * from the first step on; the others look everywhere. position: [patterns][2*distance+1] */
static void fill_position(float *position, const hw_tower_config *c) {
    static const int32_t neighbours[] = { -1, 1, 0 };
    for (int32_t head = 0; head < hw_tower_patterns(c) / 2; head++) {
        const int32_t offset = c->distance > 0 ? neighbours[head % 3] : 0;
        position[head * (2 * c->distance + 1) + c->distance + offset] = 2.0f;
    }
}

/* matrix: [n][n] */
static void fill_identity(float *matrix, int32_t n) {
    for (int32_t i = 0; i < n; i++) matrix[i * n + i] = 1.0f;
}

static void init_layer(const hw_tower_layer *layer, const hw_tower_config *c, filler *random) {
    const int32_t all_heads = c->heads * c->head_dim;
    const size_t width = (size_t)c->width;
    fill(layer->attention_norm_gain, width, 1.0f);
    fill_uniform(layer->qkv, width * (size_t)hw_tower_qkv_width(c), c->width, all_heads, random);
    fill_position(layer->position, c);
    fill_identity(layer->mix_scores, hw_tower_talking(c));
    fill_identity(layer->mix_weights, hw_tower_talking(c));
    fill_uniform(layer->output, width * (size_t)all_heads, all_heads, c->width, random);
    fill(layer->gate_alpha, (size_t)(hw_tower_l0_gates(c) * c->heads), 2.0f);
    fill(layer->gate_bias, (size_t)(hw_tower_input_gates(c) * c->heads), 2.0f);
    if (hw_tower_collaborating(c))
        fill_normal(layer->mix_queries, (size_t)c->heads * (size_t)c->shared_dim, 1.0f, random);
    if (c->inner_width == 0) return;
    const size_t inner_floats = width * (size_t)c->inner_width;
    fill(layer->inner_norm_gain, width, 1.0f);
    fill_uniform(layer->inner, inner_floats, c->width, c->inner_width, random);
    fill_uniform(layer->inner_output, inner_floats, c->inner_width, c->width, random);
}

/* Votes W_j u_i start about as long as what votes, u_i. */
static void init_capsules(const hw_tower_views *views, const hw_tower_config *c, filler *random) {
    const int32_t all_heads = c->heads * c->head_dim;
    const size_t rows = (size_t)c->labels * (size_t)c->capsule_dim;
    fill_uniform(views->primary, (size_t)c->width * (size_t)all_heads, c->width, all_heads, random);
    fill_normal(views->transform, rows * (size_t)all_heads, 1.0f / sqrtf((float)c->capsule_dim),
                random);
}

/* Learned scalars, biases and the linear readout start at 0: its first logits are 0. L0 gates and
 * those by the input start nearly open: sigmoid(2) = 0.88. */
void hw_tower_init(float *block, const hw_tower_config *config, uint64_t seed) {
    static const uint64_t first_purpose = 0x746f77657230; /* "tower0" */
    filler random = { seed, first_purpose };
    hw_tower_views views;
    hw_tower_view(&views, config, block);
    const size_t width = (size_t)config->width;
    fill(block, hw_tower_floats(config), 0.0f);
    fill_normal(views.embedding, (size_t)config->vocabulary * width, 0.1f, &random);
    fill(views.norm_gain, width, 1.0f);
    fill_normal(views.query, (size_t)config->queries * width, 0.1f, &random);
    for (int32_t l = 0; l < config->layers; l++) {
        const hw_tower_config own = hw_tower_layer_config(config, l);
        init_layer(&views.layer[l], &own, &random);
    }
    if (config->capsule_dim > 0) init_capsules(&views, config, &random);
}
