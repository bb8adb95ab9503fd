/* Every choice that the options leave to the data. */
#include "train/pretrain.h"

#include "base/json.h"
#include "base/memory.h"

#include <math.h>

enum { LEAST_VOCABULARY = 2000, MOST_VOCABULARY = 8000, WORDS_A_PIECE = 50 };
enum { LEAST_EPOCHS = 1, MOST_EPOCHS = 40, TOKENS_TO_LEARN = 10000000 };

/* ---- Options ------------------------------------------------------------------------ */

typedef struct bound {
    const char *name;
    int32_t value, least, most; /* 0: the default */
} bound;

static hw_status check_numbers(const hw_pretrain_options *o, hw_error *err) {
    const bound bounds[] = {
        { "vocabulary", o->vocabulary, 16, 1 << 20 },
        { "layers", o->layers, 1, HW_ENCODER_LAYERS },
        { "heads", o->heads, 1, HW_ENCODER_HEADS },
        { "width", o->width, 1, HW_ENCODER_WIDTH },
        { "inner_width", o->inner_width, 1, 4 * HW_ENCODER_WIDTH },
        { "epochs", o->epochs, 1, 10000 },
        { "batch", o->batch, 1, 65536 },
        { "max_tokens", o->max_tokens, 8, 65536 },
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        const bound *b = &bounds[i];
        if (b->value && (b->value < b->least || b->value > b->most))
            return hw_fail(err, HW_ERROR_ARGUMENT, "%s is %d; it must be %d to %d", b->name,
                           (int)b->value, (int)b->least, (int)b->most);
    }
    return HW_OK;
}

hw_status hw_pretrain_check(const hw_pretrain_options *o, hw_error *err) {
    HW_TRY(check_numbers(o, err));
    if (o->mask_share != 0 && !(o->mask_share > 0 && o->mask_share <= 0.9))
        return hw_fail(err, HW_ERROR_ARGUMENT, "mask_share is %g; it must be above 0, at most 0.9",
                       o->mask_share);
    if (o->learning_rate != 0 && !(o->learning_rate > 0 && o->learning_rate <= 1))
        return hw_fail(err, HW_ERROR_ARGUMENT, "learning_rate is %g; it must be above 0, at most 1",
                       o->learning_rate);
    const int32_t width = o->width ? o->width : 128, heads = o->heads ? o->heads : 4;
    if (width % heads)
        return hw_fail(err, HW_ERROR_ARGUMENT, "width is %d, which %d heads do not divide",
                       (int)width, (int)heads);
    return HW_OK;
}

static int32_t given_or(int32_t given, int32_t fallback) {
    return given ? given : fallback;
}

/* ---- Shape --------------------------------------------------------------------------- */

size_t hw_pretrain_vocabulary(const hw_pretrain_options *options, uint64_t words) {
    if (options->vocabulary) return (size_t)options->vocabulary;
    const uint64_t wanted = words / WORDS_A_PIECE;
    if (wanted < LEAST_VOCABULARY) return LEAST_VOCABULARY;
    return wanted > MOST_VOCABULARY ? MOST_VOCABULARY : (size_t)wanted;
}

/* What Hugging Face's config.json of the encoder would say. */
static json_t *new_config(const hw_pretrain_options *o, size_t vocabulary) {
    return json_pack(
        "{s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:i}", "model_type", "bert", "vocab_size",
        (json_int_t)vocabulary, "hidden_size", (int)given_or(o->width, 128), "num_hidden_layers",
        (int)given_or(o->layers, 4), "num_attention_heads", (int)given_or(o->heads, 4),
        "intermediate_size", (int)given_or(o->inner_width, 4 * given_or(o->width, 128)),
        "max_position_embeddings", (int)given_or(o->max_tokens, 128), "type_vocab_size", 1);
}

hw_status hw_pretrain_shape(hw_pretraining *p, hw_error *err) {
    static const char name[] = "pretraining";
    if (p->base.tokenizer) {
        p->config = p->base.config;
    } else {
        json_t *json = new_config(p->options, hw_tokenizer_size(p->made));
        if (!json) return hw_fail_memory(err, sizeof p->config);
        const hw_status status = hw_encoder_config_load(&p->config, json, name, err);
        json_decref(json);
        HW_TRY(status);
    }
    p->config.readout = HW_ENCODER_MASKED;
    p->config.labels = 0;
    return hw_encoder_config_check(&p->config, name, err);
}

/* ---- Learning -------------------------------------------------------------------------- */

static size_t epochs_for(size_t tokens) {
    const double epochs = round((double)TOKENS_TO_LEARN / (double)tokens);
    return (size_t)fmin(fmax(epochs, LEAST_EPOCHS), MOST_EPOCHS);
}

static hw_status find_mask_token(uint32_t *mask, const hw_tokenizer *tokenizer, hw_error *err) {
    *mask = hw_tokenizer_find(tokenizer, "[MASK]");
    if (*mask == HW_NO_TOKEN) *mask = hw_tokenizer_find(tokenizer, "<mask>");
    if (*mask != HW_NO_TOKEN) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED,
                   "the tokenizer has no token [MASK] or <mask>, so there is nothing to mask with");
}

/* Ids without a token are never drawn either. */
static void mark_special(bool *is_special, size_t vocabulary, const hw_tokenizer *tokenizer) {
    for (size_t id = 0; id < vocabulary; id++)
        is_special[id] = !hw_tokenizer_string(tokenizer, (uint32_t)id) ||
                         hw_tokenizer_is_special(tokenizer, (uint32_t)id);
}

/* A wider encoder takes smaller steps. */
static double learning_rate(const hw_pretraining *p) {
    if (p->options->learning_rate > 0) return p->options->learning_rate;
    return p->options->base ? 1e-4 : 2e-3 * 128 / p->config.width;
}

hw_status hw_pretrain_plan(hw_pretraining *p, hw_error *err) {
    const hw_pretrain_options *o = p->options;
    const hw_tokenizer *tokenizer = hw_pretraining_tokenizer(p);
    const size_t vocabulary = (size_t)p->config.vocabulary;
    p->is_special = hw_calloc(vocabulary, sizeof *p->is_special);
    if (!p->is_special) return hw_fail_memory(err, vocabulary);
    mark_special(p->is_special, vocabulary, tokenizer);
    p->learning = (hw_masked_trainer_options){
        .epochs = o->epochs ? (size_t)o->epochs : epochs_for(p->texts.offsets[p->texts.count]),
        .batch = (size_t)given_or(o->batch, 32),
        .learning_rate = learning_rate(p),
        .weight_decay = 0.01,
        .warm_up = 0.06,
        .masking = { .share = o->mask_share != 0 ? o->mask_share : 0.3,
                     .vocabulary = (uint32_t)vocabulary,
                     .is_special = p->is_special,
                     .seed = o->seed },
        .seed = o->seed,
    };
    return find_mask_token(&p->learning.masking.mask, tokenizer, err);
}
