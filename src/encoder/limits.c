/* The ranges of an encoder's description. Invariant: a config that passes can be given to every
 * operation; its sizes do not overflow. */
#include "encoder/config.h"

#include "encoder/pruned_heads.h"

typedef struct range {
    const char *name;
    int32_t value, least, most;
} range;

/* The upper ends keep every product of two fields, and the floats of the block, far from
 * overflow. */
static hw_status check_ranges(const hw_encoder_config *config, const char *name, hw_error *err) {
    const range ranges[] = {
        { "vocabulary", config->vocabulary, 1, 1 << 24 },
        { "embedding width", config->embedding_width, 1, HW_ENCODER_WIDTH },
        { "width", config->width, 1, HW_ENCODER_WIDTH },
        { "number of layers", config->layers, 1, HW_ENCODER_LAYERS },
        { "number of heads", config->heads, 1, HW_ENCODER_HEADS },
        { "width of a head", config->head_dim, 1, HW_ENCODER_WIDTH },
        { "inner width", config->inner_width, 1, 4 * HW_ENCODER_WIDTH },
        { "number of tokens", config->max_tokens, 1, 1 << 20 },
        { "number of position rows", config->position_rows, 0, 1 << 21 },
        { "number of token types", config->types, 0, 1 << 16 },
        { "number of labels", config->labels, config->readout == HW_ENCODER_LABELS, 1 << 20 },
        { "local attention", config->window, 0, 1 << 20 },
        { "number of buckets", config->buckets, 0, 1 << 20 },
        { "largest distance", config->max_distance, 0, 1 << 20 },
        { "period of global layers", config->global_every, config->window > 0, HW_ENCODER_LAYERS },
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        const range *r = &ranges[i];
        if (r->value < r->least || r->value > r->most)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: the %s is %d, not in %d to %d", name, r->name,
                           r->value, r->least, r->most);
    }
    return HW_OK;
}

static bool is_rate(float x) {
    return x >= 0 && x < 1;
}

static hw_status check_rates(const hw_encoder_config *config, const char *name, hw_error *err) {
    if (!is_rate(config->hidden_dropout) || !is_rate(config->attention_dropout) ||
        !is_rate(config->readout_dropout))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: a dropout is not in [0, 1)", name);
    if (!(config->norm_epsilon >= 0 && config->norm_epsilon < 1))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: the norm's epsilon is not in [0, 1)", name);
    if (!(config->initializer_range >= 0 && config->initializer_range < 100))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: the initializer_range is not in [0, 100)", name);
    return HW_OK;
}

static hw_status check_positions(const hw_encoder_config *config, const char *name, hw_error *err) {
    if (config->positions == HW_POSITIONS_ROTARY) {
        if (config->head_dim % 2)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: heads of odd width %d cannot be turned", name,
                           config->head_dim);
        if (!(config->rotary_base > 1 && config->rotary_base < 1e12f) ||
            !(config->rotary_local_base > 1 && config->rotary_local_base < 1e12f))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: a rotary base is not in (1, 1e12)", name);
    }
    if (config->buckets > 0 &&
        (config->buckets % 2 || config->buckets < 4 || config->max_distance <= config->buckets / 2))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %d buckets do not fit distances up to %d", name,
                       config->buckets, config->max_distance);
    return HW_OK;
}

hw_status hw_encoder_config_check(const hw_encoder_config *config, const char *name,
                                  hw_error *err) {
    HW_TRY(check_ranges(config, name, err));
    if (config->heads * config->head_dim != config->width)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: width %d is not a multiple of %d heads", name,
                       config->width, config->heads);
    HW_TRY(check_rates(config, name, err));
    HW_TRY(hw_pruned_heads_check(config->pruned, config->layers, config->heads, name, err));
    if (config->shared_layers && !hw_pruned_heads_none(config->pruned, config->layers))
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "%s: pruned_heads with layers that share their weights", name);
    return check_positions(config, name, err);
}
