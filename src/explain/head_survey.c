/* A few texts at a time are read side by side, each into sums of its own, which are then added in
 * their order: so memory does not grow with the texts, and threads do not matter. Products of
 * outputs are too many to have them once a text (head_alignment.h): there is one sum of them a
 * layer, to which what the heads gave in those few texts is added layer by layer. */
#include "explain/head_survey.h"

#include "base/memory.h"
#include "base/threads.h"
#include "classify/encoder_session.h"
#include "classify/token_windows.h"
#include "explain/head_words.h"
#include "explain/path.h"

#include <string.h>

enum { WAVE = 8, EXAMPLE_TOKENS = 14 };

/* What one thread works with. */
typedef struct worker {
    hw_session *session;
    hw_role_texts *roles;
    hw_head_text text;
    hw_status status;
    hw_error error;
} worker;

/* The sums of one text, and what heads give to its own tokens. */
typedef struct slot {
    hw_head_tally *tally;
    hw_head_diversity *diversity;
    float *outputs; /* [towers][layers][tokens][heads][head_dim], a layer with fewer heads has no
                     * gaps between its rows */
    size_t tokens, capacity;
    bool looked;
} slot;

typedef struct survey {
    hw_head_survey *result;
    const hw_corpus *corpus;
    const hw_classifier *classifier;
    hw_head_words words;
    int32_t threads;
    worker *workers;  /* [threads] */
    slot slots[WAVE]; /* of texts first, first + 1, ... */
    size_t first, count;
} survey;

static size_t layer_count(const survey *s) {
    return s->result->towers * s->result->layers;
}

/* Heads that a layer has; every layer has room for those of a whole one. */
static size_t heads_of(const survey *s, size_t layer) {
    return (size_t)hw_classifier_heads(s->classifier, (int32_t)(layer % s->result->layers));
}

static size_t head_count(const survey *s) {
    return layer_count(s) * s->result->heads;
}

static size_t head_dim(const survey *s) {
    return (size_t)s->classifier->summary.head_dim;
}

/* Of one text, in one layer of one tower. */
static float *outputs_at(const survey *s, const slot *of, size_t layer) {
    return of->outputs + layer * of->tokens * s->result->heads * head_dim(s);
}

/* ---- One text ------------------------------------------------------------------------------ */

/* The index of its first label; the number of labels if the model does not have it. */
static size_t label_of(const survey *s, size_t row) {
    const hw_targets targets = s->corpus->targets;
    const size_t labels = (size_t)s->classifier->summary.labels;
    const uint32_t label = targets.labels[targets.offsets[row]];
    return label < labels ? label : labels;
}

/* A label is named so that none is predicted. */
static hw_status start_subject(hw_subject *subject, const survey *s, worker *w, size_t row,
                               hw_error *err) {
    return hw_subject_start(subject, w->session, s->corpus->dataset->examples[row].text,
                            hw_classifier_label(s->classifier, 0), err);
}

/* Tokens of the first reading. */
static hw_status count_tokens(size_t *count, const hw_subject *subject, hw_error *err) {
    hw_encoder_session *session = hw_session_encoder(subject->session);
    const hw_tokens *tokens;
    size_t begin, end;
    *count = subject->word_count;
    if (!session) return HW_OK;
    HW_TRY(hw_encoder_session_encode(session, &tokens, subject->text, err));
    hw_encoder_session_window(&begin, &end, session, tokens->count, 0);
    *count = end - begin + hw_template_tokens(subject->classifier->pretrained.tokenizer);
    return HW_OK;
}

static hw_status reserve_outputs(const survey *s, slot *to, size_t tokens, hw_error *err) {
    const size_t floats = head_count(s) * head_dim(s) * tokens + 1; /* never NULL */
    to->tokens = tokens;
    if (hw_grow((void **)&to->outputs, &to->capacity, floats, sizeof *to->outputs)) return HW_OK;
    return hw_fail_memory(err, floats * sizeof *to->outputs);
}

/* The rows of the text's own tokens. */
static void take_outputs(const survey *s, slot *to, const hw_head_text *text,
                         const hw_attention_matrices *m, size_t tower) {
    for (size_t layer = 0; layer < s->result->layers; layer++) {
        const size_t width = heads_of(s, layer) * head_dim(s);
        const float *given = hw_attention_given(m, layer);
        float *rows = outputs_at(s, to, tower * s->result->layers + layer);
        for (size_t i = 0; i < text->queries; i++)
            memcpy(rows + i * width, given + text->query[i] * width, width * sizeof *rows);
    }
}

static void add_heads(const survey *s, slot *to, worker *w, const hw_attention_matrices *m,
                      size_t tower) {
    const size_t heads = s->result->heads, square = m->tokens * m->tokens;
    for (size_t layer = 0; layer < s->result->layers; layer++) {
        const float *weights = m->kept + layer * heads * square;
        const size_t at = tower * s->result->layers + layer;
        hw_head_diversity_add(&to->diversity[at], weights, &w->text);
        for (size_t head = 0; head < heads_of(s, layer); head++) {
            hw_head_tally *tally = &to->tally[at * heads + head];
            hw_head_sums_add(&tally->sums, weights + head * square, &w->text);
            hw_role_tally_add(&tally->roles, w->roles, weights + head * square);
        }
    }
}

static hw_status look(const survey *s, slot *to, worker *w, hw_path *path, size_t tower, size_t row,
                      hw_error *err) {
    hw_attention_matrices m = { .detail = HW_ATTENTION_GIVEN };
    hw_status status = path->look(&m, path, tower, err);
    if (status == HW_OK && tower == 0) {
        if (m.token_of) status = hw_head_text_select(&w->text, m.token_of, m.tokens, err);
        if (status == HW_OK) {
            hw_head_words_judge(&w->text, &s->words, label_of(s, row));
            status = hw_role_texts_take(w->roles, &w->text, row, err);
        }
        if (status == HW_OK) status = reserve_outputs(s, to, w->text.queries, err);
    }
    if (status == HW_OK) {
        hw_role_texts_embed(w->roles, m.vectors, m.vector_width);
        add_heads(s, to, w, &m, tower);
        take_outputs(s, to, &w->text, &m, tower);
    }
    hw_attention_matrices_free(&m);
    return status;
}

static hw_status look_at_all(const survey *s, slot *to, worker *w, const hw_subject *subject,
                             size_t row, hw_error *err) {
    hw_path *path = hw_path_new(subject, HW_EXPLAIN_ATTENTION, err);
    hw_status status = path ? HW_OK : err->status;
    for (size_t tower = 0; tower < s->result->towers && status == HW_OK; tower++)
        status = look(s, to, w, path, tower, row, err);
    hw_path_free(path);
    return status;
}

static void clear_slot(const survey *s, slot *to) {
    memset(to->tally, 0, head_count(s) * sizeof *to->tally);
    for (size_t i = 0; i < layer_count(s); i++) {
        const size_t pairs = to->diversity[i].heads * to->diversity[i].heads;
        to->diversity[i].queries = 0;
        memset(to->diversity[i].divergence, 0, pairs * sizeof(double));
        memset(to->diversity[i].gram, 0, pairs * sizeof(double));
    }
    to->looked = false;
}

static hw_status read_text(const survey *s, slot *to, worker *w, size_t row, hw_error *err) {
    hw_subject subject = { 0 };
    size_t count = 0;
    clear_slot(s, to);
    hw_status status = start_subject(&subject, s, w, row, err);
    if (status == HW_OK) status = count_tokens(&count, &subject, err);
    to->looked = status == HW_OK && count > 1 && count <= HW_LOOK_TOKENS;
    if (to->looked) status = hw_head_text_take(&w->text, &subject, err);
    if (to->looked && status == HW_OK) status = look_at_all(s, to, w, &subject, row, err);
    hw_subject_free(&subject);
    return status;
}

static void read_task(void *context, size_t task, int32_t worker_index) {
    survey *s = context;
    worker *w = &s->workers[worker_index];
    if (w->status == HW_OK)
        w->status = read_text(s, &s->slots[task], w, s->first + task, &w->error);
}

/* ---- All texts ------------------------------------------------------------------------------- */

/* What the words are like, and which text is an example. */
static hw_status read_words(survey *s, hw_error *err) {
    worker *w = &s->workers[0];
    const size_t labels = (size_t)s->classifier->summary.labels;
    size_t nearest = SIZE_MAX;
    HW_TRY(hw_head_words_start(&s->words, labels, err));
    for (size_t row = 0; row < s->corpus->dataset->count; row++) {
        hw_subject subject = { 0 };
        hw_status status = start_subject(&subject, s, w, row, err);
        if (status == HW_OK) status = hw_head_text_take(&w->text, &subject, err);
        if (status == HW_OK) status = hw_head_words_add(&s->words, &w->text, label_of(s, row), err);
        hw_subject_free(&subject);
        HW_TRY(status);
        const size_t count = w->text.count;
        const size_t away =
            count < EXAMPLE_TOKENS ? EXAMPLE_TOKENS - count : count - EXAMPLE_TOKENS;
        if (away < nearest) s->result->example = row;
        if (away < nearest) nearest = away;
    }
    hw_head_words_seal(&s->words);
    return HW_OK;
}

static void merge(survey *s, const slot *from) {
    hw_head_survey *result = s->result;
    result->looked += from->looked;
    result->skipped += !from->looked;
    for (size_t i = 0; i < head_count(s); i++) {
        hw_head_sums_merge(&result->tally[i].sums, &from->tally[i].sums);
        hw_role_tally_merge(&result->tally[i].roles, &from->tally[i].roles);
    }
    for (size_t i = 0; i < layer_count(s); i++)
        hw_head_diversity_merge(&result->diversity[i], &from->diversity[i]);
}

/* Of all texts, one after the other. */
static void align_task(void *context, size_t layer, int32_t worker_index) {
    const survey *s = context;
    (void)worker_index;
    for (size_t i = 0; i < s->count; i++)
        if (s->slots[i].looked)
            hw_head_alignment_add(&s->result->alignment[layer], outputs_at(s, &s->slots[i], layer),
                                  s->slots[i].tokens);
}

static hw_status first_failure(const survey *s, hw_error *err) {
    for (int32_t i = 0; i < s->threads; i++)
        if (s->workers[i].status != HW_OK)
            return hw_fail(err, s->workers[i].status, "%s", s->workers[i].error.message);
    return HW_OK;
}

static hw_status read_texts(survey *s, hw_pool *pool, hw_survey_progress *progress, void *context,
                            hw_error *err) {
    const size_t rows = s->corpus->dataset->count;
    for (s->first = 0; s->first < rows; s->first += WAVE) {
        s->count = rows - s->first < WAVE ? rows - s->first : WAVE;
        if (!progress(context, s->first))
            return hw_fail(err, HW_ERROR_STOPPED, "stopped while heads were looked at");
        hw_pool_run(pool, s->count, read_task, s);
        HW_TRY(first_failure(s, err));
        for (size_t i = 0; i < s->count; i++) merge(s, &s->slots[i]);
        hw_pool_run(pool, layer_count(s), align_task, s);
    }
    return HW_OK;
}

/* ---- Memory ------------------------------------------------------------------------------- */

static hw_status new_sums(hw_head_tally **tally, hw_head_diversity **diversity, const survey *s,
                          hw_error *err) {
    *tally = hw_calloc(head_count(s), sizeof **tally);
    *diversity = hw_calloc(layer_count(s), sizeof **diversity);
    if (!*tally || !*diversity) return hw_fail_memory(err, head_count(s) * sizeof **tally);
    for (size_t i = 0; i < layer_count(s); i++)
        HW_TRY(hw_head_diversity_start(&(*diversity)[i], heads_of(s, i), err));
    return HW_OK;
}

static void free_sums(hw_head_tally *tally, hw_head_diversity *diversity, size_t layers) {
    for (size_t i = 0; diversity && i < layers; i++) hw_head_diversity_free(&diversity[i]);
    hw_free(diversity);
    hw_free(tally);
}

static hw_status new_alignment(survey *s, hw_error *err) {
    hw_head_alignment *made = hw_calloc(layer_count(s), sizeof *made);
    if (!made) return hw_fail_memory(err, layer_count(s) * sizeof *made);
    s->result->alignment = made;
    for (size_t i = 0; i < layer_count(s); i++)
        HW_TRY(hw_head_alignment_start(&made[i], heads_of(s, i), head_dim(s), err));
    return HW_OK;
}

static hw_status reserve(survey *s, const hw_session_options *options, hw_error *err) {
    HW_TRY(new_sums(&s->result->tally, &s->result->diversity, s, err));
    HW_TRY(new_alignment(s, err));
    for (size_t i = 0; i < WAVE; i++)
        HW_TRY(new_sums(&s->slots[i].tally, &s->slots[i].diversity, s, err));
    s->workers = hw_calloc((size_t)s->threads, sizeof *s->workers);
    if (!s->workers) return hw_fail_memory(err, (size_t)s->threads * sizeof *s->workers);
    for (int32_t i = 0; i < s->threads; i++) {
        worker *w = &s->workers[i];
        if (!(w->session = hw_session_new(s->classifier, options, err)) ||
            !(w->roles = hw_role_texts_new(err)))
            return HW_ERROR_MEMORY;
    }
    return HW_OK;
}

static void release(survey *s) {
    for (size_t i = 0; i < WAVE; i++) {
        free_sums(s->slots[i].tally, s->slots[i].diversity, layer_count(s));
        hw_free(s->slots[i].outputs);
    }
    for (int32_t i = 0; s->workers && i < s->threads; i++) {
        hw_session_free(s->workers[i].session);
        hw_role_texts_free(s->workers[i].roles);
        hw_head_text_free(&s->workers[i].text);
    }
    hw_free(s->workers);
    hw_head_words_free(&s->words);
}

void hw_head_survey_free(hw_head_survey *s) {
    free_sums(s->tally, s->diversity, s->towers * s->layers);
    for (size_t i = 0; s->alignment && i < s->towers * s->layers; i++)
        hw_head_alignment_free(&s->alignment[i]);
    hw_free(s->alignment);
    *s = (hw_head_survey){ 0 };
}

hw_status hw_head_survey_take(hw_head_survey *result, const hw_corpus *corpus,
                              const hw_classifier *classifier, const hw_session_options *options,
                              int32_t threads, hw_survey_progress *progress, void *context,
                              hw_error *err) {
    const hw_summary *summary = &classifier->summary;
    result->towers = classifier->encoder ? 1 : (size_t)summary->towers;
    result->layers = (size_t)summary->layers;
    result->heads = (size_t)summary->heads;
    survey s = { .result = result, .corpus = corpus, .classifier = classifier, .threads = threads };
    hw_pool *pool = hw_pool_new(threads, err);
    if (!pool) return HW_ERROR_MEMORY;
    hw_status status = reserve(&s, options, err);
    if (status == HW_OK) status = read_words(&s, err);
    if (status == HW_OK) status = read_texts(&s, pool, progress, context, err);
    release(&s);
    hw_pool_free(pool);
    return status;
}
