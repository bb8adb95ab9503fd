/* Texts go through in pieces that end with the text that brings them to PIECE_TOKENS. */
#include "train/tower_scores.h"

#include "base/memory.h"

#include <string.h>

enum { PIECE_TEXTS = 16, PIECE_TOKENS = 2048 };

struct hw_tower_scorer {
    hw_tower_config config;
    hw_token_lists texts;
    const uint32_t *rows;
    size_t count;
    hw_tower_scratch *scratch;
    uint32_t *ngrams, *token_offsets, offsets[PIECE_TEXTS + 1];
    float *logits; /* [PIECE_TEXTS][columns] */
};

static size_t tokens_of(const hw_token_lists *texts, uint32_t row) {
    return texts->text_offsets[row + 1] - texts->text_offsets[row];
}

static size_t ngrams_of(const hw_token_lists *texts, uint32_t row) {
    return texts->token_offsets[texts->text_offsets[row + 1]] -
           texts->token_offsets[texts->text_offsets[row]];
}

/* The texts from `first` on that make one piece. */
static size_t piece_texts(const hw_tower_scorer *s, size_t first) {
    size_t tokens = 0, texts = 0;
    while (first + texts < s->count && texts < PIECE_TEXTS && tokens < PIECE_TOKENS)
        tokens += tokens_of(&s->texts, s->rows[first + texts++]);
    return texts;
}

static hw_batch fill(hw_tower_scorer *s, size_t first, size_t texts) {
    size_t tokens = 0, ngrams = 0;
    s->offsets[0] = s->token_offsets[0] = 0;
    for (size_t i = 0; i < texts; i++) {
        const uint32_t row = s->rows[first + i];
        const size_t begin = s->texts.text_offsets[row], end = s->texts.text_offsets[row + 1];
        for (size_t token = begin; token < end; token++) {
            for (size_t n = s->texts.token_offsets[token]; n < s->texts.token_offsets[token + 1];
                 n++)
                s->ngrams[ngrams++] = s->texts.ngrams[n];
            s->token_offsets[++tokens] = (uint32_t)ngrams;
        }
        s->offsets[i + 1] = (uint32_t)tokens;
    }
    return (hw_batch){ s->ngrams, s->token_offsets, s->offsets, texts };
}

hw_tower_scorer *hw_tower_scorer_new(const hw_tower_config *config, const hw_token_lists *texts,
                                     const uint32_t *rows, size_t count, hw_error *err) {
    hw_tower_scorer *s = hw_calloc(1, sizeof *s);
    if (!s) {
        hw_fail_memory(err, sizeof *s);
        return NULL;
    }
    s->config = *config;
    s->texts = *texts;
    s->rows = rows;
    s->count = count;
    size_t most_tokens = 1, most_ngrams = 1;
    for (size_t first = 0, next; first < count; first = next) {
        next = first + piece_texts(s, first);
        size_t tokens = 0, ngrams = 0;
        for (size_t i = first; i < next; i++) {
            tokens += tokens_of(texts, rows[i]);
            ngrams += ngrams_of(texts, rows[i]);
        }
        if (tokens > most_tokens) most_tokens = tokens;
        if (ngrams > most_ngrams) most_ngrams = ngrams;
    }
    s->ngrams = hw_calloc(most_ngrams, sizeof *s->ngrams);
    s->token_offsets = hw_calloc(most_tokens + 1, sizeof *s->token_offsets);
    s->logits = hw_calloc(PIECE_TEXTS, (size_t)hw_tower_columns(config->labels) * sizeof(float));
    s->scratch = hw_tower_scratch_new(config, PIECE_TEXTS, most_tokens, false, err);
    if (s->ngrams && s->token_offsets && s->logits && s->scratch) return s;
    hw_fail_memory(err, most_ngrams * sizeof *s->ngrams);
    hw_tower_scorer_free(s);
    return NULL;
}

void hw_tower_scorer_free(hw_tower_scorer *s) {
    if (!s) return;
    hw_free(s->ngrams);
    hw_free(s->token_offsets);
    hw_free(s->logits);
    hw_tower_scratch_free(s->scratch);
    hw_free(s);
}

void hw_tower_scorer_run(float *logits, hw_tower_scorer *s, float *block,
                         const hw_kernels *kernels) {
    const size_t labels = (size_t)s->config.labels;
    const size_t columns = (size_t)hw_tower_columns(s->config.labels);
    hw_tower_views views;
    hw_tower_view(&views, &s->config, block);
    for (size_t first = 0, texts; first < s->count; first += texts) {
        texts = piece_texts(s, first);
        hw_tower_forward(s->logits, s->scratch, &s->config, &views, kernels, fill(s, first, texts),
                         NULL);
        for (size_t i = 0; i < texts; i++)
            memcpy(logits + (first + i) * labels, s->logits + i * columns, labels * sizeof *logits);
    }
}
