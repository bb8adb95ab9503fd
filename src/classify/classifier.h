/* The inside of hw_classifier: views into a bundle. Immutable once made.
 *
 * Joined logits of a text (b: the n-grams' logits, t: the mean of the towers' logits):
 *     z = (join.bag * b + join.tower * t + join.bias) / temperature
 * and its probabilities are softmax(z), multi-label: sigmoid(z).
 *
 * Tensors: ngram.slots U32 [capacity][2], ngram.idf F32 [ngrams], ngram.table F32 or I8
 * [ngrams][labels], ngram.scale F32 [labels] (with I8 only), ngram.bias F32 [labels];
 * ngram.words U8 (the dictionary's single words for people to read, each followed by a
 * newline); tower.<i>.<parameter> F32 (model/tower.h), whose embedding has a row for each
 * n-gram; thresholds F32 [labels] (multi-label only). A tensor without an element is left
 * out, and a tower's parameter of one row is a vector. Without n-grams in the joined logits
 * (arch attention, capsule) there is no idf, table or bias. With a pretrained encoder (arch
 * encoder) there are only its tensors and the thresholds (encoder_classifier.h), and t are its
 * logits. Metadata: "headwise" (a JSON object with the configuration), "labels" (a JSON array of
 * names), "training" (a JSON object). docs/model-file.md describes all of it. */
#ifndef HW_CLASSIFY_CLASSIFIER_H
#define HW_CLASSIFY_CLASSIFIER_H

#include "classify/bundle.h"
#include "classify/pretrained.h"
#include "model/tower.h"
#include "text/dictionary.h"
#include "text/ngrams.h"

enum {
    HW_TOWERS_LIMIT = 16,
    HW_LABELS_LIMIT = 65536,
    HW_LABEL_BYTES = 256, /* of a name */
    HW_NGRAMS_LIMIT = 1 << 24
};
/* Weights are at most this in magnitude, so that no sum over them overflows. */
#define HW_WEIGHT_LIMIT 1e4f

typedef struct hw_join {
    double bag, tower, bias;
} hw_join;

/* Whether n-grams have logits of their own in a classifier that is no encoder. */
static inline bool hw_arch_has_bag(hw_arch arch) {
    return arch == HW_ARCH_HYBRID || arch == HW_ARCH_BAG;
}

/* What the "headwise" metadata says. */
typedef struct hw_config {
    hw_arch arch;
    bool multi_label;
    size_t ngrams; /* members of the dictionary: rows of ngram.table and of the embeddings */
    hw_ngram_options ngram_options;
    int32_t towers;
    hw_tower_config tower; /* labels is filled in from the label names; capsules by the arch */
    hw_join join;
    double temperature;
    double held_back_score, held_back_bag; /* NaN where not measured */
    uint64_t held_back_examples;
    int32_t max_tokens; /* of a window of an encoder, special tokens included */
} hw_config;

typedef struct hw_label_entry {
    const char *name;
    int32_t label;
} hw_label_entry;

struct hw_classifier {
    hw_bundle *bundle;        /* owned */
    hw_pretrained pretrained; /* with an encoder: the same bundle, its tokenizer owned */
    hw_encoder *encoder;      /* owned, or NULL */
    hw_config config;
    hw_summary summary;
    char **labels;                  /* [summary.labels] */
    hw_label_entry *labels_by_name; /* [summary.labels], sorted by strcmp */
    hw_dictionary ngrams;           /* of indices into the table */
    const float *idf;
    const float *table;       /* [ngrams][labels], or NULL */
    const int8_t *table_int8; /* likewise quantised, or NULL */
    const float *table_scale;
    const float *bag_bias;
    char **words; /* [word_count] */
    size_t word_count;
    hw_tower_views *towers;  /* [config.towers] */
    const float *thresholds; /* [summary.labels], NULL if single-label */
    const char *training;
};

/* Takes the bundle, also on failure. Checks every shape, index and value. name is for
 * messages. */
hw_classifier *hw_classifier_from_bundle(hw_bundle *bundle, const char *name, hw_error *err);

/* Takes what pretrained holds, also on failure: metadata and tensors of a classifier with an
 * encoder, or of an encoder alone, which then has no labels. */
hw_classifier *hw_classifier_from_pretrained(hw_pretrained *pretrained, const char *name,
                                             hw_error *err);
/* To be called before a pass of its encoder: hw_encoder_warm, and the packed weights' file is given
 * back. */
void hw_classifier_warm(const hw_classifier *classifier, const hw_kernels *kernels, hw_pool *pool);
/* HW_OK if the classifier has labels; else the error says how to fine-tune the encoder. */
hw_status hw_classifier_check_labels(const hw_classifier *classifier, hw_error *err);

/* Writes the "headwise" and "labels" metadata of a bundle, canonically: the same values
 * give the same bytes. */
hw_status hw_config_save(const hw_config *config, char *const *labels, size_t label_count,
                         hw_bundle *bundle, hw_error *err);
/* The value of "headwise"; NULL if memory is short. */
json_t *hw_config_json(const hw_config *config);
/* Takes over those fields that `root` has, of an encoder's config. */
hw_status hw_config_update(hw_config *config, const json_t *root, const char *name, hw_error *err);
/* Reads and checks them, and that "training" is there. *labels: [config->tower.labels], one block,
 * to be freed by hw_free. name is for messages. */
hw_status hw_config_load(hw_config *config, char ***labels, const hw_bundle *bundle,
                         const char *name, hw_error *err);
/* Adds the tensors tower.<tower>.<parameter> of one block of parameters. */
hw_status hw_bundle_add_tower(hw_bundle *bundle, int32_t tower, const hw_tower_config *config,
                              const float *block, hw_error *err);

/* hw_classify and what goes into it. probabilities, bag, tower: [count][labels], each may be
 * NULL; a branch that the architecture lacks is 0. */
hw_status hw_session_run(hw_session *session, const hw_text *texts, size_t count,
                         float *probabilities, float *bag, float *tower, hw_error *err);
/* The same for one text, `count` times, of a classifier without an encoder: the row-th time without
 * the words that removed[count][words] names, where words are those of hw_words_split. */
hw_status hw_session_run_without(hw_session *session, hw_text text, const bool *removed,
                                 size_t words, size_t count, float *probabilities, float *bag,
                                 float *tower, hw_error *err);
const hw_classifier *hw_session_classifier(const hw_session *session);
/* [towers] of the classifier, with the session's heads switched off. */
const hw_tower_views *hw_session_towers(const hw_session *session);
/* z * temperature of one label. */
double hw_classifier_logit(const hw_classifier *classifier, const float *bag, const float *tower,
                           size_t label);
/* z and then the probabilities from the branches' logits; bag and tower may be NULL if the
 * architecture lacks them. They are finite and in [0, 1] whatever the logits are. */
void hw_classifier_join(const hw_classifier *classifier, float *probabilities, const float *bag,
                        const float *tower);

#endif
