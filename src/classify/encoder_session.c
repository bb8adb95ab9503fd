/* One text on its way: tokens, windows, a batch, logits, their mean, probabilities. Windows are run
 * in the order of their texts, so that one row of sums serves all texts. */
#include "classify/encoder_session.h"

#include "base/memory.h"
#include "classify/head_mask.h"
#include "classify/token_windows.h"

#include <string.h>

/* A batch ends before the window that would bring it over BATCH_TOKENS. Scratch memory begins at
 * what FIRST_TOKENS need: most texts are short. */
enum { BATCH_WINDOWS = 64, BATCH_TOKENS = 1024, FIRST_TOKENS = 64 };

/* A window's place in its text. */
typedef struct window {
    size_t text;
    bool is_first, is_last;
} window;

struct hw_encoder_session {
    const hw_classifier *classifier;
    const hw_kernels *kernels;
    hw_window_plan plan;
    size_t added; /* special tokens of a window */
    bool truncate;
    hw_pool *pool;   /* NULL: the caller works alone */
    bool *heads_off; /* [layers][heads], or NULL */
    hw_tokenizer_scratch *tokenizer;
    hw_tokens tokens; /* of one text */

    window windows[BATCH_WINDOWS];       /* [count] of the batch */
    uint32_t offsets[BATCH_WINDOWS + 1]; /* into ids */
    size_t count;
    uint32_t *ids; /* [offsets[count]] */
    size_t ids_capacity;
    hw_encoder_scratch *scratch;
    size_t scratch_tokens, scratch_longest; /* that scratch has room for */
    float *logits;                          /* [BATCH_WINDOWS][labels] */
    float *mean;                            /* [labels] of the text whose windows are being run */
    double *sums;                           /* likewise */

    uint32_t *window_counts; /* of each text of the call */
    size_t window_capacity;
};

/* Where results go; each may be NULL. */
typedef struct output {
    float *probabilities, *logits; /* [texts][labels] */
} output;

static size_t label_count(const hw_encoder_session *session) {
    return (size_t)session->classifier->summary.labels;
}

/* ---- Making one ------------------------------------------------------------------ */

static hw_status make_plan(hw_encoder_session *session, const hw_session_options *options,
                           hw_error *err) {
    const int32_t most = session->classifier->config.max_tokens;
    const int32_t asked = options ? options->max_tokens : 0, tokens = asked ? asked : most;
    const int32_t least = (int32_t)session->added + 1;
    if (tokens < least || tokens > most)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "max_tokens is %d; a window of this model has %d to %d tokens", (int)tokens,
                       (int)least, (int)most);
    const int32_t room = tokens - (int32_t)session->added;
    const int32_t usual = tokens / 4 < room ? tokens / 4 : room - 1;
    const int32_t given = options ? options->stride : 0;
    const int32_t stride = given ? given : usual;
    if (stride >= room)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "stride is %d, but a window has only %d tokens of text", (int)stride,
                       (int)room);
    session->plan = (hw_window_plan){ (size_t)room, stride > 0 ? (size_t)stride : 0 };
    session->truncate = options && options->truncate;
    return HW_OK;
}

enum { THREADS_LIMIT = 1024 };

static hw_status start_threads(hw_encoder_session *session, const hw_session_options *options,
                               hw_error *err) {
    const int32_t threads = options ? options->threads : 0;
    if (threads < 0 || threads > THREADS_LIMIT)
        return hw_fail(err, HW_ERROR_ARGUMENT, "threads is %d; a session has 1 to %d", (int)threads,
                       (int)THREADS_LIMIT);
    if (threads > 1) session->pool = hw_pool_new(threads, err);
    return threads > 1 && !session->pool ? HW_ERROR_MEMORY : HW_OK;
}

static hw_status reserve(hw_encoder_session *session, hw_error *err) {
    const size_t labels = label_count(session);
    session->tokenizer = hw_tokenizer_scratch_new(session->classifier->pretrained.tokenizer, err);
    if (!session->tokenizer) return HW_ERROR_MEMORY;
    session->logits = hw_calloc(BATCH_WINDOWS * labels, sizeof *session->logits);
    session->mean = hw_calloc(labels, sizeof *session->mean);
    session->sums = hw_calloc(labels, sizeof *session->sums);
    if (session->logits && session->mean && session->sums) return HW_OK;
    return hw_fail_memory(err, BATCH_WINDOWS * labels * sizeof *session->logits);
}

hw_encoder_session *hw_encoder_session_new(const hw_classifier *classifier,
                                           const hw_session_options *options, hw_error *err) {
    hw_encoder_session *session = hw_calloc(1, sizeof *session);
    if (!session) {
        hw_fail_memory(err, sizeof *session);
        return NULL;
    }
    session->classifier = classifier;
    session->kernels = hw_kernels_select();
    session->added = hw_template_tokens(classifier->pretrained.tokenizer);
    if (make_plan(session, options, err) == HW_OK &&
        start_threads(session, options, err) == HW_OK &&
        hw_head_mask_make(&session->heads_off, classifier, options, err) == HW_OK &&
        reserve(session, err) == HW_OK)
        return session;
    hw_encoder_session_free(session);
    return NULL;
}

void hw_encoder_session_free(hw_encoder_session *session) {
    if (!session) return;
    hw_tokenizer_scratch_free(session->tokenizer);
    hw_encoder_scratch_free(session->scratch);
    hw_pool_free(session->pool);
    hw_free(session->heads_off);
    hw_free(session->tokens.items);
    hw_free(session->ids);
    hw_free(session->logits);
    hw_free(session->mean);
    hw_free(session->sums);
    hw_free(session->window_counts);
    hw_free(session);
}

/* ---- A batch ---------------------------------------------------------------------- */

static size_t grown(size_t capacity, size_t least, size_t needed) {
    if (capacity < least) capacity = least;
    while (capacity < needed) capacity *= 2;
    return capacity;
}

/* Scratch memory for a batch of that many tokens whose longest window has `longest`. */
static hw_status reserve_scratch(hw_encoder_session *session, size_t tokens, size_t longest,
                                 hw_error *err) {
    if (tokens <= session->scratch_tokens && longest <= session->scratch_longest) return HW_OK;
    const size_t most = session->plan.room + session->added;
    const size_t new_tokens = grown(session->scratch_tokens, FIRST_TOKENS, tokens);
    size_t new_longest = grown(session->scratch_longest, FIRST_TOKENS, longest);
    if (new_longest > most) new_longest = most;
    hw_encoder_scratch_free(session->scratch);
    session->scratch_tokens = session->scratch_longest = 0;
    session->scratch =
        hw_encoder_scratch_new(&session->classifier->pretrained.config, BATCH_WINDOWS, new_tokens,
                               new_longest, false, session->pool, err);
    if (!session->scratch) return HW_ERROR_MEMORY;
    hw_encoder_scratch_mask_heads(session->scratch, session->heads_off);
    session->scratch_tokens = new_tokens;
    session->scratch_longest = new_longest;
    return HW_OK;
}

static size_t longest_window(const hw_encoder_session *session) {
    size_t longest = 0;
    for (size_t i = 0; i < session->count; i++) {
        const size_t tokens = session->offsets[i + 1] - session->offsets[i];
        if (tokens > longest) longest = tokens;
    }
    return longest;
}

static void finish_text(hw_encoder_session *session, output out, size_t text, size_t windows) {
    const size_t labels = label_count(session), row = text * labels;
    for (size_t label = 0; label < labels; label++)
        session->mean[label] = (float)(session->sums[label] / (double)windows);
    if (out.logits) memcpy(out.logits + row, session->mean, labels * sizeof *out.logits);
    if (out.probabilities)
        hw_classifier_join(session->classifier, out.probabilities + row, NULL, session->mean);
}

static void add_window(hw_encoder_session *session, const float *logits, window w) {
    const size_t labels = label_count(session);
    if (w.is_first) memset(session->sums, 0, labels * sizeof *session->sums);
    for (size_t label = 0; label < labels; label++) session->sums[label] += (double)logits[label];
}

static size_t windows_read(const hw_encoder_session *session, size_t text) {
    return session->truncate ? 1 : session->window_counts[text];
}

size_t hw_encoder_session_windows_read(const hw_encoder_session *session, size_t tokens) {
    return session->truncate ? 1 : hw_window_count(session->plan, tokens);
}

void hw_encoder_session_window(size_t *begin, size_t *end, const hw_encoder_session *session,
                               size_t tokens, size_t number) {
    hw_window_bounds(begin, end, session->plan, tokens, number);
}

static hw_status run_batch(hw_encoder_session *session, output out, hw_error *err) {
    const size_t tokens = session->offsets[session->count];
    if (session->count == 0) return HW_OK;
    HW_TRY(reserve_scratch(session, tokens, longest_window(session), err));
    const hw_encoder_batch batch = { .tokens = session->ids,
                                     .offsets = session->offsets,
                                     .texts = session->count };
    hw_classifier_warm(session->classifier, session->kernels, session->pool);
    hw_encoder_forward(session->logits, session->scratch, session->classifier->encoder,
                       session->kernels, batch, NULL);
    for (size_t i = 0; i < session->count; i++) {
        const window w = session->windows[i];
        add_window(session, session->logits + i * label_count(session), w);
        if (w.is_last) finish_text(session, out, w.text, windows_read(session, w.text));
    }
    session->count = 0;
    return HW_OK;
}

/* ---- Texts ------------------------------------------------------------------------- */

/* Adds tokens [begin, end) of the current text to the batch, which is run first if it is full. */
static hw_status add_to_batch(hw_encoder_session *session, output out, window w, size_t begin,
                              size_t end, hw_error *err) {
    const size_t length = end - begin + session->added;
    const bool is_full =
        session->count == BATCH_WINDOWS || session->offsets[session->count] + length > BATCH_TOKENS;
    if (is_full) HW_TRY(run_batch(session, out, err));
    const size_t used = session->offsets[session->count];
    if (!hw_grow((void **)&session->ids, &session->ids_capacity, used + length + 1,
                 sizeof *session->ids))
        return hw_fail_memory(err, (used + length + 1) * sizeof *session->ids);
    const hw_token *tokens = end > begin ? session->tokens.items + begin : NULL;
    const size_t written = hw_window_write(
        session->ids + used, session->classifier->pretrained.tokenizer, tokens, end - begin);
    session->windows[session->count++] = w;
    session->offsets[session->count] = (uint32_t)(used + written);
    return HW_OK;
}

/* Adds the session's tokens. */
static hw_status add_tokens(hw_encoder_session *session, output out, size_t row, hw_error *err) {
    const size_t tokens = session->tokens.count;
    session->window_counts[row] = (uint32_t)hw_window_count(session->plan, tokens);
    const size_t windows = windows_read(session, row);
    for (size_t i = 0; i < windows; i++) {
        size_t begin, end;
        hw_window_bounds(&begin, &end, session->plan, tokens, i);
        const window w = { row, i == 0, i + 1 == windows };
        HW_TRY(add_to_batch(session, out, w, begin, end, err));
    }
    return HW_OK;
}

hw_status hw_encoder_session_encode(hw_encoder_session *session, const hw_tokens **tokens,
                                    hw_text text, hw_error *err) {
    *tokens = &session->tokens;
    return hw_tokenizer_encode(&session->tokens, session->tokenizer, text, err);
}

static hw_status begin_call(hw_encoder_session *session, size_t count, hw_error *err) {
    HW_TRY(hw_classifier_check_labels(session->classifier, err));
    if (!hw_grow((void **)&session->window_counts, &session->window_capacity, count,
                 sizeof *session->window_counts))
        return hw_fail_memory(err, count * sizeof *session->window_counts);
    session->count = 0;
    return HW_OK;
}

hw_status hw_encoder_session_run(hw_encoder_session *session, const hw_text *texts, size_t count,
                                 float *probabilities, float *logits, hw_error *err) {
    const output out = { probabilities, logits };
    HW_TRY(begin_call(session, count, err));
    for (size_t i = 0; i < count; i++) {
        HW_TRY(hw_tokenizer_encode(&session->tokens, session->tokenizer, texts[i], err));
        HW_TRY(add_tokens(session, out, i, err));
    }
    return run_batch(session, out, err);
}

hw_status hw_encoder_session_run_without(hw_encoder_session *session, hw_text text,
                                         const bool *removed, uint32_t instead, size_t count,
                                         float *probabilities, float *logits, hw_error *err) {
    const output out = { probabilities, logits };
    HW_TRY(begin_call(session, count, err));
    for (size_t row = 0; row < count; row++) {
        HW_TRY(hw_tokenizer_encode(&session->tokens, session->tokenizer, text, err));
        for (size_t i = 0; i < session->tokens.count; i++)
            if (removed[row * session->tokens.count + i]) session->tokens.items[i].id = instead;
        HW_TRY(add_tokens(session, out, row, err));
    }
    return run_batch(session, out, err);
}

const bool *hw_encoder_session_heads_off(const hw_encoder_session *session) {
    return session->heads_off;
}

size_t hw_encoder_session_windows(const hw_encoder_session *session, size_t i) {
    return session->window_counts[i];
}

/* ---- Tokens ------------------------------------------------------------------------- */

typedef struct token_list {
    hw_token *items; /* [capacity] */
    size_t capacity, count;
} token_list;

static void add_token(token_list *list, hw_token token) {
    if (list->count < list->capacity) list->items[list->count] = token;
    list->count++;
}

static void add_special(token_list *list, const uint32_t *ids, size_t count) {
    for (size_t i = 0; i < count; i++) add_token(list, (hw_token){ .id = ids[i] });
}

hw_status hw_encoder_session_tokenize(hw_encoder_session *session, hw_text text, hw_token *tokens,
                                      size_t capacity, size_t *count, hw_error *err) {
    const hw_tokenizer *tokenizer = session->classifier->pretrained.tokenizer;
    HW_TRY(hw_tokenizer_encode(&session->tokens, session->tokenizer, text, err));
    token_list list = { tokens, capacity, 0 };
    size_t before, after;
    const uint32_t *first = hw_tokenizer_before(tokenizer, &before);
    const uint32_t *last = hw_tokenizer_after(tokenizer, &after);
    add_special(&list, first, before);
    for (size_t i = 0; i < session->tokens.count; i++) add_token(&list, session->tokens.items[i]);
    add_special(&list, last, after);
    *count = list.count;
    return HW_OK;
}
