/* hw_attend: the matrices of one reading, with the tokens that they are of. */
#include "explain/path.h"

#include "base/memory.h"

#include <assert.h>
#include <string.h>

/* A map with what its pointers are into. */
typedef struct owned_map {
    hw_attention_map map; /* first: what is given out */
    hw_attribution *tokens;
    float *weights;
    size_t *layer_heads;
} owned_map;

/* A text without a word is read as one token that is nowhere in it. */
static hw_attribution token_at(const hw_subject *s, const hw_attention_matrices *m, size_t i) {
    const hw_attribution *tokens = s->tokens ? s->tokens : s->words;
    const size_t count = s->tokens ? s->token_count : s->word_count;
    const size_t token = m->token_of ? m->token_of[i] : i;
    hw_attribution found = token < count ? tokens[token] : (hw_attribution){ 0 };
    found.score = (double)m->row[i];
    return found;
}

/* Takes the weights, and the numbers of heads, from the matrices. */
static owned_map *map_of(const hw_subject *s, hw_attention_matrices *m, size_t readings,
                         hw_error *err) {
    owned_map *made = hw_calloc(1, sizeof *made);
    hw_attribution *tokens = hw_calloc(m->tokens, sizeof *tokens);
    if (!made || !tokens) {
        hw_free(made);
        hw_free(tokens);
        hw_fail_memory(err, m->tokens * sizeof *tokens);
        return NULL;
    }
    for (size_t i = 0; i < m->tokens; i++) tokens[i] = token_at(s, m, i);
    *made = (owned_map){ .map = { .readings = readings,
                                  .layers = m->layers,
                                  .heads = m->heads,
                                  .count = m->tokens,
                                  .tokens = tokens,
                                  .weights = m->kept,
                                  .layer_heads = m->layer_heads },
                         .tokens = tokens,
                         .weights = m->kept,
                         .layer_heads = m->layer_heads };
    m->kept = NULL;
    m->layer_heads = NULL;
    return made;
}

static owned_map *look(const hw_subject *s, size_t reading, hw_error *err) {
    hw_attention_matrices m = { .detail = HW_ATTENTION_EVERY };
    owned_map *made = NULL;
    hw_path *path = hw_path_new(s, HW_EXPLAIN_ATTENTION, err);
    if (!path) return NULL;
    if (reading >= path->readings)
        hw_fail(err, HW_ERROR_ARGUMENT, "reading is %zu; the text is read %zu times", reading,
                path->readings);
    else if (path->look(&m, path, reading, err) == HW_OK)
        made = map_of(s, &m, path->readings, err);
    hw_attention_matrices_free(&m);
    hw_path_free(path);
    return made;
}

hw_attention_map *hw_attend(hw_session *session, hw_text text, size_t reading, hw_error *err) {
    assert(session && (text.bytes || !text.length));
    hw_subject s = { 0 };
    owned_map *made = NULL;
    if (hw_subject_start(&s, session, text, NULL, err) == HW_OK) {
        if (hw_subject_has_network(&s))
            made = look(&s, reading, err);
        else
            hw_fail(err, HW_ERROR_ARGUMENT, "the model has no attention: it is n-grams alone");
    }
    hw_subject_free(&s);
    return made ? &made->map : NULL;
}

void hw_attention_map_free(hw_attention_map *map) {
    if (!map) return;
    owned_map *made = (owned_map *)map;
    hw_free(made->tokens);
    hw_free(made->weights);
    hw_free(made->layer_heads);
    hw_free(made);
}
