/* Words come from where the classifier reads: the n-grams' words, or groups of an encoder's tokens.
 * Removals are run a few at a time through the session. */
#include "explain/subject.h"

#include "base/memory.h"
#include "classify/encoder_session.h"
#include "explain/encoder_words.h"
#include "text/utf8.h"

#include <string.h>

enum { ROWS = 16 }; /* removals that are run together */

static size_t label_count(const hw_subject *s) {
    return (size_t)s->classifier->summary.labels;
}

/* ---- Words and tokens -------------------------------------------------------------- */

/* at[length + 1]: code points before each byte that begins one. */
static void count_characters(uint32_t *at, hw_text text) {
    uint32_t characters = 0;
    for (size_t byte = 0, size; byte < text.length; byte += size, characters++) {
        hw_utf8_decode(&size, text.bytes + byte, text.length - byte);
        at[byte] = characters;
    }
    at[text.length] = characters;
}

static void set_characters(hw_attribution *items, size_t count, const uint32_t *at) {
    for (size_t i = 0; i < count; i++) {
        items[i].character_begin = at[items[i].begin];
        items[i].character_end = at[items[i].end];
    }
}

static hw_status add_characters(hw_subject *s, hw_error *err) {
    uint32_t *at = hw_calloc(s->text.length + 1, sizeof *at);
    if (!at) return hw_fail_memory(err, (s->text.length + 1) * sizeof *at);
    count_characters(at, s->text);
    set_characters(s->words, s->word_count, at);
    set_characters(s->tokens, s->token_count, at);
    hw_free(at);
    return HW_OK;
}

static hw_status take_words(hw_subject *s, hw_error *err) {
    hw_words words = { 0 };
    hw_status status = hw_words_split(&words, s->text, err);
    if (status == HW_OK && !(s->words = hw_calloc(words.count, sizeof *s->words)))
        status = hw_fail_memory(err, words.count * sizeof *s->words);
    if (status == HW_OK) {
        s->word_count = words.count;
        for (size_t i = 0; i < words.count; i++)
            s->words[i] =
                (hw_attribution){ .begin = words.items[i].begin, .end = words.items[i].end };
    }
    hw_words_free(&words);
    return status;
}

/* The mask token, else that of unknown words, else that of padding. */
static uint32_t unknown_token(const hw_tokenizer *tokenizer) {
    static const char *const names[] = { "[MASK]", "<mask>", "[UNK]", "<unk>", "[PAD]", "<pad>" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const uint32_t id = hw_tokenizer_find(tokenizer, names[i]);
        if (id != HW_NO_TOKEN) return id;
    }
    return 0;
}

static hw_status take_tokens(hw_subject *s, hw_error *err) {
    const hw_tokenizer *tokenizer = s->classifier->pretrained.tokenizer;
    const hw_tokens *tokens;
    size_t after;
    HW_TRY(hw_encoder_session_encode(hw_session_encoder(s->session), &tokens, s->text, err));
    const uint32_t *first = hw_tokenizer_before(tokenizer, &s->before);
    const uint32_t *last = hw_tokenizer_after(tokenizer, &after);
    s->unknown = unknown_token(tokenizer);
    s->token_count = s->before + tokens->count + after;
    s->tokens = hw_calloc(s->token_count, sizeof *s->tokens);
    s->word_of = hw_calloc(s->token_count, sizeof *s->word_of);
    if (!s->tokens || !s->word_of) return hw_fail_memory(err, s->token_count * sizeof *s->tokens);
    for (size_t i = 0; i < s->token_count; i++) s->word_of[i] = HW_NO_WORD;
    for (size_t i = 0; i < s->before; i++) s->tokens[i].id = first[i];
    for (size_t i = 0; i < after; i++) s->tokens[s->token_count - after + i].id = last[i];
    for (size_t i = 0; i < tokens->count; i++)
        s->tokens[s->before + i] = (hw_attribution){ .begin = tokens->items[i].begin,
                                                     .end = tokens->items[i].end,
                                                     .id = tokens->items[i].id };
    return hw_encoder_words(&s->words, &s->word_count, s->word_of + s->before, s->text,
                            tokens->items, tokens->count, err);
}

/* ---- Running ----------------------------------------------------------------------- */

/* Which of the tokens (special ones aside) go with the removed words: [count][tokens] */
static hw_status spread_to_tokens(hw_subject *s, const bool *removed, size_t count, hw_error *err) {
    const hw_tokens *tokens;
    HW_TRY(hw_encoder_session_encode(hw_session_encoder(s->session), &tokens, s->text, err));
    const size_t n = tokens->count;
    if (!hw_grow((void **)&s->removed_tokens, &s->removed_capacity, count * n + 1,
                 sizeof *s->removed_tokens))
        return hw_fail_memory(err, count * n * sizeof *s->removed_tokens);
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < n; i++) {
            const uint32_t word = s->word_of[s->before + i];
            s->removed_tokens[row * n + i] =
                word != HW_NO_WORD && removed[row * s->word_count + word];
        }
    return HW_OK;
}

static hw_status run_rows(hw_subject *s, const bool *removed, size_t count, hw_error *err) {
    hw_encoder_session *encoder = hw_session_encoder(s->session);
    if (!encoder)
        return hw_session_run_without(s->session, s->text, removed, s->word_count, count,
                                      s->rows[0], s->rows[1], s->rows[2], err);
    HW_TRY(spread_to_tokens(s, removed, count, err));
    return hw_encoder_session_run_without(encoder, s->text, s->removed_tokens, s->unknown, count,
                                          s->rows[0], s->rows[2], err);
}

static size_t first_largest(const float *values, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (values[i] > values[best]) best = i;
    return best;
}

static size_t decision_of(const hw_subject *s, const float *probabilities) {
    const float *thresholds = s->classifier->thresholds;
    if (!thresholds) return first_largest(probabilities, label_count(s));
    return probabilities[s->label] >= thresholds[s->label];
}

/* After run_rows. */
static hw_outcome outcome_of(const hw_subject *s, size_t row) {
    const size_t at = row * label_count(s);
    const double logit =
        hw_classifier_logit(s->classifier, s->rows[1] + at, s->rows[2] + at, s->label);
    return (hw_outcome){ .score = logit / s->classifier->config.temperature,
                         .probability = (double)s->rows[0][at + s->label],
                         .decision = decision_of(s, s->rows[0] + at) };
}

hw_status hw_subject_run(hw_outcome *outcomes, hw_subject *s, const bool *removed, size_t count,
                         hw_error *err) {
    for (size_t first = 0; first < count; first += ROWS) {
        const size_t rows = count - first < ROWS ? count - first : ROWS;
        HW_TRY(run_rows(s, removed + first * s->word_count, rows, err));
        for (size_t row = 0; row < rows; row++) outcomes[first + row] = outcome_of(s, row);
    }
    return HW_OK;
}

hw_status hw_subject_leave_out(double *drops, hw_subject *s, double score, hw_error *err) {
    const size_t count = s->word_count;
    hw_outcome outcomes[ROWS];
    bool *removed = hw_calloc(ROWS * count, sizeof *removed);
    hw_status status = removed ? HW_OK : hw_fail_memory(err, ROWS * count * sizeof *removed);
    for (size_t first = 0; first < count && status == HW_OK; first += ROWS) {
        const size_t rows = count - first < ROWS ? count - first : ROWS;
        for (size_t row = 0; row < rows; row++) removed[row * count + first + row] = true;
        status = hw_subject_run(outcomes, s, removed, rows, err);
        for (size_t row = 0; row < rows; row++) {
            removed[row * count + first + row] = false;
            drops[first + row] = score - outcomes[row].score;
        }
    }
    hw_free(removed);
    return status;
}

bool hw_subject_has_network(const hw_subject *s) {
    return s->classifier->encoder || s->classifier->config.towers > 0;
}

double hw_subject_weight(const hw_subject *s) {
    return s->classifier->config.join.tower / s->classifier->config.temperature;
}

/* ---- Making one -------------------------------------------------------------------- */

static hw_status choose_label(hw_subject *s, const char *name, hw_error *err) {
    if (name) {
        const int32_t label = hw_classifier_find_label(s->classifier, hw_text_of(name));
        if (label < 0)
            return hw_fail(err, HW_ERROR_ARGUMENT, "the model has no label %.100s", name);
        s->label = (size_t)label;
        return HW_OK;
    }
    HW_TRY(hw_session_run(s->session, &s->text, 1, s->rows[0], NULL, NULL, err));
    s->label = first_largest(s->rows[0], label_count(s));
    return HW_OK;
}

hw_status hw_subject_start(hw_subject *s, hw_session *session, hw_text text, const char *label,
                           hw_error *err) {
    s->session = session;
    s->classifier = hw_session_classifier(session);
    s->text = text;
    HW_TRY(hw_classifier_check_labels(s->classifier, err));
    HW_TRY(s->classifier->encoder ? take_tokens(s, err) : take_words(s, err));
    HW_TRY(add_characters(s, err));
    for (size_t i = 0; i < 3; i++) {
        s->rows[i] = hw_calloc(ROWS * label_count(s), sizeof *s->rows[i]);
        if (!s->rows[i]) return hw_fail_memory(err, ROWS * label_count(s) * sizeof *s->rows[i]);
    }
    return choose_label(s, label, err);
}

void hw_subject_free(hw_subject *s) {
    hw_free(s->words);
    hw_free(s->tokens);
    hw_free(s->word_of);
    hw_free(s->removed_tokens);
    for (size_t i = 0; i < 3; i++) hw_free(s->rows[i]);
    *s = (hw_subject){ 0 };
}
