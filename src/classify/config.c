/* The metadata of a model: "headwise", written and read from one table of fields, "labels",
 * and "training", which only people and tools read. Invariant: what is written is canonical (sorted
 * keys, 17 digits), and what was read has every field in its range. */
#include "classify/classifier.h"

#include "base/json.h"
#include "base/memory.h"
#include "encoder/pruned_heads.h"

#include <math.h>
#include <string.h>

enum { CONFIG_VERSION = 1 };

typedef enum field_kind {
    FIELD_BOOL,
    FIELD_INT32,
    FIELD_SIZE,
    FIELD_UINT64,
    FIELD_REAL,
    FIELD_REAL_OR_NULL, /* NaN is null */
    FIELD_ATTENTION,    /* hw_attention by name; not there: learned */
    FIELD_HEAD_GATES,   /* hw_head_gates by name; not there: none */
    FIELD_INT32_OR_0,   /* not there: 0 */
    FIELD_PRUNED_HEADS  /* encoder/pruned_heads.h; not there: none */
} field_kind;

typedef struct field {
    const char *section, *key; /* section NULL: at the top */
    field_kind kind;
    size_t offset;          /* in hw_config */
    double least, greatest; /* of a number */
} field;

// clang-format off
#define AT(member) offsetof(hw_config, member)
static const field fields[] = {
    { NULL, "multi_label", FIELD_BOOL, AT(multi_label), 0, 0 },
    { NULL, "ngrams", FIELD_SIZE, AT(ngrams), 0, HW_NGRAMS_LIMIT },
    { NULL, "towers", FIELD_INT32, AT(towers), 0, HW_TOWERS_LIMIT },
    { NULL, "temperature", FIELD_REAL, AT(temperature), 1e-6, 1e6 },
    { NULL, "held_back_score", FIELD_REAL_OR_NULL, AT(held_back_score), 0, 1 },
    { NULL, "held_back_bag", FIELD_REAL_OR_NULL, AT(held_back_bag), 0, 1 },
    { NULL, "held_back_examples", FIELD_UINT64, AT(held_back_examples), 0, 0x1p53 },
    { "ngram_options", "word_max", FIELD_INT32, AT(ngram_options.word_max), 0, HW_NGRAM_LIMIT },
    { "ngram_options", "cjk_max", FIELD_INT32, AT(ngram_options.cjk_max), 0, HW_NGRAM_LIMIT },
    { "ngram_options", "char_min", FIELD_INT32, AT(ngram_options.char_min), 0, HW_NGRAM_LIMIT },
    { "ngram_options", "char_max", FIELD_INT32, AT(ngram_options.char_max), 0, HW_NGRAM_LIMIT },
    /* hw_tower_config_check narrows these, where there is a tower. */
    { "tower", "vocabulary", FIELD_INT32, AT(tower.vocabulary), 0, INT32_MAX },
    { "tower", "width", FIELD_INT32, AT(tower.width), 0, INT32_MAX },
    { "tower", "layers", FIELD_INT32, AT(tower.layers), 0, INT32_MAX },
    { "tower", "heads", FIELD_INT32, AT(tower.heads), 0, INT32_MAX },
    { "tower", "head_dim", FIELD_INT32, AT(tower.head_dim), 0, INT32_MAX },
    { "tower", "inner_width", FIELD_INT32, AT(tower.inner_width), 0, INT32_MAX },
    { "tower", "distance", FIELD_INT32, AT(tower.distance), 0, INT32_MAX },
    { "tower", "queries", FIELD_INT32, AT(tower.queries), 0, INT32_MAX },
    { "tower", "window", FIELD_INT32, AT(tower.window), 0, INT32_MAX },
    { "tower", "attention", FIELD_ATTENTION, AT(tower.attention), 0,
      HW_ATTENTION_COLLABORATIVE },
    { "tower", "head_gates", FIELD_HEAD_GATES, AT(tower.head_gates), 0, HW_HEAD_GATES_INPUT },
    { "tower", "shared_dim", FIELD_INT32_OR_0, AT(tower.shared_dim), 0, INT32_MAX },
    { "tower", "pruned_heads", FIELD_PRUNED_HEADS, AT(tower.pruned), 0, 0 },
    { "join", "bag", FIELD_REAL, AT(join.bag), -1e6, 1e6 },
    { "join", "tower", FIELD_REAL, AT(join.tower), -1e6, 1e6 },
    { "join", "bias", FIELD_REAL, AT(join.bias), -1e6, 1e6 },
    /* Only with arch capsule, last for that reason. */
    { "tower", "capsule_dim", FIELD_INT32, AT(tower.capsule_dim), 1, INT32_MAX },
    { "tower", "routing", FIELD_INT32, AT(tower.routing), 1, INT32_MAX },
};
enum { CAPSULE_FIELDS = 2 };
static const field encoder_fields[] = {
    { NULL, "multi_label", FIELD_BOOL, AT(multi_label), 0, 0 },
    { NULL, "temperature", FIELD_REAL, AT(temperature), 1e-6, 1e6 },
    { NULL, "held_back_score", FIELD_REAL_OR_NULL, AT(held_back_score), 0, 1 },
    { NULL, "held_back_examples", FIELD_UINT64, AT(held_back_examples), 0, 0x1p53 },
    { NULL, "max_tokens", FIELD_INT32, AT(max_tokens), 1, INT32_MAX },
};
#undef AT
// clang-format on

typedef struct field_list {
    const field *items;
    size_t count;
} field_list;

static field_list fields_of(hw_arch arch) {
    if (arch == HW_ARCH_ENCODER)
        return (field_list){ encoder_fields, sizeof encoder_fields / sizeof *encoder_fields };
    const size_t count = sizeof fields / sizeof *fields;
    return (field_list){ fields, arch == HW_ARCH_CAPSULE ? count : count - CAPSULE_FIELDS };
}

static const char *const sections[] = { "ngram_options", "tower", "join" };
enum { SECTIONS = sizeof sections / sizeof *sections };

static const char *const arch_names[] = { [HW_ARCH_HYBRID] = "hybrid",
                                          [HW_ARCH_ATTENTION] = "attention",
                                          [HW_ARCH_BAG] = "bag",
                                          [HW_ARCH_ENCODER] = "encoder",
                                          [HW_ARCH_CAPSULE] = "capsule" };
static const char *const attention_names[] = {
    [HW_ATTENTION_LEARNED] = "learned", [HW_ATTENTION_UNIFORM] = "uniform",
    [HW_ATTENTION_FROZEN] = "frozen",   [HW_ATTENTION_TIED] = "tied",
    [HW_ATTENTION_TALKING] = "talking", [HW_ATTENTION_COLLABORATIVE] = "collaborative"
};

static const char *const head_gates_names[] = {
    [HW_HEAD_GATES_NONE] = "none", [HW_HEAD_GATES_L0] = "l0", [HW_HEAD_GATES_INPUT] = "input"
};

/* Of the values of an enumeration, from 0 to the field's greatest. */
static const char *const *names_of(field_kind kind) {
    return kind == FIELD_ATTENTION ? attention_names : head_gates_names;
}

/* ---- Writing -------------------------------------------------------------- */

static json_t *field_value(const hw_config *config, const field *f) {
    const void *member = (const char *)config + f->offset;
    switch (f->kind) {
    case FIELD_BOOL:
        return json_boolean(*(const bool *)member);
    case FIELD_INT32:
    case FIELD_INT32_OR_0:
        return json_integer(*(const int32_t *)member);
    case FIELD_ATTENTION:
    case FIELD_HEAD_GATES:
        return json_string(names_of(f->kind)[*(const int32_t *)member]);
    case FIELD_PRUNED_HEADS:
        return hw_pruned_heads_json(member, HW_TOWER_LAYERS);
    case FIELD_SIZE:
        return json_integer((json_int_t) * (const size_t *)member);
    case FIELD_UINT64:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case FIELD_REAL:
        return json_real(*(const double *)member);
    case FIELD_REAL_OR_NULL:
        return isnan(*(const double *)member) ? json_null() : json_real(*(const double *)member);
    }
    return NULL;
}

/* Fields that came later are left out where they say what was so before. */
static bool is_optional(const field *f) {
    return f->kind == FIELD_ATTENTION || f->kind == FIELD_HEAD_GATES ||
           f->kind == FIELD_INT32_OR_0 || f->kind == FIELD_PRUNED_HEADS;
}

static bool is_left_out(const hw_config *config, const field *f) {
    if (f->kind == FIELD_PRUNED_HEADS)
        return hw_pruned_heads_none(config->tower.pruned, HW_TOWER_LAYERS);
    return is_optional(f) && *(const int32_t *)((const char *)config + f->offset) == 0;
}

json_t *hw_config_json(const hw_config *config) {
    const field_list list = fields_of(config->arch);
    json_t *root = json_object();
    bool ok = json_object_set_new(root, "version", json_integer(CONFIG_VERSION)) == 0 &&
              json_object_set_new(root, "arch", json_string(arch_names[config->arch])) == 0;
    for (size_t i = 0; i < SECTIONS && ok && config->arch != HW_ARCH_ENCODER; i++)
        ok = json_object_set_new(root, sections[i], json_object()) == 0;
    for (size_t i = 0; i < list.count && ok; i++) {
        const field *f = &list.items[i];
        if (is_left_out(config, f)) continue;
        json_t *object = f->section ? json_object_get(root, f->section) : root;
        ok = json_object_set_new(object, f->key, field_value(config, f)) == 0;
    }
    if (ok) return root;
    json_decref(root);
    return NULL;
}

static json_t *labels_json(char *const *labels, size_t count) {
    json_t *root = json_array();
    for (size_t label = 0; label < count; label++) {
        if (json_array_append_new(root, json_string(labels[label])) == 0) continue;
        json_decref(root);
        return NULL;
    }
    return root;
}

static hw_status set_json(hw_bundle *bundle, const char *key, json_t *value, hw_error *err) {
    hw_text_buffer text = { 0 };
    hw_status status = hw_json_append(&text, value, err);
    if (status == HW_OK) status = hw_bundle_set(bundle, key, text.bytes, err);
    hw_text_buffer_free(&text);
    return status;
}

hw_status hw_config_save(const hw_config *config, char *const *labels, size_t label_count,
                         hw_bundle *bundle, hw_error *err) {
    HW_TRY(set_json(bundle, "headwise", hw_config_json(config), err));
    return set_json(bundle, "labels", labels_json(labels, label_count), err);
}

/* ---- Reading -------------------------------------------------------------- */

static bool is_within(double value, const field *f) {
    return value >= f->least && value <= f->greatest;
}

static bool read_name(int32_t *member, const field *f, const json_t *value) {
    const char *name = json_string_value(value);
    for (int32_t i = 0; name && i <= (int32_t)f->greatest; i++) {
        if (strcmp(name, names_of(f->kind)[i]) != 0) continue;
        *member = i;
        return true;
    }
    return false;
}

/* hw_tower_config_check does the rest. */
static bool read_pruned(hw_config *config, const json_t *value) {
    hw_tower_config *tower = &config->tower;
    if (tower->layers > HW_TOWER_LAYERS || tower->heads < 1) return false;
    return hw_pruned_heads_load(tower->pruned, tower->layers, tower->heads, value, "", NULL) ==
           HW_OK;
}

/* False if the value is of another type or outside the field's range. */
static bool read_value(hw_config *config, const field *f, const json_t *value) {
    void *member = (char *)config + f->offset;
    const bool integer = json_is_integer(value), number = json_is_number(value);
    switch (f->kind) {
    case FIELD_BOOL:
        if (!json_is_boolean(value)) return false;
        *(bool *)member = json_is_true(value);
        return true;
    case FIELD_ATTENTION:
    case FIELD_HEAD_GATES:
        return read_name(member, f, value);
    case FIELD_PRUNED_HEADS: /* layers and heads stand before it in the table */
        return read_pruned(config, value);
    case FIELD_INT32:
    case FIELD_INT32_OR_0:
    case FIELD_SIZE:
    case FIELD_UINT64:
        if (!integer || !is_within((double)json_integer_value(value), f)) return false;
        if (f->kind == FIELD_INT32 || f->kind == FIELD_INT32_OR_0)
            *(int32_t *)member = (int32_t)json_integer_value(value);
        if (f->kind == FIELD_SIZE) *(size_t *)member = (size_t)json_integer_value(value);
        if (f->kind == FIELD_UINT64) *(uint64_t *)member = (uint64_t)json_integer_value(value);
        return true;
    case FIELD_REAL:
    case FIELD_REAL_OR_NULL:
        if (f->kind == FIELD_REAL_OR_NULL && json_is_null(value)) {
            *(double *)member = NAN;
            return true;
        }
        if (!number || !is_within(json_number_value(value), f)) return false;
        *(double *)member = json_number_value(value);
        return true;
    }
    return false;
}

static hw_status read_arch(hw_config *config, const json_t *root, const char *name, hw_error *err) {
    const char *arch = json_string_value(json_object_get(root, "arch"));
    for (hw_arch a = HW_ARCH_HYBRID; a <= HW_ARCH_CAPSULE; a++)
        if (arch && strcmp(arch, arch_names[a]) == 0) config->arch = a;
    if (config->arch == HW_ARCH_DEFAULT)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: headwise.arch is missing or unknown", name);
    return HW_OK;
}

/* What the encoder's own fields do not say. */
static void fill_in_encoder(hw_config *config) {
    config->join = (hw_join){ .tower = 1 };
    config->held_back_bag = NAN;
}

static hw_status read_fields(hw_config *config, const json_t *root, const char *name,
                             hw_error *err) {
    const json_t *version = json_object_get(root, "version");
    if (!json_is_integer(version))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: headwise.version is missing", name);
    if (json_integer_value(version) != CONFIG_VERSION)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: headwise.version is %lld, not %d", name,
                       (long long)json_integer_value(version), (int)CONFIG_VERSION);
    HW_TRY(read_arch(config, root, name, err));
    if (config->arch == HW_ARCH_ENCODER) fill_in_encoder(config);
    const field_list list = fields_of(config->arch);
    for (size_t i = 0; i < list.count; i++) {
        const field *f = &list.items[i];
        const json_t *object = f->section ? json_object_get(root, f->section) : root;
        const json_t *value = json_object_get(object, f->key);
        if (!value && is_optional(f)) continue;
        if (!read_value(config, f, value))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: headwise.%s%s%s is missing or out of range",
                           name, f->section ? f->section : "", f->section ? "." : "", f->key);
    }
    return HW_OK;
}

hw_status hw_config_update(hw_config *config, const json_t *root, const char *name, hw_error *err) {
    const field_list list = fields_of(config->arch);
    for (size_t i = 0; i < list.count; i++) {
        const json_t *value = json_object_get(root, list.items[i].key);
        if (value && !read_value(config, &list.items[i], value))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: %s is of another type or out of range", name,
                           list.items[i].key);
    }
    return HW_OK;
}

static bool are_possible(const hw_ngram_options *options) {
    const bool characters = options->char_min >= 1 && options->char_min <= options->char_max;
    return options->word_max >= 1 && options->cjk_max >= 1 && (characters || !options->char_max);
}

/* What no field can tell by itself; an encoder has no such fields. */
static hw_status check_arch(const hw_config *config, const char *name, hw_error *err) {
    if (config->arch == HW_ARCH_ENCODER) return HW_OK;
    if (config->towers ? config->arch == HW_ARCH_BAG : !hw_arch_has_bag(config->arch))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: headwise.towers is %d with arch %s", name,
                       (int)config->towers, arch_names[config->arch]);
    if (!are_possible(&config->ngram_options))
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: headwise.ngram_options.char_min, word_max or cjk_max is impossible",
                       name);
    if (!config->towers) return HW_OK;
    if ((size_t)config->tower.vocabulary != (config->ngrams ? config->ngrams : 1))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: headwise.tower.vocabulary is not that of ngrams",
                       name);
    hw_error cause;
    if (hw_tower_config_check(&config->tower, &cause) != HW_OK)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: headwise.%s", name, cause.message);
    return HW_OK;
}

static hw_status parse_metadata(json_t **root, const hw_bundle *bundle, const char *key,
                                const char *name, hw_error *err) {
    const char *text = hw_bundle_metadata(bundle, key);
    if (!text) return hw_fail(err, HW_ERROR_FORMAT, "%s: no \"%s\" metadata", name, key);
    json_error_t problem;
    *root = json_loads(text, JSON_REJECT_DUPLICATES, &problem);
    if (*root) return HW_OK;
    if (hw_json_lacked_memory(&problem)) return hw_fail_memory(err, strlen(text));
    return hw_fail(err, HW_ERROR_FORMAT, "%s: \"%s\" metadata: %s", name, key, problem.text);
}

static hw_status check_labels(size_t *bytes, const json_t *root, size_t fewest, const char *name,
                              hw_error *err) {
    const size_t count = json_array_size(root); /* 0 if it is none */
    if (!json_is_array(root) || count < fewest || count > HW_LABELS_LIMIT)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: labels is no array of %zu to %d names", name,
                       fewest, (int)HW_LABELS_LIMIT);
    *bytes = count * sizeof(char *);
    for (size_t label = 0; label < count; label++) {
        const size_t length = json_string_length(json_array_get(root, label));
        if (length < 1 || length > HW_LABEL_BYTES)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: labels[%zu] is no name of 1 to %d bytes",
                           name, label, (int)HW_LABEL_BYTES);
        *bytes += length + 1;
    }
    return HW_OK;
}

/* The names as one block: the pointers, then what they point at. */
static hw_status read_labels(char ***labels, const json_t *root, size_t fewest, const char *name,
                             hw_error *err) {
    size_t bytes = 0;
    HW_TRY(check_labels(&bytes, root, fewest, name, err));
    char **block = hw_malloc(bytes);
    if (!block) return hw_fail_memory(err, bytes);
    char *text = (char *)(block + json_array_size(root));
    for (size_t label = 0; label < json_array_size(root); label++) {
        const json_t *value = json_array_get(root, label);
        const size_t length = json_string_length(value) + 1;
        block[label] = memcpy(text, json_string_value(value), length);
        text += length;
    }
    *labels = block;
    return HW_OK;
}

static hw_status check_training(const hw_bundle *bundle, const char *name, hw_error *err) {
    json_t *root = NULL;
    HW_TRY(parse_metadata(&root, bundle, "training", name, err));
    const bool object = json_is_object(root);
    json_decref(root);
    if (object) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: \"training\" metadata is no object", name);
}

hw_status hw_config_load(hw_config *config, char ***labels, const hw_bundle *bundle,
                         const char *name, hw_error *err) {
    json_t *names = NULL, *root = NULL;
    char **block = NULL;
    *config = (hw_config){ 0 };
    hw_status status = parse_metadata(&root, bundle, "headwise", name, err);
    if (status == HW_OK) status = read_fields(config, root, name, err);
    if (status == HW_OK) status = parse_metadata(&names, bundle, "labels", name, err);
    if (status == HW_OK)
        status = read_labels(&block, names, config->arch != HW_ARCH_ENCODER, name, err);
    if (status == HW_OK) {
        config->tower.labels = (int32_t)json_array_size(names);
        status = check_arch(config, name, err);
    }
    if (status == HW_OK) status = check_training(bundle, name, err);
    json_decref(root);
    json_decref(names);
    if (status != HW_OK) {
        hw_free(block);
        return status;
    }
    *labels = block;
    return HW_OK;
}
