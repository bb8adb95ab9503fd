/* hw_session: texts go through the n-grams one by one and through the towers in small
 * batches, or all of them through a pretrained encoder (encoder_session.c). Invariant: a text's
 * logits are computed from that text alone, so they are the same bits in any batch. */
#include "classify/classifier.h"

#include "base/memory.h"
#include "classify/encoder_session.h"
#include "classify/encoding.h"
#include "classify/head_mask.h"

#include <assert.h>
#include <string.h>

/* A batch ends with the text that brings it to BATCH_TOKENS. Batches of more than
 * SCRATCH_TOKENS, which end in a long text, get a scratch for the occasion. */
enum { BATCH_TEXTS = 32, BATCH_TOKENS = 1024, SCRATCH_TOKENS = 4096, PREFETCH_AHEAD = 8 };

struct hw_session {
    const hw_classifier *classifier;
    const hw_kernels *kernels;
    hw_encoder_session *encoder; /* does it all, of a classifier with one */
    hw_encoding encoding;        /* of one text */

    size_t texts;                      /* in the batch */
    uint32_t offsets[BATCH_TEXTS + 1]; /* into tokens */
    uint32_t *token_offsets;           /* [offsets[texts] + 1] into token_ngrams */
    uint32_t *token_ngrams;
    size_t tokens_capacity, ngrams_capacity;
    const hw_tower_views *towers; /* the classifier's, or: */
    hw_masked_towers masked;      /* with heads switched off */
    hw_tower_scratch *scratch;    /* NULL without towers */
    float *bag;                   /* [BATCH_TEXTS][labels], NULL without n-grams */
    float *tower;                 /* [BATCH_TEXTS][columns] mean of the towers, NULL without them */
    float *next_tower;            /* likewise, of a tower that is not the first */
};

static size_t label_count(const hw_session *session) {
    return (size_t)session->classifier->summary.labels;
}

/* Of a row of the towers' logits. */
static size_t column_count(const hw_session *session) {
    return (size_t)hw_tower_columns(session->classifier->summary.labels);
}

/* ---- Making one -------------------------------------------------------------- */

static float *new_rows(size_t columns, hw_error *err) {
    float *rows = hw_calloc(BATCH_TEXTS * columns, sizeof *rows);
    if (!rows) hw_fail_memory(err, BATCH_TEXTS * columns * sizeof *rows);
    return rows;
}

static hw_tower_scratch *new_scratch(const hw_classifier *classifier, size_t tokens,
                                     hw_error *err) {
    return hw_tower_scratch_new(&classifier->config.tower, BATCH_TEXTS, tokens, false, err);
}

static bool mask_heads(hw_session *session, const hw_session_options *options, hw_error *err) {
    bool *off = NULL;
    session->towers = session->classifier->towers;
    if (hw_head_mask_make(&off, session->classifier, options, err) != HW_OK) return false;
    if (!off) return true;
    const hw_status status = hw_masked_towers_make(&session->masked, session->classifier, off, err);
    session->towers = session->masked.towers;
    hw_free(off);
    return status == HW_OK;
}

static bool reserve(hw_session *session, const hw_session_options *options, hw_error *err) {
    const hw_classifier *classifier = session->classifier;
    if (classifier->encoder)
        return (session->encoder = hw_encoder_session_new(classifier, options, err));
    if (!mask_heads(session, options, err)) return false;
    const int32_t towers = classifier->config.towers;
    if (classifier->bag_bias && !(session->bag = new_rows(label_count(session), err))) return false;
    if (towers > 0 && !(session->tower = new_rows(column_count(session), err))) return false;
    if (towers > 1 && !(session->next_tower = new_rows(column_count(session), err))) return false;
    return towers == 0 || (session->scratch = new_scratch(classifier, SCRATCH_TOKENS, err));
}

hw_session *hw_session_new(const hw_classifier *classifier, const hw_session_options *options,
                           hw_error *err) {
    hw_session *session = hw_calloc(1, sizeof *session);
    if (!session) {
        hw_fail_memory(err, sizeof *session);
        return NULL;
    }
    session->classifier = classifier;
    session->kernels = hw_kernels_select();
    if (reserve(session, options, err)) return session;
    hw_session_free(session);
    return NULL;
}

void hw_session_free(hw_session *session) {
    if (!session) return;
    hw_encoder_session_free(session->encoder);
    hw_encoding_free(&session->encoding);
    hw_free(session->token_offsets);
    hw_free(session->token_ngrams);
    hw_masked_towers_free(&session->masked);
    hw_tower_scratch_free(session->scratch);
    hw_free(session->bag);
    hw_free(session->tower);
    hw_free(session->next_tower);
    hw_free(session);
}

/* ---- The n-grams --------------------------------------------------------------- */

/* logits[labels] = bias + sum of value * row, in the order of the features. */
static void bag_logits(float *logits, const hw_classifier *classifier, const hw_features *features,
                       const hw_kernels *kernels) {
    const size_t labels = (size_t)classifier->summary.labels;
    memcpy(logits, classifier->bag_bias, labels * sizeof *logits);
    if (classifier->table) {
        hw_features_add_rows(logits, classifier->table, features->items, features->count, labels,
                             kernels);
        return;
    }
    for (size_t i = 0; i < features->count; i++) {
        if (i + PREFETCH_AHEAD < features->count)
            __builtin_prefetch(classifier->table_int8 +
                               features->items[i + PREFETCH_AHEAD].index * labels);
        const hw_feature item = features->items[i];
        kernels->axpy_int8(logits, classifier->table_int8 + item.index * labels,
                           classifier->table_scale, item.value, labels);
    }
}

/* ---- The towers ---------------------------------------------------------------- */

static hw_status add_to_tokens(hw_session *session, hw_error *err) {
    const hw_encoding *e = &session->encoding;
    const size_t token = session->offsets[session->texts];
    const size_t ngram = session->texts ? session->token_offsets[token] : 0;
    const size_t ngrams = e->token_offsets[e->tokens];
    if (!hw_grow((void **)&session->token_offsets, &session->tokens_capacity, token + e->tokens + 1,
                 sizeof *session->token_offsets) ||
        !hw_grow((void **)&session->token_ngrams, &session->ngrams_capacity, ngram + ngrams + 1,
                 sizeof *session->token_ngrams))
        return hw_fail_memory(err, (token + ngram + ngrams) * sizeof *session->token_ngrams);
    for (size_t i = 0; i <= e->tokens; i++)
        session->token_offsets[token + i] = (uint32_t)ngram + e->token_offsets[i];
    memcpy(session->token_ngrams + ngram, e->token_ngrams, ngrams * sizeof *e->token_ngrams);
    session->offsets[session->texts + 1] = (uint32_t)(token + e->tokens);
    return HW_OK;
}

/* logits[texts][columns] of one tower. */
static void run_tower(float *logits, const hw_session *session, int32_t tower,
                      hw_tower_scratch *scratch) {
    const hw_classifier *classifier = session->classifier;
    const hw_batch batch = { session->token_ngrams, session->token_offsets, session->offsets,
                             session->texts };
    hw_tower_forward(logits, scratch, &classifier->config.tower, &session->towers[tower],
                     session->kernels, batch, NULL);
}

static void average_towers(hw_session *session, hw_tower_scratch *scratch) {
    const int32_t towers = session->classifier->config.towers;
    const size_t floats = session->texts * column_count(session);
    run_tower(session->tower, session, 0, scratch);
    for (int32_t tower = 1; tower < towers; tower++) {
        run_tower(session->next_tower, session, tower, scratch);
        session->kernels->add(session->tower, session->next_tower, floats);
    }
    for (size_t i = 0; i < floats; i++) session->tower[i] /= (float)towers;
}

static hw_status run_towers(hw_session *session, hw_error *err) {
    const size_t tokens = session->offsets[session->texts];
    if (!session->tower) return HW_OK;
    hw_tower_scratch *larger = NULL;
    if (tokens > SCRATCH_TOKENS && !(larger = new_scratch(session->classifier, tokens, err)))
        return HW_ERROR_MEMORY;
    average_towers(session, larger ? larger : session->scratch);
    hw_tower_scratch_free(larger);
    return HW_OK;
}

/* ---- Texts --------------------------------------------------------------------- */

/* The texts of a call: texts[count], or texts[0] without the words that each row of removed
 * [count][words] names. */
typedef struct request {
    const hw_text *texts;
    const bool *removed; /* or NULL */
    size_t words, count;
} request;

static hw_status encode(hw_session *session, const request *r, size_t row, hw_error *err) {
    const hw_classifier *classifier = session->classifier;
    const hw_ngram_options *options = &classifier->config.ngram_options;
    HW_TRY(hw_encoding_make(&session->encoding, r->texts[r->removed ? 0 : row], options,
                            &classifier->ngrams, err));
    if (!r->removed) return HW_OK;
    assert(session->encoding.words.count == r->words);
    return hw_encoding_remove(&session->encoding, r->removed + row * r->words, options, err);
}

static hw_status add_text(hw_session *session, const request *r, size_t row, hw_error *err) {
    const hw_classifier *classifier = session->classifier;
    hw_encoding *encoding = &session->encoding;
    HW_TRY(encode(session, r, row, err));
    if (session->bag) {
        HW_TRY(hw_encoding_weigh(encoding, classifier->config.ngrams, classifier->idf, err));
        bag_logits(session->bag + session->texts * label_count(session), classifier,
                   &encoding->features, session->kernels);
    }
    if (session->tower) {
        HW_TRY(hw_encoding_sort(encoding, err));
        HW_TRY(add_to_tokens(session, err));
    }
    session->texts++;
    return HW_OK;
}

/* Takes texts from `first` on, at least one, until the batch is full, and runs them. */
static hw_status run_batch(hw_session *session, const request *r, size_t first, hw_error *err) {
    session->texts = 0;
    while (first + session->texts < r->count && session->texts < BATCH_TEXTS &&
           session->offsets[session->texts] < BATCH_TOKENS)
        HW_TRY(add_text(session, r, first + session->texts, err));
    return run_towers(session, err);
}

/* Copies row `text` of a branch to logits[labels], which may be NULL. */
static void copy_row(float *logits, const float *rows, size_t columns, size_t text, size_t labels) {
    if (!logits) return;
    if (rows)
        memcpy(logits, rows + text * columns, labels * sizeof *logits);
    else
        memset(logits, 0, labels * sizeof *logits);
}

static hw_status run(hw_session *session, const request *r, float *probabilities, float *bag,
                     float *tower, hw_error *err) {
    const size_t labels = label_count(session), columns = column_count(session);
    for (size_t first = 0; first < r->count; first += session->texts) {
        HW_TRY(run_batch(session, r, first, err));
        for (size_t text = 0; text < session->texts; text++) {
            const size_t row = (first + text) * labels;
            copy_row(bag ? bag + row : NULL, session->bag, labels, text, labels);
            copy_row(tower ? tower + row : NULL, session->tower, columns, text, labels);
            if (!probabilities) continue;
            hw_classifier_join(session->classifier, probabilities + row,
                               session->bag ? session->bag + text * labels : NULL,
                               session->tower ? session->tower + text * columns : NULL);
        }
    }
    return HW_OK;
}

hw_status hw_session_run(hw_session *session, const hw_text *texts, size_t count,
                         float *probabilities, float *bag, float *tower, hw_error *err) {
    if (session->encoder)
        return hw_encoder_session_run(session->encoder, texts, count, probabilities, tower, err);
    const request r = { .texts = texts, .count = count };
    return run(session, &r, probabilities, bag, tower, err);
}

hw_status hw_session_run_without(hw_session *session, hw_text text, const bool *removed,
                                 size_t words, size_t count, float *probabilities, float *bag,
                                 float *tower, hw_error *err) {
    assert(!session->encoder);
    const request r = { &text, removed, words, count };
    return run(session, &r, probabilities, bag, tower, err);
}

const hw_classifier *hw_session_classifier(const hw_session *session) {
    return session->classifier;
}

const hw_tower_views *hw_session_towers(const hw_session *session) {
    return session->towers;
}

hw_encoder_session *hw_session_encoder(hw_session *session) {
    return session->encoder;
}

hw_status hw_classify(hw_session *session, const hw_text *texts, size_t count, float *probabilities,
                      hw_error *err) {
    assert(session && (texts || !count) && (probabilities || !count));
    return hw_session_run(session, texts, count, probabilities, NULL, NULL, err);
}

size_t hw_session_windows(const hw_session *session, size_t i) {
    return session->encoder ? hw_encoder_session_windows(session->encoder, i) : 1;
}

hw_status hw_tokenize(hw_session *session, hw_text text, hw_token *tokens, size_t capacity,
                      size_t *count, hw_error *err) {
    assert(session && (tokens || !capacity) && count);
    if (session->encoder)
        return hw_encoder_session_tokenize(session->encoder, text, tokens, capacity, count, err);
    return hw_fail(err, HW_ERROR_ARGUMENT,
                   "the model has no tokenizer: it is no pretrained encoder");
}

const char *hw_token_string(const hw_classifier *classifier, uint32_t id) {
    const hw_tokenizer *tokenizer = classifier->pretrained.tokenizer;
    return tokenizer ? hw_tokenizer_string(tokenizer, id) : NULL;
}
