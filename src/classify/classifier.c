/* hw_classifier: opening, checking and reading one. Invariant: every index and shape that a
 * session relies on was checked here, so that a session checks none. */
#include "classify/classifier.h"

#include "base/folder.h"
#include "base/memory.h"
#include "classify/tensor_view.h"
#include "classify/token_windows.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Loading --------------------------------------------------------------- */

static int compare_entries(const void *a, const void *b) {
    return strcmp(((const hw_label_entry *)a)->name, ((const hw_label_entry *)b)->name);
}

static hw_status load_labels(hw_classifier *classifier, const hw_source *source, hw_error *err) {
    const size_t count = (size_t)classifier->config.tower.labels;
    hw_label_entry *entries = hw_calloc(count, sizeof *entries);
    if (!entries) return hw_fail_memory(err, count * sizeof *entries);
    classifier->labels_by_name = entries;
    for (size_t label = 0; label < count; label++)
        entries[label] = (hw_label_entry){ classifier->labels[label], (int32_t)label };
    qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < count; i++)
        if (strcmp(entries[i - 1].name, entries[i].name) == 0)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: labels has \"%s\" twice", source->name,
                           entries[i].name);
    return HW_OK;
}

static hw_status load_table(hw_classifier *classifier, const hw_source *source, hw_error *err) {
    const size_t ngrams = classifier->config.ngrams;
    const size_t labels = (size_t)classifier->config.tower.labels;
    const hw_tensor *table = hw_bundle_find(source->bundle, "ngram.table");
    if (!table || table->dtype != HW_I8) {
        classifier->table = hw_view_tensor(source, "ngram.table", HW_F32, ngrams, labels, err);
        return classifier->table ? HW_OK : HW_ERROR_FORMAT;
    }
    classifier->table_int8 = hw_view_tensor(source, "ngram.table", HW_I8, ngrams, labels, err);
    if (!classifier->table_int8) return HW_ERROR_FORMAT;
    classifier->table_scale = hw_view_tensor(source, "ngram.scale", HW_F32, labels, 0, err);
    return classifier->table_scale ? HW_OK : HW_ERROR_FORMAT;
}

static hw_status check_words(const hw_classifier *classifier, const hw_source *source,
                             hw_error *err) {
    for (size_t i = 0; i < classifier->word_count; i++) {
        const char *word = classifier->words[i];
        const uint64_t hash = hw_hash_bytes(word, strlen(word));
        if (hw_dictionary_find(&classifier->ngrams, hash) == HW_ABSENT)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: ngram.words[%zu] is not in the dictionary",
                           source->name, i);
    }
    return HW_OK;
}

static hw_status load_ngrams(hw_classifier *classifier, const hw_source *source, hw_error *err) {
    const size_t ngrams = classifier->config.ngrams;
    const size_t labels = (size_t)classifier->config.tower.labels;
    if (ngrams) HW_TRY(hw_view_dictionary(&classifier->ngrams, source, "ngram.slots", ngrams, err));
    HW_TRY(hw_view_words(&classifier->words, &classifier->word_count, source, err));
    HW_TRY(check_words(classifier, source, err));
    if (!hw_arch_has_bag(classifier->config.arch)) return HW_OK;
    classifier->bag_bias = hw_view_tensor(source, "ngram.bias", HW_F32, labels, 0, err);
    if (!classifier->bag_bias) return HW_ERROR_FORMAT;
    if (!ngrams) return HW_OK;
    classifier->idf = hw_view_tensor(source, "ngram.idf", HW_F32, ngrams, 0, err);
    return classifier->idf ? load_table(classifier, source, err) : HW_ERROR_FORMAT;
}

static hw_status load_towers(hw_classifier *classifier, const hw_source *source, hw_error *err) {
    const hw_config *config = &classifier->config;
    if (!config->towers) return HW_OK;
    classifier->towers = hw_calloc((size_t)config->towers, sizeof *classifier->towers);
    if (!classifier->towers)
        return hw_fail_memory(err, (size_t)config->towers * sizeof *classifier->towers);
    for (int32_t tower = 0; tower < config->towers; tower++)
        HW_TRY(hw_view_tower(&classifier->towers[tower], source, tower, &config->tower, err));
    return HW_OK;
}

/* To read and pack the weights of a large encoder with; NULL: the caller does it alone. */
static hw_pool *opening_pool(const hw_encoder_config *config) {
    enum { LARGE = 1 << 22 /* floats */, THREADS = 4 };
    const int32_t cpus = hw_cpu_count();
    if (hw_encoder_floats(config) < LARGE) return NULL;
    return hw_pool_new(cpus < THREADS ? cpus : THREADS, NULL);
}

static hw_status load_encoder(hw_classifier *classifier, const char *name, hw_error *err) {
    hw_pretrained *pretrained = &classifier->pretrained;
    const bool is_model_file = !pretrained->tokenizer; /* else a folder of Hugging Face's */
    if (is_model_file) HW_TRY(hw_pretrained_from_bundle(pretrained, classifier->bundle, name, err));
    const hw_encoder_config *config = &pretrained->config;
    const int32_t labels = classifier->config.tower.labels;
    if (labels != (config->readout == HW_ENCODER_LABELS ? config->labels : 0))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: labels has %d names, but the encoder not", name,
                       (int)labels);
    const int32_t most = config->max_tokens, tokens = classifier->config.max_tokens;
    if (tokens > most || (size_t)tokens <= hw_template_tokens(pretrained->tokenizer))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: max_tokens is %d; the encoder takes up to %d",
                       name, (int)tokens, (int)most);
    hw_pool *pool = opening_pool(config);
    const hw_encoder_source source = { .name = name,
                                       .find = hw_pretrained_find,
                                       .release = hw_pretrained_release,
                                       .bf16 = is_model_file,
                                       .context = pretrained };
    classifier->encoder = hw_encoder_new(config, &source, pool, err);
    hw_pool_free(pool);
    return classifier->encoder ? HW_OK : err->status;
}

void hw_classifier_warm(const hw_classifier *classifier, const hw_kernels *kernels, hw_pool *pool) {
    if (hw_encoder_warm(classifier->encoder, kernels, pool)) hw_bundle_release(classifier->bundle);
}

static hw_status load_thresholds(hw_classifier *classifier, const hw_source *source,
                                 hw_error *err) {
    if (!classifier->config.multi_label) return HW_OK;
    const size_t labels = (size_t)classifier->config.tower.labels;
    classifier->thresholds = hw_view_tensor(source, "thresholds", HW_F32, labels, 0, err);
    if (!classifier->thresholds) return HW_ERROR_FORMAT;
    for (size_t label = 0; label < labels; label++)
        if (classifier->thresholds[label] < 0 || classifier->thresholds[label] > 1)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: thresholds[%zu] is %g, not in 0 to 1",
                           source->name, label, (double)classifier->thresholds[label]);
    return HW_OK;
}

static bool is_parameter(const char *name) {
    return strncmp(name, "tower.", 6) == 0 || strcmp(name, "ngram.table") == 0 ||
           strcmp(name, "ngram.bias") == 0;
}

static uint64_t count_parameters(const hw_bundle *bundle) {
    uint64_t parameters = 0;
    for (size_t i = 0; i < hw_bundle_count(bundle); i++) {
        const hw_tensor *tensor = hw_bundle_at(bundle, i);
        if (is_parameter(tensor->name)) parameters += tensor->bytes / hw_dtype_bytes(tensor->dtype);
    }
    return parameters;
}

static hw_quantization quantization_of(const hw_encoder *encoder, const hw_encoder_config *config) {
    hw_encoder_parameter parameter;
    for (size_t i = 0; hw_encoder_parameter_at(&parameter, config, i); i++) {
        if (hw_encoder_values_bf16(encoder, i)) return HW_QUANTIZED_BF16;
        if (!hw_encoder_values(encoder, i)) return HW_QUANTIZED_INT8;
    }
    return HW_NOT_QUANTIZED;
}

static uint64_t count_weights(const hw_encoder_config *config) {
    uint64_t weights = 0;
    hw_encoder_parameter parameter;
    for (size_t i = 0; hw_encoder_parameter_at(&parameter, config, i); i++)
        weights += (uint64_t)parameter.rows * parameter.columns;
    return weights;
}

static void summarize_encoder(hw_summary *summary, const hw_classifier *classifier) {
    const hw_encoder_config *config = &classifier->pretrained.config;
    summary->family = hw_family_type(config->family);
    summary->vocabulary = config->vocabulary;
    summary->layers = config->layers;
    summary->heads = config->heads;
    summary->head_dim = config->head_dim;
    summary->width = config->width;
    summary->inner_width = config->inner_width;
    summary->window = classifier->config.max_tokens;
    summary->quantized = quantization_of(classifier->encoder, config);
    summary->tower_weight = 1;
    summary->parameters = count_weights(config);
}

/* Of the joined logits: 1 without n-grams, 0 without towers. */
static double tower_weight(const hw_config *config) {
    const double bag = hw_arch_has_bag(config->arch) ? fabs(config->join.bag) : 0;
    const double tower = config->towers ? fabs(config->join.tower) : 0;
    return tower > 0 ? tower / (bag + tower) : 0;
}

static hw_summary summarize(const hw_classifier *classifier) {
    const hw_config *config = &classifier->config;
    hw_summary summary = { .arch = config->arch,
                           .multi_label = config->multi_label,
                           .labels = config->tower.labels,
                           .ngrams = (int32_t)config->ngrams,
                           .vocabulary = (int32_t)classifier->word_count,
                           .towers = config->towers,
                           .quantized =
                               classifier->table_int8 ? HW_QUANTIZED_INT8 : HW_NOT_QUANTIZED,
                           .temperature = config->temperature,
                           .tower_weight = tower_weight(config),
                           .held_back_score = config->held_back_score,
                           .held_back_bag = config->held_back_bag,
                           .parameters = count_parameters(classifier->bundle),
                           .file_bytes = hw_bundle_bytes(classifier->bundle) };
    if (config->towers) {
        summary.layers = config->tower.layers;
        summary.heads = config->tower.heads;
        summary.head_dim = config->tower.head_dim;
        summary.width = config->tower.width;
        summary.inner_width = config->tower.inner_width;
        summary.capsule_dim = config->tower.capsule_dim;
        summary.routing = config->tower.routing;
        summary.window = config->tower.window;
    }
    if (classifier->encoder) summarize_encoder(&summary, classifier);
    return summary;
}

static hw_status load_parts(hw_classifier *classifier, const hw_source *source, hw_error *err) {
    if (classifier->config.arch == HW_ARCH_ENCODER)
        return load_encoder(classifier, source->name, err);
    HW_TRY(load_ngrams(classifier, source, err));
    return load_towers(classifier, source, err);
}

static hw_status load(hw_classifier *classifier, const char *name, hw_error *err) {
    const hw_source source = { classifier->bundle, name };
    HW_TRY(hw_config_load(&classifier->config, &classifier->labels, classifier->bundle, name, err));
    HW_TRY(load_labels(classifier, &source, err));
    HW_TRY(load_parts(classifier, &source, err));
    HW_TRY(load_thresholds(classifier, &source, err));
    classifier->training = hw_bundle_metadata(classifier->bundle, "training");
    classifier->summary = summarize(classifier);
    return HW_OK;
}

hw_classifier *hw_classifier_from_pretrained(hw_pretrained *pretrained, const char *name,
                                             hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    hw_classifier *classifier = hw_calloc(1, sizeof *classifier);
    if (!classifier) {
        hw_fail_memory(err, sizeof *classifier);
        hw_pretrained_close(pretrained);
        return NULL;
    }
    classifier->bundle = pretrained->bundle;
    classifier->pretrained = *pretrained;
    *pretrained = (hw_pretrained){ 0 };
    if (load(classifier, name, err) == HW_OK) return classifier;
    hw_classifier_close(classifier);
    return NULL;
}

hw_classifier *hw_classifier_from_bundle(hw_bundle *bundle, const char *name, hw_error *err) {
    return hw_classifier_from_pretrained(&(hw_pretrained){ .bundle = bundle }, name, err);
}

/* ---- The public functions --------------------------------------------------- */

static hw_classifier *open_folder(const char *path, hw_error *err) {
    hw_pretrained pretrained = { 0 };
    if (hw_pretrained_open(&pretrained, path, err) == HW_OK)
        return hw_classifier_from_pretrained(&pretrained, path, err);
    hw_pretrained_close(&pretrained);
    return NULL;
}

hw_classifier *hw_classifier_open(const char *path, hw_error *err) {
    if (hw_is_folder(path)) return open_folder(path, err);
    hw_bundle *bundle = hw_bundle_open(path, err);
    return bundle ? hw_classifier_from_bundle(bundle, path, err) : NULL;
}

void hw_classifier_close(hw_classifier *classifier) {
    if (!classifier) return;
    hw_encoder_free(classifier->encoder);
    hw_tokenizer_free(classifier->pretrained.tokenizer);
    hw_bundle_free(classifier->bundle);
    hw_free(classifier->labels);
    hw_free(classifier->labels_by_name);
    hw_free(classifier->towers);
    hw_free(classifier->words);
    hw_free(classifier);
}

hw_status hw_classifier_check_labels(const hw_classifier *classifier, hw_error *err) {
    if (classifier->summary.labels) return HW_OK;
    return hw_fail(err, HW_ERROR_UNSUPPORTED,
                   "the model is a pretrained encoder without labels; fine-tune it: headwise train "
                   "-input FILE -output MODEL -base ENCODER");
}

hw_status hw_classifier_save(const hw_classifier *classifier, const char *path, hw_error *err) {
    return hw_bundle_save(classifier->bundle, path, err);
}

const hw_summary *hw_classifier_summary(const hw_classifier *classifier) {
    return &classifier->summary;
}

int32_t hw_classifier_heads(const hw_classifier *classifier, int32_t layer) {
    assert(layer >= 0 && layer < classifier->summary.layers);
    return classifier->encoder ? hw_layer_heads(&classifier->pretrained.config, layer)
                               : hw_tower_layer_heads(&classifier->config.tower, layer);
}

int32_t hw_classifier_original_head(const hw_classifier *classifier, int32_t layer, int32_t head) {
    assert(head >= 0 && head < hw_classifier_heads(classifier, layer));
    const uint64_t *pruned = classifier->encoder ? classifier->pretrained.config.pruned
                                                 : classifier->config.tower.pruned;
    return hw_clear_bit_at(pruned[layer], head);
}

const char *hw_classifier_label(const hw_classifier *classifier, int32_t label) {
    assert(label >= 0 && label < classifier->summary.labels);
    return classifier->labels[label];
}

static int compare_text(hw_text text, const char *name) {
    const size_t length = strlen(name);
    const int order = memcmp(text.bytes, name, text.length < length ? text.length : length);
    return order ? order : (text.length > length) - (text.length < length);
}

int32_t hw_classifier_find_label(const hw_classifier *classifier, hw_text name) {
    size_t low = 0, high = (size_t)classifier->summary.labels;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = compare_text(name, classifier->labels_by_name[middle].name);
        if (order == 0) return classifier->labels_by_name[middle].label;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

const float *hw_classifier_thresholds(const hw_classifier *classifier) {
    return classifier->thresholds;
}

const char *hw_classifier_training(const hw_classifier *classifier) {
    return classifier->training;
}

const char *hw_classifier_word(const hw_classifier *classifier, int32_t word, size_t *row) {
    if (word < 0 || (size_t)word >= classifier->word_count) return NULL;
    const char *text = classifier->words[word];
    if (row)
        *row = (size_t)hw_dictionary_find(&classifier->ngrams, hw_hash_bytes(text, strlen(text)));
    return text;
}

bool hw_classifier_matrix(const hw_classifier *classifier, size_t i, hw_matrix *matrix) {
    if (i >= hw_bundle_count(classifier->bundle)) return false;
    const hw_tensor *tensor = hw_bundle_at(classifier->bundle, i);
    const bool vector = tensor->dims < 2, is_plane = tensor->dims <= 2;
    *matrix = (hw_matrix){ .name = tensor->name,
                           .rows = vector ? 1 : tensor->shape[0],
                           .columns = vector ? tensor->shape[0] : tensor->shape[1],
                           .values = tensor->dtype == HW_F32 && is_plane ? tensor->data : NULL };
    return true;
}
