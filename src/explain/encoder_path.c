/* Every window of the text is run at every point, with vectors in place of the rows of the word
 * embedding; a value is the mean over the windows, and what a token has in several of them is
 * summed. */
#include "explain/path.h"

#include "base/memory.h"
#include "classify/encoder_session.h"
#include "classify/token_windows.h"

#include <assert.h>
#include <string.h>

enum { BATCH_TOKENS = 512, BATCH_TEXTS = 16 };

typedef struct encoder_path {
    hw_path path;
    const hw_subject *subject;
    size_t width; /* of the word embedding */
    size_t windows;
    size_t *starts;     /* [windows + 1] into the places of all windows */
    uint32_t *ids;      /* [places] */
    uint32_t *token_of; /* [places] of the subject's; HW_NO_WORD: of none */
    float *from, *step; /* [places][width]: x', x - x' */
    size_t most_tokens;
    bool takes_gradients;
    hw_encoder_scratch *scratch;
    float *gradient;      /* a block like the encoder's; untouched pages of it cost nothing. NULL
                           * where no gradient is taken */
    float *rows, *d_rows; /* [most_tokens][width] */
    uint32_t *tokens;     /* [most_tokens] */
    uint32_t offsets[BATCH_TEXTS + 1];
    float *logits, *d_logits; /* [BATCH_TEXTS][labels] */
} encoder_path;

/* ---- Running ----------------------------------------------------------------------- */

/* A window at a point. Numbered point by point. */
typedef struct visit {
    size_t point, window, begin, end; /* places */
} visit;

static visit visit_at(const encoder_path *p, size_t number) {
    const size_t window = number % p->windows;
    return (visit){ number / p->windows, window, p->starts[window], p->starts[window + 1] };
}

/* Puts visits from `first` on into the batch; returns how many. */
static size_t fill_batch(encoder_path *p, const double *alphas, size_t first, size_t end) {
    const size_t width = p->width;
    size_t count = 0, used = 0;
    for (; first + count < end && count < BATCH_TEXTS; count++) {
        const visit v = visit_at(p, first + count);
        const size_t places = v.end - v.begin;
        if (used + places > p->most_tokens) break;
        const float alpha = (float)alphas[v.point];
        for (size_t i = 0; i < places * width; i++)
            p->rows[used * width + i] =
                p->from[v.begin * width + i] + alpha * p->step[v.begin * width + i];
        memcpy(p->tokens + used, p->ids + v.begin, places * sizeof *p->tokens);
        used += places;
        p->offsets[count + 1] = (uint32_t)used;
    }
    return count;
}

/* slopes: [tokens] of the visit's point; d_rows: [end - begin][width] */
static void add_slopes(double *slopes, const encoder_path *p, visit v, const float *d_rows,
                       double weight) {
    for (size_t place = v.begin; place < v.end; place++, d_rows += p->width) {
        double sum = 0;
        for (size_t c = 0; c < p->width; c++)
            sum += (double)d_rows[c] * (double)p->step[place * p->width + c];
        if (p->token_of[place] != HW_NO_WORD) slopes[p->token_of[place]] += weight * sum;
    }
}

static void run_batch(double *values, double *slopes, encoder_path *p, size_t first, size_t count) {
    const hw_encoder *encoder = p->subject->classifier->encoder;
    const size_t labels = (size_t)p->subject->classifier->summary.labels;
    const size_t label = p->subject->label;
    const double weight = hw_subject_weight(p->subject) / (double)p->windows;
    const hw_encoder_batch batch = { p->tokens, p->offsets, count, p->rows };
    hw_classifier_warm(p->subject->classifier, &p->path.kernels, NULL);
    hw_encoder_forward(p->logits, p->scratch, encoder, &p->path.kernels, batch, NULL);
    for (size_t i = 0; i < count; i++)
        values[visit_at(p, first + i).point] += weight * (double)p->logits[i * labels + label];
    if (!slopes) return;
    assert(p->takes_gradients);
    memset(p->d_logits, 0, count * labels * sizeof *p->d_logits);
    for (size_t i = 0; i < count; i++) p->d_logits[i * labels + label] = 1;
    hw_encoder_backward(p->gradient, p->d_rows, p->scratch, encoder, &p->path.kernels, batch,
                        p->d_logits, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        const visit v = visit_at(p, first + i);
        add_slopes(slopes + v.point * p->path.tokens, p, v, p->d_rows + p->offsets[i] * p->width,
                   weight);
    }
}

static hw_status run(double *values, double *slopes, hw_path *path, const double *alphas,
                     size_t count, hw_error *err) {
    (void)err;
    encoder_path *p = (encoder_path *)path;
    memset(values, 0, count * sizeof *values);
    if (slopes) memset(slopes, 0, count * path->tokens * sizeof *slopes);
    const size_t visits = count * p->windows;
    for (size_t first = 0, taken; first < visits; first += taken) {
        taken = fill_batch(p, alphas, first, visits);
        run_batch(values, slopes, p, first, taken);
    }
    return HW_OK;
}

/* ---- Looking ----------------------------------------------------------------------- */

/* After a run of a window at one point. */
static void fill_in(hw_attention_matrices *m, const encoder_path *p) {
    const hw_encoder *encoder = p->subject->classifier->encoder;
    const bool first_only = hw_encoder_config_of(encoder)->pooling == HW_POOLING_FIRST;
    for (size_t i = 0; i < m->tokens; i++) m->row[i] = first_only ? 0 : 1 / (float)m->tokens;
    if (first_only) m->row[0] = 1;
    if (!m->outputs) return;
    for (size_t head = 0; head < m->layer_heads[m->layers - 1]; head++)
        hw_encoder_head_outputs(m->outputs + head * m->tokens * m->width, p->scratch, encoder,
                                &p->path.kernels, m->tokens, m->layers - 1, head);
}

static void set_watch(encoder_path *p, const hw_attention_watch *watch) {
    if (p->takes_gradients)
        hw_encoder_watch(p->scratch, watch);
    else
        hw_encoder_watch_forward(p->scratch, watch);
}

static hw_status look(hw_attention_matrices *m, hw_path *path, size_t reading, hw_error *err) {
    static const double end = 1;
    encoder_path *p = (encoder_path *)path;
    const hw_attention_watch watch = { .see = hw_attention_matrices_see,
                                       .see_output = hw_attention_matrices_see_output,
                                       .context = m };
    const visit v = visit_at(p, reading);
    HW_TRY(hw_attention_matrices_start(m, p->subject->classifier, v.end - v.begin, err));
    double value = 0, *slopes = NULL;
    if (p->takes_gradients && !(slopes = hw_calloc(path->tokens, sizeof *slopes)))
        return hw_fail_memory(err, path->tokens * sizeof *slopes);
    fill_batch(p, &end, reading, reading + 1);
    set_watch(p, &watch);
    run_batch(&value, slopes, p, reading, 1);
    set_watch(p, NULL);
    fill_in(m, p);
    m->token_of = p->token_of + v.begin;
    m->vectors = p->step + v.begin * p->width; /* of a line from zero */
    m->vector_width = p->width;
    hw_free(slopes);
    return HW_OK;
}

/* ---- Making one -------------------------------------------------------------------- */

/* Which of the subject's tokens stands at a place of a window of tokens [begin, end). */
static uint32_t token_at(const hw_subject *s, size_t place, size_t begin, size_t end) {
    if (s->token_count == 0) return HW_NO_WORD; /* a text without any token is the token 0 */
    if (place < s->before) return (uint32_t)place;
    const size_t text_tokens = end - begin;
    if (place < s->before + text_tokens) return (uint32_t)(place + begin);
    const size_t after = s->token_count - hw_template_tokens(s->classifier->pretrained.tokenizer);
    return (uint32_t)(place - text_tokens + after);
}

static hw_status reserve_places(encoder_path *p, size_t places, hw_error *err) {
    p->starts = hw_calloc(p->windows + 1, sizeof *p->starts);
    p->ids = hw_calloc(places, sizeof *p->ids);
    p->token_of = hw_calloc(places, sizeof *p->token_of);
    p->from = hw_calloc(places * p->width, sizeof *p->from);
    p->step = hw_calloc(places * p->width, sizeof *p->step);
    if (p->starts && p->ids && p->token_of && p->from && p->step) return HW_OK;
    return hw_fail_memory(err, 2 * places * p->width * sizeof *p->from);
}

static hw_status lay_out_windows(encoder_path *p, hw_error *err) {
    const hw_subject *s = p->subject;
    hw_encoder_session *session = hw_session_encoder(s->session);
    const hw_tokenizer *tokenizer = s->classifier->pretrained.tokenizer;
    const size_t added = hw_template_tokens(tokenizer);
    const hw_tokens *tokens;
    size_t begin, end, places = 0;
    HW_TRY(hw_encoder_session_encode(session, &tokens, s->text, err));
    p->windows = hw_encoder_session_windows_read(session, tokens->count);
    for (size_t w = 0; w < p->windows; w++) {
        hw_encoder_session_window(&begin, &end, session, tokens->count, w);
        places += end - begin + added + 1;
    }
    HW_TRY(reserve_places(p, places, err));
    for (size_t w = 0; w < p->windows; w++) {
        hw_encoder_session_window(&begin, &end, session, tokens->count, w);
        const size_t first = p->starts[w];
        const size_t count = hw_window_write(
            p->ids + first, tokenizer, end > begin ? tokens->items + begin : NULL, end - begin);
        for (size_t i = 0; i < count; i++) p->token_of[first + i] = token_at(s, i, begin, end);
        p->starts[w + 1] = first + count;
        if (count > p->most_tokens) p->most_tokens = count;
    }
    return HW_OK;
}

static bool is_of_text(const encoder_path *p, size_t place) {
    const uint32_t token = p->token_of[place];
    return token != HW_NO_WORD && p->subject->word_of[token] != HW_NO_WORD;
}

static void fill_line(encoder_path *p, const float *words, bool from_zero) {
    const size_t bytes = p->width * sizeof *words;
    for (size_t place = 0; place < p->starts[p->windows]; place++) {
        const float *x = words + p->ids[place] * p->width;
        const uint32_t start = is_of_text(p, place) ? p->subject->unknown : p->ids[place];
        float *from = p->from + place * p->width, *step = p->step + place * p->width;
        if (!from_zero) memcpy(from, words + start * p->width, bytes);
        for (size_t c = 0; c < p->width; c++) step[c] = x[c] - from[c];
    }
}

static hw_status reserve_batch(encoder_path *p, hw_error *err) {
    const hw_encoder_config *config = hw_encoder_config_of(p->subject->classifier->encoder);
    const size_t longest = p->most_tokens, labels = (size_t)config->labels;
    if (p->most_tokens < BATCH_TOKENS) p->most_tokens = BATCH_TOKENS;
    if (p->takes_gradients &&
        !(p->gradient = hw_calloc(hw_encoder_floats(config), sizeof *p->gradient)))
        return hw_fail_memory(err, hw_encoder_floats(config) * sizeof *p->gradient);
    p->rows = hw_calloc(p->most_tokens * p->width, sizeof *p->rows);
    p->d_rows = hw_calloc(p->most_tokens * p->width, sizeof *p->d_rows);
    p->tokens = hw_calloc(p->most_tokens, sizeof *p->tokens);
    p->logits = hw_calloc(BATCH_TEXTS * labels, sizeof *p->logits);
    p->d_logits = hw_calloc(BATCH_TEXTS * labels, sizeof *p->d_logits);
    if (!p->rows || !p->d_rows || !p->tokens || !p->logits || !p->d_logits)
        return hw_fail_memory(err, 2 * p->most_tokens * p->width * sizeof *p->rows);
    p->scratch = hw_encoder_scratch_new(config, BATCH_TEXTS, p->most_tokens, longest,
                                        p->takes_gradients, NULL, err);
    if (!p->scratch) return HW_ERROR_MEMORY;
    hw_encoder_scratch_mask_heads(
        p->scratch, hw_encoder_session_heads_off(hw_session_encoder(p->subject->session)));
    return HW_OK;
}

static bool needs_gradients(hw_explain_method method) {
    return method != HW_EXPLAIN_ATTENTION && method != HW_EXPLAIN_ROLLOUT &&
           method != HW_EXPLAIN_FLOW;
}

static hw_status start(encoder_path *p, bool from_zero, hw_error *err) {
    const hw_classifier *classifier = p->subject->classifier;
    if (classifier->summary.quantized && p->takes_gradients)
        return hw_fail(
            err, HW_ERROR_UNSUPPORTED,
            "a quantised encoder has no gradients; explain the model that it was made from, "
            "or use a method that takes none: loo, attention, rollout or flow");
    p->width = (size_t)hw_encoder_config_of(classifier->encoder)->embedding_width;
    HW_TRY(lay_out_windows(p, err));
    fill_line(p, hw_encoder_values(classifier->encoder, 0), from_zero);
    return reserve_batch(p, err);
}

static void free_path(hw_path *path) {
    encoder_path *p = (encoder_path *)path;
    hw_free(p->starts);
    hw_free(p->ids);
    hw_free(p->token_of);
    hw_free(p->from);
    hw_free(p->step);
    hw_encoder_scratch_free(p->scratch);
    hw_free(p->gradient);
    hw_free(p->rows);
    hw_free(p->d_rows);
    hw_free(p->tokens);
    hw_free(p->logits);
    hw_free(p->d_logits);
    hw_free(p);
}

hw_path *hw_encoder_path_new(const hw_subject *subject, hw_explain_method method, hw_error *err) {
    encoder_path *p = hw_calloc(1, sizeof *p);
    if (!p) {
        hw_fail_memory(err, sizeof *p);
        return NULL;
    }
    p->path = (hw_path){ .tokens = subject->token_count,
                         .kernels = hw_path_kernels(method),
                         .run = run,
                         .look = look,
                         .free = free_path };
    p->subject = subject;
    p->takes_gradients = needs_gradients(method);
    if (start(p, method != HW_EXPLAIN_IG, err) == HW_OK) {
        p->path.readings = p->windows;
        return &p->path;
    }
    free_path(&p->path);
    return NULL;
}
