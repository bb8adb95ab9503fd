/* headwise.h - text classification with multi-head attention.
 *
 *     hw_error err;
 *     hw_classifier *clf = hw_classifier_open("reviews.safetensors", &err);
 *     hw_session *session = clf ? hw_session_new(clf, &err) : NULL;
 *     if (!session) return report(err.message);
 *
 *     hw_text text = hw_text_of("A quiet, moving film.");
 *     float probability[2];                          // one per label
 *     hw_classify(session, &text, 1, probability, &err);
 *
 *     hw_session_free(session);
 *     hw_classifier_close(clf);
 *
 * Objects.   A classifier is immutable once open: share it between threads.
 *            A session is the scratch memory of one thread: never share it.
 *            A classifier must outlive the sessions made from it.
 * Memory.    An object returned without const is yours: give it back to its
 *            *_close or *_free, which accept NULL.
 *            A `const` pointer returned by a getter lives as long as its owner.
 *            Every other buffer is yours, and its size is stated.
 * Errors.    A call that makes an object returns NULL on failure; any other call
 *            returns a hw_status. Either way *err says what happened, where; err
 *            may be NULL. Breaking a stated precondition is a bug: it asserts.
 * Options.   The zero value of every option field means "the default", so
 *            (hw_train_options){ .input = path } is complete.
 * Text.      UTF-8 with an explicit length. Invalid bytes become U+FFFD.
 * Quiet.     The library never prints and never exits; it installs no signal
 *            handlers and starts threads only for a call or a session that asks for
 *            them, and while a pretrained encoder is opened.
 */
#ifndef HEADWISE_H
#define HEADWISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef HW_API
#define HW_API /* the build sets this to the platform's export attribute */
#endif

#define HW_VERSION "0.1.0"

/* ---- Errors ------------------------------------------------------------- */

#define HW_ERROR_LIST(X)                                       \
    X(ARGUMENT, "an argument is outside its documented range") \
    X(MEMORY, "out of memory")                                 \
    X(IO, "a file could not be read or written")               \
    X(FORMAT, "a file is malformed")                           \
    X(UNSUPPORTED, "a file is well formed but not supported")  \
    X(DIVERGED, "training diverged")                           \
    X(STOPPED, "the progress callback asked to stop")

typedef enum hw_status {
    HW_OK = 0,
#define X(name, text) HW_ERROR_##name,
    HW_ERROR_LIST(X)
#undef X
} hw_status;

typedef struct hw_error {
    hw_status status;
    char message[508]; /* one line: what, in which file, at which byte or line */
} hw_error;

HW_API const char *hw_status_text(hw_status status);

/* ---- Texts and labelled data --------------------------------------------- */

typedef struct hw_text {
    const char *bytes;
    size_t length;
} hw_text;

static inline hw_text hw_text_of(const char *string) {
    hw_text text = { string, strlen(string) };
    return text;
}

typedef enum hw_format {
    HW_FORMAT_AUTO,     /* recognised by content */
    HW_FORMAT_FASTTEXT, /* __label__a __label__b the text */
    HW_FORMAT_TSV,      /* label|label<TAB>text, or a header line and columns */
    HW_FORMAT_CSV,      /* RFC 4180 with a header line */
    HW_FORMAT_JSONL,    /* {"text": "...", "label": "a"} or "labels": ["a", "b"]; "weight": 2 */
    HW_FORMAT_TEXT      /* one unlabelled text a line */
} hw_format;

typedef struct hw_reader_options {
    hw_format format;
    const char *text_column;  /* of CSV and TSV with a header; default "text" */
    const char *label_column; /* default "label" */
    const char *label_prefix; /* of fastText lines; default "__label__" */
} hw_reader_options;

typedef struct hw_record {
    hw_text text;
    const hw_text *labels; /* [label_count] */
    size_t label_count;
    double weight; /* 1 unless the data says otherwise */
    size_t line;   /* where the record starts, counted from 1 */
} hw_record;

typedef struct hw_reader hw_reader;

/* path: a plain, .gz or .zst file, or "-" for standard input. */
HW_API hw_reader *hw_reader_open(const char *path, const hw_reader_options *options, hw_error *err);
HW_API void hw_reader_close(hw_reader *reader);
/* The next record; *more is false at the end. The record's memory is the reader's
 * and lives until the next call. A line that cannot be read as data (no label, a
 * missing column, an unclosed quote) is HW_ERROR_FORMAT and names the line; the
 * reader stays usable and goes on with the line after it. */
HW_API hw_status hw_reader_next(hw_reader *reader, hw_record *record, bool *more, hw_error *err);
/* What was recognised; HW_FORMAT_AUTO before the first record. */
HW_API hw_format hw_reader_format(const hw_reader *reader);

/* ---- Classifier: n-grams, attention tower, label names; read-only --------- */

typedef struct hw_classifier hw_classifier;

typedef enum hw_arch {
    HW_ARCH_DEFAULT,   /* hybrid */
    HW_ARCH_HYBRID,    /* n-grams and the attention tower */
    HW_ARCH_ATTENTION, /* the attention tower alone */
    HW_ARCH_BAG,       /* n-grams alone */
    HW_ARCH_ENCODER,   /* a pretrained encoder with its own tokenizer */
    HW_ARCH_CAPSULE    /* the attention tower alone, its heads routed to a capsule a label */
} hw_arch;

typedef enum hw_quantization {
    HW_NOT_QUANTIZED, /* 32-bit floats */
    HW_QUANTIZED_INT8,
    HW_QUANTIZED_BF16 /* of an encoder alone */
} hw_quantization;

/* What a classifier is. Plain data: read it, print it. */
typedef struct hw_summary {
    hw_arch arch;
    bool multi_label; /* independent probabilities instead of a distribution */
    int32_t labels;
    int32_t ngrams;                  /* members of the n-gram dictionary */
    int32_t vocabulary;              /* of them, single words that hw_classifier_word names */
    int32_t towers;                  /* equal ones that are averaged; 0: none */
    int32_t layers, heads, head_dim; /* of each tower; 0 without one. Where heads were pruned, a
                                      * layer has fewer: hw_classifier_heads */
    int32_t width, inner_width;      /* inner_width 0: no feed-forward block */
    int32_t capsule_dim, routing;    /* of a label's capsule; iterations; 0 without capsules */
    int32_t window;     /* tokens; a longer text is attended in windows, pooled over all of it */
    const char *family; /* of an encoder: "bert", "roberta", ...; NULL without one */
    hw_quantization quantized; /* the n-gram table, or the linear layers of an encoder */
    double temperature;        /* that divides the joined logits */
    double tower_weight;       /* share of the tower in the joined logits; 0 is off */
    double held_back_score;    /* accuracy (micro-F1) of the whole on held-back data */
    double held_back_bag;      /* the same of the n-grams alone */
    uint64_t parameters, file_bytes;
} hw_summary;

/* Opens a model file, or a folder of Hugging Face's (config.json, model.safetensors or its
 * shards, tokenizer.json or the files it is made from), and checks all of it: structure,
 * checksums (of files of ours) and values. */
HW_API hw_classifier *hw_classifier_open(const char *path, hw_error *err);
HW_API void hw_classifier_close(hw_classifier *classifier);

/* Writes the file whole or not at all: a reader never sees half a model. */
HW_API hw_status hw_classifier_save(const hw_classifier *classifier, const char *path,
                                    hw_error *err);

HW_API const hw_summary *hw_classifier_summary(const hw_classifier *classifier);
/* How many heads a layer has, in [0, layers). */
HW_API int32_t hw_classifier_heads(const hw_classifier *classifier, int32_t layer);
/* The number that a head, which the layer has, had before any of the layer's were pruned. */
HW_API int32_t hw_classifier_original_head(const hw_classifier *classifier, int32_t layer,
                                           int32_t head);
/* NUL-terminated label name, without any prefix; label in [0, labels). */
HW_API const char *hw_classifier_label(const hw_classifier *classifier, int32_t label);
/* The index of a label name, or -1. */
HW_API int32_t hw_classifier_find_label(const hw_classifier *classifier, hw_text name);
/* [labels]: the probability from which a label of a multi-label model is predicted; NULL
 * if single-label. */
HW_API const float *hw_classifier_thresholds(const hw_classifier *classifier);
/* The training record: options, seed, version and data checksum, as a JSON object. */
HW_API const char *hw_classifier_training(const hw_classifier *classifier);
/* The word-th single word of the n-gram dictionary, or NULL past its end. row (may be NULL):
 * its row of "ngram.table" and of a tower's embedding. */
HW_API const char *hw_classifier_word(const hw_classifier *classifier, int32_t word, size_t *row);

/* A tensor of the model, as it stands in the file. */
typedef struct hw_matrix {
    const char *name; /* "tower.0.embedding", "ngram.table", ... */
    size_t rows, columns;
    const float *values; /* [rows][columns]; NULL if the tensor is not float */
} hw_matrix;

/* The i-th tensor in the file's order; false past the end. */
HW_API bool hw_classifier_matrix(const hw_classifier *classifier, size_t i, hw_matrix *matrix);

/* Writes a folder that `transformers` loads: config.json, model.safetensors, tokenizer.json, a
 * model card with `card` (may be NULL: Markdown) in it. A classifier of towers alone comes with the
 * code that runs it (trust_remote_code); one with an n-gram table or capsules is
 * HW_ERROR_UNSUPPORTED. The folder is made, or must be empty; it appears whole or not at all.
 * fold_temperature: the logits are divided by the temperature, so that others see our
 * probabilities. */
HW_API hw_status hw_classifier_export(const hw_classifier *classifier, const char *folder,
                                      bool fold_temperature, const char *card, hw_error *err);

/* A copy whose n-gram table is int8 (one scale a label), or whose encoder's linear layers are int8
 * (one scale an output; activations are quantised a token when it runs) or bfloat16 (activations
 * too). HW_ERROR_ARGUMENT if there is nothing to quantise, if a classifier without an encoder is to
 * be bfloat16, and if it is already of another form. */
HW_API hw_classifier *hw_classifier_quantize(const hw_classifier *classifier, hw_quantization to,
                                             hw_error *err);
/* A copy whose temperature (multi-label: thresholds too) is fitted to labelled data. */
HW_API hw_classifier *hw_classifier_calibrate(const hw_classifier *classifier, const char *path,
                                              const hw_reader_options *options, hw_error *err);

/* ---- Session: everything one thread needs to run a classifier ------------- */

typedef struct hw_session hw_session;

/* A head of all towers of a classifier, or of its encoder; both are counted from 0. */
typedef struct hw_head_id {
    int32_t layer, head;
} hw_head_id;

/* How an encoder reads a text that is longer than max_tokens: in windows that share `stride`
 * tokens, whose logits are averaged; other classifiers ignore these. And heads to do without. */
typedef struct hw_session_options {
    int32_t max_tokens; /* of a window, special ones included; default and most: the model's */
    int32_t stride;     /* tokens that neighbouring windows share; default: a quarter of them;
                         * negative: none */
    bool truncate;      /* only the first window is read */
    int32_t threads;    /* that share the work of one text of an encoder, for latency; default 1;
                         * the results are the same bits */
    const hw_head_id *masked_heads; /* [masked_head_count]: what they attend to counts as 0 */
    size_t masked_head_count;
} hw_session_options;

/* options may be NULL. */
HW_API hw_session *hw_session_new(const hw_classifier *classifier,
                                  const hw_session_options *options, hw_error *err);
HW_API void hw_session_free(hw_session *session);

/* probabilities: [count][labels], row-major. A text's result does not depend on
 * what else is in the call, bit for bit. */
HW_API hw_status hw_classify(hw_session *session, const hw_text *texts, size_t count,
                             float *probabilities, hw_error *err);

/* Into how many windows text i of the last hw_classify of this session was cut; 1 if it was read
 * in one piece. With truncate, only the first of them was read. */
HW_API size_t hw_session_windows(const hw_session *session, size_t i);

/* ---- Tokens of a pretrained encoder ---------------------------------------- */

typedef struct hw_token {
    uint32_t id;
    uint32_t begin, end; /* bytes of the text it came from; equal for [CLS], [SEP] */
} hw_token;

/* Stores up to `capacity` tokens, special ones included; *count is how many the whole text has.
 * HW_ERROR_ARGUMENT if the classifier has no tokenizer. */
HW_API hw_status hw_tokenize(hw_session *session, hw_text text, hw_token *tokens, size_t capacity,
                             size_t *count, hw_error *err);
/* As it stands in the vocabulary ("##ing"); NULL if there is none. */
HW_API const char *hw_token_string(const hw_classifier *classifier, uint32_t id);

/* ---- Explanation ----------------------------------------------------------- */

/* Of a label's score, the joined logit that softmax (multi-label: sigmoid) makes a probability of.
 * The n-grams' part of it is linear: each n-gram's weight is shared by the words it covers,
 * exactly, whatever the method; the method explains the rest. */
typedef enum hw_explain_method {
    HW_EXPLAIN_DEFAULT, /* integrated gradients */
    HW_EXPLAIN_IG, /* integrated gradients (Sundararajan et al. 2017), from the text whose words
                    * are all unknown to the text */
    HW_EXPLAIN_GRAD_INPUT, /* gradient times input */
    HW_EXPLAIN_LRP,        /* relevance by the rules of AttnLRP (Achtibat et al. 2024); not of
                            * capsules */
    HW_EXPLAIN_LOO,        /* leave one word out */
    HW_EXPLAIN_RANDOM,     /* by chance: what every other method has to beat */
    /* Where a network looks, which has no sign but where talking heads mix their weights. Up to
     * 4,096 tokens (a window). Capsules are taken to look at all states alike. The scores of a
     * model with n-grams are brought to the size of what the towers add to the score. */
    HW_EXPLAIN_ATTENTION,     /* of the last layer as the readout sees it, mean over heads */
    HW_EXPLAIN_ROLLOUT,       /* through all layers (Abnar and Zuidema 2020) */
    HW_EXPLAIN_FLOW,          /* the greatest flow through them (likewise); up to 256 tokens */
    HW_EXPLAIN_NORM,          /* weighed by what it brings (Kobayashi et al. 2020) */
    HW_EXPLAIN_GRAD_ATTENTION /* weighed by its gradient (Chefer et al. 2021) */
} hw_explain_method;

typedef struct hw_explain_options {
    hw_explain_method method;
    const char *label; /* default: the most probable one */
    int32_t steps;     /* of IG, to begin with; default 32 */
    double tolerance;  /* of IG: the completeness gap until which steps are added; default 0.005 */
    int32_t random_orders; /* that faithfulness is compared with; default 20; negative: faithfulness
                            * is not measured */
    uint64_t seed;         /* of what is random */
} hw_explain_options;

/* A word, or a token of an encoder. */
typedef struct hw_attribution {
    size_t begin, end;                     /* bytes of the text; equal for [CLS], [SEP] */
    size_t character_begin, character_end; /* the same in code points */
    uint32_t id;                           /* of a token; 0 of a word */
    double score;                          /* what it adds to the label's score */
    double ngrams;                         /* of that, by the n-grams; 0 of LOO and RANDOM */
} hw_attribution;

/* What becomes of the label's probability p when a share of the words is replaced by unknown words
 * (DeYoung et al. 2020): the drop p(text) - p(what is left). */
enum { HW_REMOVALS = 5 };
typedef struct hw_removal {
    double share;                       /* of the words, rounded up: 1, 5, 10, 20, 50 % */
    double without_top, only_top;       /* the words with the highest scores */
    double without_random, only_random; /* mean over the random orders */
    /* Whether the decision is another one without the top words (0 or 1), and the share of the
     * random orders in which it is. The decision: the most probable label; multi-label: whether the
     * explained label has its threshold. */
    double flips_top, flips_random;
} hw_removal;

typedef struct hw_explained {
    hw_explain_method method;
    int32_t label;
    double probability, score;
    double base; /* the score when all words are unknown */
    double sum;  /* of the words' scores */
    double gap; /* |base + sum - score| / |score - base|; NaN if the method's scores are no parts of
                 * the score */
    size_t steps; /* gradients that were taken */
    /* Means over the removals; NaN if they were not measured, or there is no word. The first is
     * better the larger, the second the smaller. */
    double comprehensiveness, sufficiency;
    double random_comprehensiveness, random_sufficiency;
    /* Kendall's tau-b between the words' scores and those of HW_EXPLAIN_LOO. NaN if faithfulness
     * was not measured, of a text with more than HW_TAU_WORDS words (leaving each out takes
     * quadratic time), and where all scores are alike. */
    double tau;
    hw_removal removals[HW_REMOVALS];
} hw_explained;
enum { HW_TAU_WORDS = 256 };

typedef struct hw_explanation hw_explanation;

/* options may be NULL. Takes time linear in the length of the text; HW_EXPLAIN_LOO quadratic. */
HW_API hw_explanation *hw_explain(hw_session *session, hw_text text,
                                  const hw_explain_options *options, hw_error *err);
HW_API void hw_explanation_free(hw_explanation *explanation);
HW_API const hw_explained *hw_explanation_summary(const hw_explanation *explanation);

/* Means over explanations, which begin as {0}; what is NaN is left out. */
typedef struct hw_faithfulness {
    size_t texts, ranked;                  /* that were measured; that have a tau */
    double comprehensiveness, sufficiency; /* over random: both are better the larger */
    double tau;                            /* of the ranked ones */
    double flips_top[HW_REMOVALS], flips_random[HW_REMOVALS]; /* shares of the texts */
} hw_faithfulness;
HW_API void hw_faithfulness_add(hw_faithfulness *means, const hw_explained *explained);

/* [*count], in the order of the text. */
HW_API const hw_attribution *hw_explanation_words(const hw_explanation *explanation, size_t *count);
/* Those of hw_tokenize; of a classifier without an encoder, the words. */
HW_API const hw_attribution *hw_explanation_tokens(const hw_explanation *explanation,
                                                   size_t *count);

/* What the heads of one tower attend to, or those of an encoder in one window of the text. */
typedef struct hw_attention_map {
    size_t readings; /* how many towers or windows there are */
    size_t layers, heads, count;
    const hw_attribution *tokens; /* [count]; score: how the readout looks at it */
    const float *weights;         /* [layers][heads][count][count], by query and key; 0 of heads
                                   * that the session has switched off */
    const size_t *layer_heads;    /* [layers]: the heads of each; the others' weights are 0 */
} hw_attention_map;

/* The reading-th one; up to 4,096 tokens. Free with hw_attention_map_free. */
HW_API hw_attention_map *hw_attend(hw_session *session, hw_text text, size_t reading,
                                   hw_error *err);
HW_API void hw_attention_map_free(hw_attention_map *map);

/* ---- Evaluation ------------------------------------------------------------ */

typedef struct hw_label_metrics {
    double precision, recall, f1; /* NaN where undefined */
    uint64_t support, predicted, correct;
} hw_label_metrics;

typedef struct hw_interval {
    double low, high; /* 95 % */
} hw_interval;

/* Measures of one set of predictions, named as scikit-learn names them. In a
 * multi-label report `accuracy` is `exact_match`. */
typedef struct hw_metrics {
    uint64_t examples, unknown_labels; /* gold labels that the model does not have */
    double accuracy, exact_match;
    double micro_f1, macro_f1, weighted_f1;
    double micro_precision, micro_recall, macro_precision, macro_recall;
    double weighted_precision, weighted_recall;
    double log_loss, ece, brier;
    double bag_score, tower_score; /* accuracy (micro-F1) of each branch alone; NaN without */
    hw_interval accuracy_interval; /* Wilson */
    hw_interval macro_f1_interval; /* percentile bootstrap over examples, seeded */
    int32_t labels;
    hw_label_metrics *per_label; /* [labels] */
    uint64_t *confusion;         /* [labels][labels], true label by row; NULL if multi-label
                                  * or above 4,096 labels */
} hw_metrics;

/* Free with hw_metrics_free. Both options may be NULL. */
HW_API hw_metrics *hw_evaluate(const hw_classifier *classifier, const char *path,
                               const hw_reader_options *reader, const hw_session_options *session,
                               int32_t threads, hw_error *err);
HW_API void hw_metrics_free(hw_metrics *metrics);

/* ---- Comparison of two classifiers ------------------------------------------- */

/* Of two things, [0] is of the first classifier and [1] of the second; a change is the second
 * less the first. */
typedef struct hw_score_change {
    double score[2], change;
    hw_interval interval; /* of the change: paired percentile bootstrap over texts, 10,000 draws */
} hw_score_change;

typedef struct hw_label_change {
    uint64_t support;
    double f1[2], change;   /* NaN where undefined */
    uint64_t only_right[2]; /* texts where this one alone is right on having the label or not */
    double p, p_holm;       /* McNemar, exact, of only_right; adjusted for the number of labels */
} hw_label_change;

/* A text whose prediction is not the same. */
typedef struct hw_flip {
    hw_text text;
    size_t line; /* of the data, counted from 1 */
    bool right[2];
    const char *const *truth;        /* [truths] label names */
    const char *const *predicted[2]; /* [predictions[i]] label names */
    size_t truths, predictions[2];
} hw_flip;

typedef struct hw_comparison {
    bool multi_label;
    uint64_t examples, unknown_labels; /* gold labels that the classifiers do not have */
    hw_score_change accuracy;          /* multi-label: of exact matches */
    hw_score_change micro_f1;          /* single-label: the same as accuracy */
    uint64_t only_right[2], both_right, both_wrong;
    double p; /* McNemar, exact, of only_right */
    int32_t labels;
    hw_label_change *per_label; /* [labels] by the indices of the first classifier */
    size_t flips;
    hw_flip *flip; /* [flips] in the order of the data */
} hw_comparison;

/* Both classify the same labelled data; they must have the same labels, in any order, and both be
 * multi-label or neither. Both options may be NULL. The names in the result live as long as the
 * first classifier. Free with hw_comparison_free. */
HW_API hw_comparison *hw_compare(const hw_classifier *first, const hw_classifier *second,
                                 const char *path, const hw_reader_options *reader,
                                 const hw_session_options *session, int32_t threads, hw_error *err);
HW_API void hw_comparison_free(hw_comparison *comparison);

/* ---- Training --------------------------------------------------------------- */

typedef struct hw_progress {
    const char *stage;          /* "read", "n-grams", "tower", "join", "refit", "note", ... */
    const char *note;           /* a line for people, or NULL */
    uint64_t done, total;       /* work units of this stage */
    double overall;             /* share of the whole training done, 0 to 1 */
    double loss, learning_rate; /* NaN where there is none */
    double texts_per_second;
    double valid_score; /* NaN between evaluations */
    double valid_loss;  /* of the towers on held-back texts; NaN where there is none */
    uint64_t step;      /* of the towers; 0 where there is none */
} hw_progress;

/* Return false to stop: training finishes with the best model so far if there is
 * one, else fails with HW_ERROR_STOPPED. Called on the thread that called hw_train. */
typedef bool hw_progress_fn(void *user, const hw_progress *progress);

/* Where a tower's heads get their attention weights from. The first is what one wants; the next
 * three are what it is held against. */
typedef enum hw_attention {
    HW_ATTENTION_LEARNED,      /* queries and keys of each head's own */
    HW_ATTENTION_UNIFORM,      /* none: every word of a window counts the same */
    HW_ATTENTION_FROZEN,       /* queries, keys and positions stay at their random first values */
    HW_ATTENTION_TIED,         /* one matrix for all heads of a layer */
    HW_ATTENTION_TALKING,      /* heads mix scores and weights (Shazeer et al. 2020) */
    HW_ATTENTION_COLLABORATIVE /* heads weigh shared queries and keys (Cordonnier et al. 2020) */
} hw_attention;

/* What switches a tower's heads off or down, besides a learned scalar for each. */
typedef enum hw_head_gates {
    HW_HEAD_GATES_NONE,
    HW_HEAD_GATES_L0,   /* gates that learn to be 0 or 1 (Louizos et al. 2018) */
    HW_HEAD_GATES_INPUT /* gates that depend on the text */
} hw_head_gates;

/* What is compared where heads are made to differ (Li et al. 2018). */
typedef enum hw_disagreement {
    HW_DISAGREEMENT_OUTPUTS, /* what they attend to */
    HW_DISAGREEMENT_VALUES   /* their values, before attention */
} hw_disagreement;

typedef enum hw_loss { HW_LOSS_AUTO, HW_LOSS_SOFTMAX, HW_LOSS_OVA } hw_loss;

typedef struct hw_train_options {
    const char *input; /* required */
    const char *valid; /* default: none, a share of input is held back */
    hw_reader_options reader;
    double valid_split; /* share of input that is held back; default 0.1 */
    hw_arch arch;
    hw_loss loss;               /* HW_LOSS_OVA: multi-label */
    int32_t heads, head_dim;    /* default 4 heads, width / heads */
    int32_t layers, width;      /* default 1 layer (negative: none), width 32 */
    int32_t inner_width;        /* of a layer's feed-forward block; default 2 * width if there are
                                 * several layers, else none; negative: none */
    int32_t window;             /* words that can attend to each other; default 128 */
    int32_t towers;             /* default 2 */
    int32_t capsule_dim;        /* of a label's capsule (HW_ARCH_CAPSULE); default 16 */
    int32_t routing;            /* iterations of routing by agreement; default 3 */
    int32_t epochs;             /* of the tower; default by the size of the data */
    int32_t patience;           /* evaluations on held-back data without progress after which the
                                 * towers stop; default 3 */
    int32_t batch;              /* texts a step; default 32 */
    double learning_rate;       /* of the tower; default 0.004, from 40,000 texts on 0.016 */
    double dropout;             /* default 0.5, with capsules, or from 40,000 texts on, 0.1;
                                 * negative: none */
    double regularization;      /* C of the n-gram classifier; default 0.5 */
    int32_t word_ngrams;        /* longest word n-gram; default 2 (Chinese characters: 3) */
    int32_t char_min, char_max; /* character n-grams; default 2 to 5; -1: none */
    int32_t min_count;          /* of a vocabulary word; default 2 */
    int32_t min_count_label;    /* rarer labels are dropped; default 1 */
    hw_attention attention;     /* of the tower */
    int32_t shared_dim;         /* of collaborative heads; default a quarter of heads * head_dim */
    hw_head_gates head_gates;   /* of the tower */
    double gate_penalty;        /* added to the loss for each open L0 gate; default 0.01;
                                 * negative: none */
    double drop_head;           /* chance that a head is left out of a step; default 0.1;
                                 * negative: none */
    bool drop_head_v;           /* which falls to 0 until half of the steps, and rises again */
    double disagreement;        /* weight of heads' agreement in the loss; default 0 ... */
    hw_disagreement disagreement_of; /* ... and what is compared */
    double orthogonality;            /* weight of the overlap of the pooling's queries; default 0 */
    const char *base;    /* fine-tune this encoder: a folder or a model file; the options above
                          * that are not an encoder's (heads, word_ngrams, ...) are ignored;
                          * defaults: 3 epochs, batch 32, learning rate 5e-5
                          * (narrow encoders: up to 1e-3), dropout its own */
    const char *freeze;  /* "embeddings", "all" (only a readout, on cached features), or how
                          * many of the lowest layers; default: nothing */
    bool few_shot;       /* first tell pairs of texts apart (Tunstall et al. 2022), then fit
                          * the readout: for 8 to 64 texts a label */
    double weight_decay; /* default 0.01; negative: none */
    double warmup;       /* share of the steps; default 0.1; negative: none */
    double layer_decay;  /* rate of a layer = that of the next times this; default 0.95 */
    int32_t max_tokens;  /* longer texts are cut while fine-tuning; default 128, at most the
                          * encoder's */
    uint64_t seed;
    int32_t threads;          /* default: the CPUs the process may use */
    const char *class_weight; /* "balanced", a JSON file {"label": weight}, or NULL */
    const char *checkpoint;   /* file to write while training; default: none */
    int32_t save_steps;       /* tower steps between checkpoints; default: each epoch */
    bool resume;              /* go on from the checkpoint if there is one */
    hw_progress_fn *progress;
    void *user;
} hw_train_options;

/* Same data, seed and version: same classifier, bit for bit, for any number of
 * threads, and for a training that was killed and resumed. */
HW_API hw_classifier *hw_train(const hw_train_options *options, hw_error *err);

/* K-fold cross-validation. scores: [folds] accuracy (multi-label: micro-F1).
 * If probabilities is not NULL it receives [*examples][*labels] out-of-fold
 * probabilities in input order, to be freed with hw_buffer_free. */
HW_API hw_status hw_cross_validate(const hw_train_options *options, int32_t folds, double *scores,
                                   float **probabilities, size_t *examples, int32_t *labels,
                                   hw_error *err);
HW_API void hw_buffer_free(void *buffer);

/* ---- Study -------------------------------------------------------------------- */

typedef enum hw_study_level {
    HW_STUDY_DEFAULT, /* standard */
    HW_STUDY_QUICK,   /* five seeds, nothing tuned, fewer controls */
    HW_STUDY_STANDARD,
    HW_STUDY_FULL
} hw_study_level;

typedef struct hw_study_options {
    const char *input;        /* labelled data; required */
    const char *valid, *test; /* default: 10 and 20 of 100 rows of the input */
    const char *output;       /* the folder to make, or to go on in; required */
    hw_reader_options reader;
    const char *claims; /* their letters: "a,c,h"; default all there are (docs/study.md) */
    hw_study_level level;
    int32_t seeds;   /* default 5, 10 or 20, by level */
    double epsilon;  /* smallest difference that matters, in points; default 0.5 */
    int32_t threads; /* trainings side by side; default: the CPUs the process may use */
    bool twins;      /* an A/A study: both sides of every comparison are the same arm, so that any
                      * verdict but NO DIFFERENCE and INCONCLUSIVE is false */
    hw_progress_fn *progress;
    void *user;
} hw_study_options;

/* Measures the claimed advantages of several attention heads over one on the user's own data
 * (docs/study.md) and writes verdicts.md, study.json, runs.csv and report.html into the output
 * folder. Every finished training is kept there: a study that was interrupted goes on where it was
 * and gives the same numbers, but for times. If the callback asks to stop: HW_ERROR_STOPPED. */
HW_API hw_status hw_study(const hw_study_options *options, hw_error *err);

/* ---- Pruning ------------------------------------------------------------------ */

/* A copy without these heads, which are those of hw_classifier_heads; what is left of a layer is
 * numbered anew. Its probabilities are those of a session with the heads masked, but for rounding,
 * and held_back_score is not known. HW_ERROR_ARGUMENT if a layer would have no head left,
 * HW_ERROR_UNSUPPORTED where heads cannot be taken apart: talking heads, the last layer of a
 * capsule classifier, ALBERT's shared layers, more than 64 heads a layer. */
HW_API hw_classifier *hw_classifier_prune(const hw_classifier *classifier, const hw_head_id *heads,
                                          size_t count, hw_error *err);

typedef enum hw_prune_order {
    HW_PRUNE_IMPORTANCE, /* by I = mean |d loss / d gate| over the texts, divided by the norm of
                          * its layer's (Michel et al. 2019, section 4.1), the least first */
    HW_PRUNE_GREEDY      /* likewise, measured again after every head that went */
} hw_prune_order;

typedef struct hw_prune_options {
    hw_reader_options reader;
    hw_prune_order order;
    int32_t keep; /* heads to keep in all; 0: as many go as the tolerance lets. Not of a curve */
    double
        tolerance; /* points of accuracy (multi-label: micro-F1) that may be lost; not negative */
    int32_t random_orders; /* of a curve; default 20; negative: none */
    bool oracle;           /* of a curve: an oracle's order too (hw_prune_curve) */
    uint64_t seed;         /* of the random orders */
    int32_t threads;       /* default: the CPUs the process may use; plan and curve are the same */
    hw_progress_fn *progress; /* if it asks to stop: HW_ERROR_STOPPED */
    void *user;
} hw_prune_options;

typedef struct hw_prune_step {
    hw_head_id head;   /* goes, after those of the steps before */
    double importance; /* when it was chosen; in a random order or an oracle's, of the whole
                        * classifier */
    double score;      /* without it and those; NaN if it was not measured (keep) */
    double log_loss;   /* likewise; as hw_evaluate says */
} hw_prune_step;

typedef struct hw_prune_plan {
    uint64_t examples;
    double score;               /* of the whole classifier: accuracy, multi-label micro-F1 */
    double log_loss;            /* likewise */
    const hw_prune_step *steps; /* [count]; at least one head of each layer is not among them */
    size_t count;
    const hw_head_id *heads; /* [chosen]: those of the first steps, which is what may go */
    size_t chosen;           /* the largest number whose loss is within the tolerance */
    double area; /* mean score over 0 to count heads gone, by that of the whole; NaN if it was not
                  * measured (keep), or if that is 0 */
} hw_prune_plan;

/* Which heads may go, chosen on labelled texts. Never choose on a test set: what is measured there
 * afterwards would be too good. options may be NULL: nothing may be lost. Free with
 * hw_prune_plan_free. */
HW_API hw_prune_plan *hw_prune_plan_make(const hw_classifier *classifier, const char *path,
                                         const hw_prune_options *options, hw_error *err);
HW_API void hw_prune_plan_free(hw_prune_plan *plan);

/* A plan, and what it is held against: if random orders are as good, it does not matter which heads
 * go. In all of them equally many go, and at least one head of each layer stays. */
typedef struct hw_prune_curve {
    const hw_prune_plan *plan;    /* that of hw_prune_plan_make */
    const hw_prune_plan *reverse; /* the same, but the most important goes first */
    const hw_prune_plan *random;  /* [random_orders] */
    size_t random_orders;
    double gain;    /* the plan's area less the mean of theirs; NaN if there are none, or one is */
    size_t as_good; /* of them, those whose area is at least the plan's */
    /* At each step goes the head without which the score is best; of equal scores that of the
     * smallest log-loss, then the first by layer and head. NULL unless options.oracle. */
    const hw_prune_plan *oracle;
} hw_prune_curve;

/* options.order is that of the plan and of the reverse. The n-th random order depends only on the
 * seed and on the classifier's heads. Measures (2 + random_orders) times as much as a plan, and for
 * an oracle the score of about heads^2 / 2 sets; heads that have been off together before are not
 * measured again. Free with hw_prune_curve_free. */
HW_API hw_prune_curve *hw_prune_curve_make(const hw_classifier *classifier, const char *path,
                                           const hw_prune_options *options, hw_error *err);
HW_API void hw_prune_curve_free(hw_prune_curve *curve);

/* ---- What heads are worth, and what they do ------------------------------------- */

/* In the order in which they are asked for: a head has the first one that it passes. Scores are
 * over the texts' own tokens as queries. All but DEAD and BROAD are also tested against copies of
 * the texts whose tokens were shuffled while the weights stayed. */
#define HW_HEAD_ROLE_LIST(X)                                                                       \
    X(DEAD, "dead")               /* off, it moves probabilities by less than 0.001 */             \
    X(SINK, "sink")               /* weight of the first token: 0.5 or more */                     \
    X(POSITION, "position")       /* share that regard most the token at one distance: 0.5 */      \
    X(SEPARATOR, "separator")     /* weight of marks and [SEP]: 0.3, and 3 times as if uniform */  \
    X(RAREST, "rarest token")     /* share that regard most the text's rarest word: 0.5 */         \
    X(RARITY, "rare tokens")      /* Spearman of weight received and rarity: 0.5 */                \
    X(SAME, "same token")         /* weight of the same word elsewhere: 3 times as if uniform */   \
    X(SEMANTIC, "semantic")       /* Spearman of weight and likeness of two words' vectors: 0.3 */ \
    X(EVIDENCE, "label evidence") /* Spearman of weight received and evidence of the label: 0.3 */ \
    X(LOCAL, "local")             /* weight at most 2 tokens away: 0.8 */                          \
    X(BROAD, "broad")             /* entropy: 0.9 */                                               \
    X(NONE, "no clear role")

typedef enum hw_head_role {
#define X(name, text) HW_ROLE_##name,
    HW_HEAD_ROLE_LIST(X)
#undef X
        HW_HEAD_ROLES
} hw_head_role;

enum { HW_ROLE_REACH = 3 }; /* of HW_ROLE_POSITION, to both sides */

HW_API const char *hw_head_role_text(hw_head_role role);

typedef struct hw_role_test {
    double score;     /* NaN where it cannot be measured */
    double base;      /* SEPARATOR: the score of uniform weights; else NaN */
    double p, p_holm; /* adjusted over all tests of all heads; NaN of DEAD, BROAD, NONE */
} hw_role_test;

/* Of a head of one tower, or of an encoder. Means over queries. */
typedef struct hw_head_look {
    double entropy;          /* of the weights, 0 to 1: by that of uniform ones */
    double confidence;       /* the largest weight */
    double distance;         /* of what is looked at, in tokens */
    double distance_ratio;   /* the same by that of uniform weights */
    double sink, separators; /* weight of the first token; of marks and [SEP] */
    hw_head_role role;
    int32_t offset; /* the distance that HW_ROLE_POSITION is about */
    hw_role_test tests[HW_HEAD_ROLES];
} hw_head_look;

/* What becomes of predictions without a head (in all towers). */
typedef struct hw_head_worth {
    hw_head_id head;
    double accuracy, change; /* multi-label: exact match; negative if the head is needed */
    hw_interval interval;    /* of the change (Agresti and Min 2005) */
    uint64_t gained, lost;   /* texts that are right only without it, or only with it */
    double p, p_holm;        /* McNemar, exact; adjusted over the heads */
    double loss_change;      /* of the log-loss: positive if the head is needed */
    double moved; /* mean over texts of the total variation between the probabilities with and
                   * without it (multi-label: mean change of a label's probability) */
} hw_head_worth;

/* Heads one after the other switched off together, that of the least worth first, until more than
 * the tolerance is lost. */
typedef struct hw_head_step {
    hw_head_id head; /* off from here on */
    double accuracy, change;
    hw_interval interval; /* of the change, as if the heads had been chosen on other texts */
} hw_head_step;

typedef struct hw_head_report {
    bool multi_label;
    uint64_t available, texts; /* in the data; measured: evenly spread over it */
    uint64_t looked, skipped; /* of them: attention was read; was not, being of one token or of more
                               * than HW_LOOK_TOKENS */
    size_t towers, layers, heads; /* heads of a layer that none were pruned of */
    const size_t *layer_heads;    /* [layers]: how many each has */
    size_t count;                 /* the sum of them */
    double accuracy, loss;        /* with all heads */
    const hw_head_worth *worth;   /* [count], by layer and head */
    const hw_head_look *look;     /* [towers][count] */
    const double *distance; /* [towers][layers][heads * heads] Jensen-Shannon divergence of weights,
                             * 0: alike, 1: nothing in common; of a layer with n heads the first
                             * n * n numbers are [n][n] */
    const double *output_distance; /* likewise, 1 - linear CKA (Kornblith et al. 2019) of what two
                                    * heads give to the texts' own tokens before the output
                                    * projection, 0: the same but for a rotation and a factor; NaN
                                    * with a head that always gives the same */
    const double *effective; /* [towers][layers] how many different heads there are in effect */
    double tolerance;
    const hw_head_step *step; /* [steps]; the last one may have lost too much */
    size_t steps, removable;  /* the first `removable` together lose at most the tolerance */
    hw_text example;          /* one of the texts, of a length that can be drawn */
} hw_head_report;

enum { HW_LOOK_TOKENS = 512 };

typedef struct hw_heads_options {
    hw_reader_options reader;
    hw_session_options session; /* masked heads are not looked at */
    int32_t texts; /* most that are measured; default 2,000, with many heads fewer: 20,000 by heads,
                    * but 200 */
    double tolerance; /* share of the texts that may be lost; default 0.005; negative: none */
    int32_t threads;
    hw_progress_fn *progress; /* if it asks to stop: HW_ERROR_STOPPED */
    void *user;
} hw_heads_options;

/* Measures every head of a classifier on labelled data: what it is worth, and whether it has a
 * role. options may be NULL. HW_ERROR_ARGUMENT without heads. The result is the same for any number
 * of threads. Free with hw_head_report_free. */
HW_API hw_head_report *hw_heads(const hw_classifier *classifier, const char *path,
                                const hw_heads_options *options, hw_error *err);
HW_API void hw_head_report_free(hw_head_report *report);

/* ---- Pretraining ------------------------------------------------------------- */

typedef struct hw_pretrain_options {
    const char *input;        /* texts, one a line, or any format of hw_reader; required */
    const char *output;       /* the folder to make; required */
    hw_reader_options reader; /* labels are not used */
    const char *base;         /* go on from this encoder; default: a new one */
    int32_t vocabulary;       /* of the new tokenizer; default by the size of the data */
    int32_t layers, heads, width, inner_width; /* default 4, 4, 128, 512 */
    int32_t epochs, batch, max_tokens;         /* default by the size of the data, 32, 128 */
    double learning_rate;                      /* default 0.256 / width; with a base 1e-4 */
    double mask_share;                         /* of the tokens; default 0.3 */
    uint64_t seed;
    int32_t threads;
    hw_progress_fn *progress;
    void *user;
} hw_pretrain_options;

/* Masked-token pretraining (Devlin et al. 2019) on unlabelled texts. Writes a folder of Hugging
 * Face's that hw_train_options.base opens; whole or not at all. Same data, seed and version: same
 * bytes, for any number of threads. */
HW_API hw_status hw_pretrain(const hw_pretrain_options *options, hw_error *err);

/* ---- Library ------------------------------------------------------------------ */

HW_API const char *hw_version(void);
/* The instruction set in use: "scalar", "avx2", "avxvnni", "avx512", "avx512vnni" or "neon". */
HW_API const char *hw_kernels_name(void);
/* The CPUs that this process may use (affinity and cgroup quota). */
HW_API int32_t hw_cpu_count(void);

#ifdef __cplusplus
}
#endif

#endif /* HEADWISE_H */
