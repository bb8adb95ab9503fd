/* The model is put together as training does it: dictionaries by counting, tensors by name,
 * metadata by hw_config_save. */
#include "tiny_model.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <string.h>

const char *const tiny_sentences[TINY_SENTENCES] = {
    "A quiet film.",
    "No film at all",
    "\xe5\xa5\xbd\xe7\x94\xb5\xe5\xbd\xb1", /* "a good film" */
    "quiet, quiet!",
};

static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i",
                                     "j", "k", "l", "m", "n", "o", "p", "q", "r",
                                     "s", "t", "u", "v", "w", "x", "y", "z" };

static hw_config config_of(const tiny_options *options) {
    const bool collaborative = options->attention == HW_ATTENTION_COLLABORATIVE;
    const bool capsules = options->arch == HW_ARCH_CAPSULE;
    return (hw_config){ .arch = options->arch,
                        .multi_label = options->multi_label,
                        .ngram_options = { 2, 2, 2, 3 },
                        .towers = options->towers,
                        .tower = { .width = 16,
                                   .layers = 1,
                                   .heads = 2,
                                   .head_dim = 2,
                                   .inner_width = options->inner_width,
                                   .distance = 2,
                                   .queries = !capsules,
                                   .window = 4,
                                   .capsule_dim = capsules ? 3 : 0,
                                   .routing = capsules ? 2 : 0,
                                   .labels = options->labels,
                                   .attention = options->attention,
                                   .shared_dim = collaborative ? 3 : 0,
                                   .head_gates = options->head_gates },
                        .join = { .bag = 0.75, .tower = 0.5, .bias = -0.125 },
                        .temperature = 1.25,
                        .held_back_score = 0.875,
                        .held_back_bag = NAN,
                        .held_back_examples = 40 };
}

static void fill(float *values, size_t count, uint64_t purpose) {
    for (size_t i = 0; i < count; i++) values[i] = hw_random_uniform(1, purpose, i) - 0.5f;
}

/* Counts the n-grams of every sentence, each kept. */
static hw_status count_sentences(hw_counter *counter, const hw_ngram_options *options,
                                 hw_error *err) {
    hw_words words = { 0 };
    hw_ngrams ngrams = { 0 };
    hw_status status = HW_OK;
    for (uint32_t i = 0; i < TINY_SENTENCES && status == HW_OK; i++) {
        status = hw_words_split(&words, hw_text_of(tiny_sentences[i]), err);
        if (status == HW_OK) status = hw_ngrams_extract(&ngrams, &words, options, err);
        if (status == HW_OK) status = hw_counter_add(counter, ngrams.hashes, ngrams.count, i, err);
    }
    hw_words_free(&words);
    hw_ngrams_free(&ngrams);
    return status;
}

static hw_status build_dictionary(hw_built_dictionary *built, const hw_ngram_options *options,
                                  hw_error *err) {
    hw_counter *counter = hw_counter_new(err);
    if (!counter) return HW_ERROR_MEMORY;
    hw_status status = count_sentences(counter, options, err);
    if (status == HW_OK) status = hw_counter_build(built, counter, 1, 1000, err);
    hw_counter_free(counter);
    return status;
}

static hw_status add_slots(hw_bundle *bundle, const hw_built_dictionary *built, hw_error *err) {
    void *slots = hw_bundle_add(bundle, "ngram.slots", HW_U32, built->capacity, 2, err);
    if (!slots) return HW_ERROR_MEMORY;
    memcpy(slots, built->slots, built->capacity * sizeof *built->slots);
    return HW_OK;
}

/* Each word once, in the order of first occurrence. */
static hw_status add_words(hw_bundle *bundle, hw_error *err) {
    static const char text[] = "a\nquiet\nfilm\n.\nno\nat\nall\n"
                               "\xe5\xa5\xbd\n\xe7\x94\xb5\n\xe5\xbd\xb1\n,\n!\n";
    char *bytes = hw_bundle_add(bundle, "ngram.words", HW_U8, sizeof text - 1, 0, err);
    if (!bytes) return HW_ERROR_MEMORY;
    memcpy(bytes, text, sizeof text - 1);
    return HW_OK;
}

static hw_status add_dictionary(hw_bundle *bundle, hw_config *config, hw_error *err) {
    hw_built_dictionary built = { 0 };
    hw_status status = build_dictionary(&built, &config->ngram_options, err);
    if (status == HW_OK) status = add_slots(bundle, &built, err);
    if (status == HW_OK) status = add_words(bundle, err);
    config->ngrams = built.count;
    config->tower.vocabulary = (int32_t)built.count;
    hw_built_dictionary_free(&built);
    return status;
}

static hw_status add_bag(hw_bundle *bundle, const hw_config *config, hw_error *err) {
    const size_t labels = (size_t)config->tower.labels;
    float *idf = hw_bundle_add(bundle, "ngram.idf", HW_F32, config->ngrams, 0, err);
    if (!idf) return HW_ERROR_MEMORY;
    float *table = hw_bundle_add(bundle, "ngram.table", HW_F32, config->ngrams, labels, err);
    if (!table) return HW_ERROR_MEMORY;
    float *bias = hw_bundle_add(bundle, "ngram.bias", HW_F32, labels, 0, err);
    if (!bias) return HW_ERROR_MEMORY;
    for (size_t i = 0; i < config->ngrams; i++) idf[i] = 1 + (float)(i % 3);
    fill(table, config->ngrams * labels, 1);
    fill(bias, labels, 2);
    return HW_OK;
}

static hw_status add_towers(hw_bundle *bundle, const hw_config *config, hw_error *err) {
    const size_t floats = hw_tower_floats(&config->tower);
    float *block = hw_calloc(floats, sizeof *block);
    if (!block) return hw_fail_memory(err, floats * sizeof *block);
    hw_status status = HW_OK;
    for (int32_t tower = 0; tower < config->towers && status == HW_OK; tower++) {
        fill(block, floats, 3 + (uint64_t)tower);
        status = hw_bundle_add_tower(bundle, tower, &config->tower, block, err);
    }
    hw_free(block);
    return status;
}

static hw_status build(hw_bundle *bundle, const tiny_options *options, hw_error *err) {
    hw_config config = config_of(options);
    const size_t labels = (size_t)options->labels;
    HW_TRY(add_dictionary(bundle, &config, err));
    if (hw_arch_has_bag(options->arch)) HW_TRY(add_bag(bundle, &config, err));
    HW_TRY(add_towers(bundle, &config, err));
    if (options->multi_label) {
        float *thresholds = hw_bundle_add(bundle, "thresholds", HW_F32, labels, 0, err);
        if (!thresholds) return HW_ERROR_MEMORY;
        for (size_t label = 0; label < labels; label++) thresholds[label] = 0.5f;
    }
    HW_TRY(hw_config_save(&config, (char *const *)names, labels, bundle, err));
    return hw_bundle_set(bundle, "training", "{}", err);
}

hw_bundle *tiny_bundle(tiny_options options, hw_error *err) {
    if (options.arch == HW_ARCH_DEFAULT) options.arch = HW_ARCH_HYBRID;
    if (!options.labels) options.labels = 3;
    if (!options.towers) options.towers = 2;
    if (options.arch == HW_ARCH_BAG || options.towers < 0) options.towers = 0;
    hw_bundle *bundle = hw_bundle_new(err);
    if (!bundle) return NULL;
    if (build(bundle, &options, err) == HW_OK) return bundle;
    hw_bundle_free(bundle);
    return NULL;
}

hw_classifier *tiny_classifier(tiny_options options, hw_error *err) {
    hw_bundle *bundle = tiny_bundle(options, err);
    return bundle ? hw_classifier_from_bundle(bundle, "tiny", err) : NULL;
}
