/* Options of training. Invariant: what was not given stays 0, the library's default; where 0
 * means something to a user (no dropout, no character n-grams) it becomes the library's
 * word for that. */
#include "training.h"

#include "console.h"
#include "records.h"

#include <string.h>

enum {
    WIDTH_STEP = 16,
    DEFAULT_HEADS = 4,
    DEFAULT_WIDTH = 32,
    DEFAULT_CHAR_MIN = 2,
    DEFAULT_CHAR_MAX = 5
};
static const double high_rate = 0.05; /* what fastText's own rates begin at */
static const double high_encoder_rate = 1e-3;

/* Options that shape what an encoder has no use for, besides those of the group HEADS. */
static const option_id shapes[] = {
    OPTION_ARCH,      OPTION_HEADS,          OPTION_LAYERS,      OPTION_DIM,
    OPTION_TOWERS,    OPTION_WORD_NGRAMS,    OPTION_MINN,        OPTION_MAXN,
    OPTION_MIN_COUNT, OPTION_REGULARIZATION, OPTION_CAPSULE_DIM, OPTION_ROUTING
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static hw_arch arch_of(const arguments *args) {
    const char *name = text_option(args, OPTION_ARCH, "");
    if (strcmp(name, "attention") == 0) return HW_ARCH_ATTENTION;
    if (strcmp(name, "bag") == 0) return HW_ARCH_BAG;
    if (strcmp(name, "capsule") == 0) return HW_ARCH_CAPSULE;
    return strcmp(name, "hybrid") == 0 ? HW_ARCH_HYBRID : HW_ARCH_DEFAULT;
}

static hw_loss loss_of(const arguments *args) {
    const char *name = text_option(args, OPTION_LOSS, "");
    if (strcmp(name, "softmax") == 0) return HW_LOSS_SOFTMAX;
    if (strcmp(name, "ova") == 0 || strcmp(name, "one-vs-all") == 0) return HW_LOSS_OVA;
    if (*name) console_note("-loss %s is ignored: the exact softmax (or ova) is used", name);
    return HW_LOSS_AUTO;
}

/* The place of a choice's word in the list of the option. */
static int32_t choice_option(const arguments *args, option_id id) {
    const char *list = option_table[id].argument, *word = text_option(args, id, list);
    const size_t length = strcspn(word, "|");
    int32_t place = 0;
    for (; strncmp(list, word, length) != 0 || !strchr("|", list[length]); place++)
        list += strcspn(list, "|") + 1;
    return place;
}

/* A share or a weight of which 0 means none. */
static double share_option(const arguments *args, option_id id) {
    const double share = number_option(args, id, 0);
    return is_given(args, id) && share <= 0 ? -1 : share;
}

/* id was given, but not what it belongs to. */
static bool lacks(option_id id, const char *needed, char message[USAGE_MESSAGE]) {
    snprintf(message, USAGE_MESSAGE, "%s: it needs %s", option_table[id].name, needed);
    return false;
}

static bool set_heads(hw_train_options *options, const arguments *args,
                      char message[USAGE_MESSAGE]) {
    options->attention = (hw_attention)choice_option(args, OPTION_ATTENTION);
    options->shared_dim = whole_option(args, OPTION_SHARED_DIM, 0);
    options->head_gates = (hw_head_gates)choice_option(args, OPTION_HEAD_GATES);
    options->gate_penalty = share_option(args, OPTION_GATE_PENALTY);
    options->drop_head = share_option(args, OPTION_DROP_HEAD);
    options->drop_head_v = choice_option(args, OPTION_DROP_HEAD_SCHEDULE) == 1;
    options->disagreement = number_option(args, OPTION_DISAGREEMENT, 0);
    options->disagreement_of = (hw_disagreement)choice_option(args, OPTION_DISAGREEMENT_OF);
    options->orthogonality = number_option(args, OPTION_ORTHOGONALITY, 0);
    if (options->shared_dim && options->attention != HW_ATTENTION_COLLABORATIVE)
        return lacks(OPTION_SHARED_DIM, "--attention collaborative", message);
    if (is_given(args, OPTION_GATE_PENALTY) && options->head_gates != HW_HEAD_GATES_L0)
        return lacks(OPTION_GATE_PENALTY, "--head-gates l0", message);
    if (is_given(args, OPTION_DISAGREEMENT_OF) && !is_given(args, OPTION_DISAGREEMENT))
        return lacks(OPTION_DISAGREEMENT_OF, "--disagreement", message);
    return true;
}

static bool set_shape(hw_train_options *options, const arguments *args,
                      char message[USAGE_MESSAGE]) {
    const int32_t asked = whole_option(args, OPTION_DIM, 0);
    options->width = (asked + WIDTH_STEP - 1) / WIDTH_STEP * WIDTH_STEP;
    if (options->width != asked)
        console_note("-dim %d is rounded up to %d, a multiple of 16", asked, options->width);
    options->heads = whole_option(args, OPTION_HEADS, 0);
    options->head_dim = whole_option(args, OPTION_HEAD_DIM, 0);
    options->layers = whole_option(args, OPTION_LAYERS, 0);
    options->towers = whole_option(args, OPTION_TOWERS, 0);
    options->capsule_dim = whole_option(args, OPTION_CAPSULE_DIM, 0);
    options->routing = whole_option(args, OPTION_ROUTING, 0);
    const int32_t heads = options->heads ? options->heads : DEFAULT_HEADS;
    const int32_t width = options->width ? options->width : DEFAULT_WIDTH;
    if (heads <= width || options->head_dim) return true;
    snprintf(message, USAGE_MESSAGE,
             "-heads %d: a width (-dim) of %d can be split into at most %d heads; or give -headDim",
             heads, width, width);
    return false;
}

static bool set_ngrams(hw_train_options *options, const arguments *args,
                       char message[USAGE_MESSAGE]) {
    const int32_t longest = whole_option(args, OPTION_MAXN, DEFAULT_CHAR_MAX);
    const int32_t shortest = whole_option(args, OPTION_MINN, DEFAULT_CHAR_MIN);
    options->word_ngrams = whole_option(args, OPTION_WORD_NGRAMS, 0);
    if (longest > 0 && shortest > longest && is_given(args, OPTION_MINN)) {
        snprintf(message, USAGE_MESSAGE, "-minn %d: it must not be above -maxn, which is %d",
                 shortest, longest);
        return false;
    }
    if (longest == 0) {
        options->char_min = options->char_max = -1;
    } else if (is_given(args, OPTION_MINN) || is_given(args, OPTION_MAXN)) {
        options->char_max = longest;
        options->char_min = shortest < 1 ? 1 : shortest < longest ? shortest : longest;
    }
    return true;
}

/* A count of 0 keeps everything, as a count of 1 does. */
static int32_t count_option(const arguments *args, option_id id) {
    const int32_t count = whole_option(args, id, 0);
    return is_given(args, id) && count == 0 ? 1 : count;
}

static void note_rate(const hw_train_options *options) {
    const double high = options->base ? high_encoder_rate : high_rate;
    if (options->learning_rate >= high)
        console_note("-lr %g is high for %s; its default is %s", options->learning_rate,
                     options->base ? "fine-tuning" : "the tower's optimiser (Adam)",
                     options->base ? "0.00005" : "0.004");
}

static bool is_freeze(const char *text) {
    return strcmp(text, "embeddings") == 0 || strcmp(text, "all") == 0 ||
           (*text && strlen(text) <= 2 && strspn(text, "0123456789") == strlen(text));
}

static void note_ignored(option_id id) {
    console_note("%s is ignored: the encoder is as it is", option_table[id].name);
}

static bool set_fine_tuning(hw_train_options *options, char base[MODEL_PATH], const arguments *args,
                            char message[USAGE_MESSAGE]) {
    hw_error err;
    if (model_find(base, args->values[OPTION_BASE].text, &err) != HW_OK) {
        snprintf(message, USAGE_MESSAGE, "-base %.480s", err.message);
        return false;
    }
    options->base = base;
    options->freeze = text_option(args, OPTION_FREEZE, NULL);
    options->few_shot = is_given(args, OPTION_FEW_SHOT);
    options->weight_decay = share_option(args, OPTION_WEIGHT_DECAY);
    options->warmup = share_option(args, OPTION_WARMUP);
    options->layer_decay = number_option(args, OPTION_LAYER_DECAY, 0);
    options->max_tokens = whole_option(args, OPTION_MAX_LENGTH, 0);
    for (size_t i = 0; i < SHAPES; i++)
        if (is_given(args, shapes[i])) note_ignored(shapes[i]);
    for (int id = 0; id < OPTION_COUNT; id++)
        if (option_table[id].group == GROUP_HEADS && is_given(args, (option_id)id))
            note_ignored((option_id)id);
    if (!options->freeze || is_freeze(options->freeze)) return true;
    snprintf(message, USAGE_MESSAGE,
             "-freeze %.60s: it must be embeddings, all, or how many layers, up to 99",
             options->freeze);
    return false;
}

/* No option of fine-tuning may be given without an encoder, none of capsules without them. */
static bool check_groups(const arguments *args, char message[USAGE_MESSAGE]) {
    const bool capsules = arch_of(args) == HW_ARCH_CAPSULE;
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_info *option = &option_table[id];
        if (!is_given(args, (option_id)id)) continue;
        const char *needed = option->group == GROUP_ENCODER ? "-base, the encoder to fine-tune"
                             : option->group == GROUP_CAPSULE && !capsules ? "-arch capsule"
                                                                           : NULL;
        if (!needed) continue;
        snprintf(message, USAGE_MESSAGE, "%s: it needs %s", option->name, needed);
        return false;
    }
    return true;
}

static bool set_model(hw_train_options *options, char base[MODEL_PATH], const arguments *args,
                      char message[USAGE_MESSAGE]) {
    if (is_given(args, OPTION_BASE)) return set_fine_tuning(options, base, args, message);
    return check_groups(args, message) && set_shape(options, args, message) &&
           set_heads(options, args, message) && set_ngrams(options, args, message);
}

bool training_options(hw_train_options *options, char base[MODEL_PATH], const arguments *args,
                      char message[USAGE_MESSAGE]) {
    if (!is_given(args, OPTION_INPUT)) {
        snprintf(message, USAGE_MESSAGE, "-input is missing: the file of labelled texts");
        return false;
    }
    const double dropout = number_option(args, OPTION_DROPOUT, 0);
    *options = (hw_train_options){
        .input = args->values[OPTION_INPUT].text,
        .valid =
            text_option(args, OPTION_VALID, text_option(args, OPTION_AUTOTUNE_VALIDATION, NULL)),
        .reader = reader_options(args),
        .valid_split = number_option(args, OPTION_VALID_SPLIT, 0),
        .arch = arch_of(args),
        .loss = loss_of(args),
        .epochs = whole_option(args, OPTION_EPOCH, 0),
        .batch = whole_option(args, OPTION_BATCH, 0),
        .learning_rate = number_option(args, OPTION_LR, 0),
        .dropout = is_given(args, OPTION_DROPOUT) && dropout <= 0 ? -1 : dropout,
        .regularization = number_option(args, OPTION_REGULARIZATION, 0),
        .min_count = count_option(args, OPTION_MIN_COUNT),
        .min_count_label = count_option(args, OPTION_MIN_COUNT_LABEL),
        .seed = is_given(args, OPTION_SEED) ? (uint64_t)args->values[OPTION_SEED].whole : 0,
        .threads = whole_option(args, OPTION_THREAD, 0),
        .class_weight = text_option(args, OPTION_CLASS_WEIGHT, NULL),
        .save_steps = whole_option(args, OPTION_SAVE_STEPS, 0),
        .resume = is_given(args, OPTION_RESUME),
    };
    if (!set_model(options, base, args, message)) return false;
    note_rate(options);
    return true;
}
