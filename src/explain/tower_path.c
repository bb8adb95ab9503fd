/* The towers read points of the line as texts whose tokens have one n-gram each: a row of a small
 * embedding that holds x' + alpha (x - x'). So the towers run as they always do. */
#include "explain/path.h"

#include "base/memory.h"
#include "classify/encoding.h"

#include <string.h>

enum { BATCH_TOKENS = 512, BATCH_POINTS = 16 };

typedef struct tower_path {
    hw_path path;
    const hw_subject *subject;
    size_t batch;           /* points that are run together */
    hw_tower_config config; /* that of the towers, with the small embedding */
    float *inputs;          /* [towers][tokens][width]: x */
    float *rows;            /* [batch][tokens][width]: the small embedding */
    uint32_t *counting;     /* [batch * tokens + 1]: 0, 1, 2, ... */
    uint32_t *offsets;      /* [batch + 1] */
    hw_tower_scratch *scratch;
    float *gradient;          /* a block of the small towers' shape */
    float *d_tokens;          /* [batch][tokens][width] */
    float *logits, *d_logits; /* [batch][columns] */
} tower_path;

static size_t width_of(const tower_path *p) {
    return (size_t)p->config.width;
}

/* ---- Running ----------------------------------------------------------------------- */

/* rows[count][tokens][width] = alpha * x */
static void place(tower_path *p, const float *x, const double *alphas, size_t count) {
    const size_t floats = p->path.tokens * width_of(p);
    for (size_t point = 0; point < count; point++)
        for (size_t i = 0; i < floats; i++)
            p->rows[point * floats + i] = (float)alphas[point] * x[i];
}

static void add_slopes(double *slopes, const tower_path *p, const float *x, size_t count,
                       double weight) {
    const size_t tokens = p->path.tokens, width = width_of(p);
    for (size_t i = 0; i < count * tokens; i++) {
        const float *d = p->d_tokens + i * width, *input = x + i % tokens * width;
        double sum = 0;
        for (size_t c = 0; c < width; c++) sum += (double)d[c] * (double)input[c];
        slopes[i] += weight * sum;
    }
}

/* Adds one tower's part. count is at most batch. */
static void run_tower(double *values, double *slopes, tower_path *p, int32_t tower,
                      const double *alphas, size_t count) {
    const hw_classifier *classifier = p->subject->classifier;
    const size_t columns = (size_t)hw_tower_columns(p->config.labels), label = p->subject->label;
    const double weight = hw_subject_weight(p->subject) / (double)classifier->config.towers;
    const float *x = p->inputs + (size_t)tower * p->path.tokens * width_of(p);
    const hw_batch batch = { p->counting, p->counting, p->offsets, count };
    hw_tower_views weights = hw_session_towers(p->subject->session)[tower], gradient;
    weights.embedding = p->rows;
    place(p, x, alphas, count);
    hw_tower_forward(p->logits, p->scratch, &p->config, &weights, &p->path.kernels, batch, NULL);
    for (size_t point = 0; point < count; point++)
        values[point] += weight * (double)p->logits[point * columns + label];
    if (!slopes) return;
    memset(p->d_logits, 0, count * columns * sizeof *p->d_logits);
    for (size_t point = 0; point < count; point++) p->d_logits[point * columns + label] = 1;
    hw_tower_view(&gradient, &p->config, p->gradient);
    hw_tower_backward(&gradient, p->d_tokens, p->scratch, &p->config, &weights, &p->path.kernels,
                      batch, p->d_logits, NULL);
    add_slopes(slopes, p, x, count, weight);
}

static hw_status run(double *values, double *slopes, hw_path *path, const double *alphas,
                     size_t count, hw_error *err) {
    (void)err;
    tower_path *p = (tower_path *)path;
    const size_t tokens = path->tokens;
    memset(values, 0, count * sizeof *values);
    if (slopes) memset(slopes, 0, count * tokens * sizeof *slopes);
    for (size_t first = 0; first < count; first += p->batch) {
        const size_t points = count - first < p->batch ? count - first : p->batch;
        for (int32_t tower = 0; tower < p->subject->classifier->config.towers; tower++)
            run_tower(values + first, slopes ? slopes + first * tokens : NULL, p, tower,
                      alphas + first, points);
    }
    return HW_OK;
}

/* ---- Looking ----------------------------------------------------------------------- */

/* After a run of that tower at one point. */
static void fill_in(hw_attention_matrices *m, const tower_path *p, int32_t tower) {
    hw_tower_readout_row(m->row, p->scratch, &p->config, m->tokens);
    if (!m->outputs || m->layers == 0) return;
    for (size_t head = 0; head < m->layer_heads[m->layers - 1]; head++)
        hw_tower_head_outputs(m->outputs + head * m->tokens * m->width, p->scratch, &p->config,
                              &hw_session_towers(p->subject->session)[tower], &p->path.kernels,
                              m->tokens, m->layers - 1, head);
}

static hw_status look(hw_attention_matrices *m, hw_path *path, size_t reading, hw_error *err) {
    static const double end = 1;
    tower_path *p = (tower_path *)path;
    const hw_attention_watch watch = { .see = hw_attention_matrices_see,
                                       .see_output = hw_attention_matrices_see_output,
                                       .context = m };
    HW_TRY(hw_attention_matrices_start(m, p->subject->classifier, path->tokens, err));
    double value = 0, *slopes = hw_calloc(path->tokens, sizeof *slopes);
    if (!slopes) return hw_fail_memory(err, path->tokens * sizeof *slopes);
    hw_tower_watch(p->scratch, &watch);
    run_tower(&value, slopes, p, (int32_t)reading, &end, 1);
    hw_tower_watch(p->scratch, NULL);
    fill_in(m, p, (int32_t)reading);
    m->vectors = p->inputs + reading * path->tokens * width_of(p);
    m->vector_width = width_of(p);
    hw_free(slopes);
    return HW_OK;
}

/* ---- Making one -------------------------------------------------------------------- */

static void fill_inputs(tower_path *p, const hw_encoding *e) {
    const hw_classifier *classifier = p->subject->classifier;
    const size_t width = width_of(p);
    float *x = p->inputs;
    for (int32_t tower = 0; tower < classifier->config.towers; tower++)
        for (size_t token = 0; token < e->tokens; token++, x += width) {
            const uint32_t begin = e->token_offsets[token], end = e->token_offsets[token + 1];
            const float scale = hw_token_scale(end - begin);
            if (begin < end)
                p->path.kernels.add_rows(x, classifier->towers[tower].embedding,
                                         e->token_ngrams + begin, 1, &scale, 0, end - begin, width);
        }
}

static hw_status reserve(tower_path *p, hw_error *err) {
    const size_t tokens = p->path.tokens, width = width_of(p), all = p->batch * tokens;
    const size_t columns = (size_t)hw_tower_columns(p->config.labels);
    const size_t towers = (size_t)p->subject->classifier->config.towers;
    p->inputs = hw_calloc(towers * tokens * width, sizeof *p->inputs);
    p->rows = hw_calloc(all * width, sizeof *p->rows);
    p->counting = hw_calloc(all + 1, sizeof *p->counting);
    p->offsets = hw_calloc(p->batch + 1, sizeof *p->offsets);
    p->gradient = hw_calloc(hw_tower_floats(&p->config), sizeof *p->gradient);
    p->d_tokens = hw_calloc(all * width, sizeof *p->d_tokens);
    p->logits = hw_calloc(p->batch * columns, sizeof *p->logits);
    p->d_logits = hw_calloc(p->batch * columns, sizeof *p->d_logits);
    if (!p->inputs || !p->rows || !p->counting || !p->offsets || !p->gradient || !p->d_tokens ||
        !p->logits || !p->d_logits)
        return hw_fail_memory(err, (towers * tokens + 2 * all) * width * sizeof *p->rows);
    for (size_t i = 0; i <= all; i++) p->counting[i] = (uint32_t)i;
    for (size_t i = 0; i <= p->batch; i++) p->offsets[i] = (uint32_t)(i * tokens);
    p->scratch = hw_tower_scratch_new(&p->config, p->batch, all, true, err);
    return p->scratch ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status start(tower_path *p, hw_encoding *e, hw_error *err) {
    const hw_classifier *c = p->subject->classifier;
    HW_TRY(hw_encoding_make(e, p->subject->text, &c->config.ngram_options, &c->ngrams, err));
    HW_TRY(hw_encoding_sort(e, err));
    p->path.tokens = e->tokens;
    p->batch = BATCH_TOKENS / e->tokens;
    if (p->batch < 1) p->batch = 1;
    if (p->batch > BATCH_POINTS) p->batch = BATCH_POINTS;
    p->config = c->config.tower;
    p->config.vocabulary = (int32_t)(p->batch * e->tokens);
    HW_TRY(reserve(p, err));
    fill_inputs(p, e);
    return HW_OK;
}

static void free_path(hw_path *path) {
    tower_path *p = (tower_path *)path;
    hw_free(p->inputs);
    hw_free(p->rows);
    hw_free(p->counting);
    hw_free(p->offsets);
    hw_tower_scratch_free(p->scratch);
    hw_free(p->gradient);
    hw_free(p->d_tokens);
    hw_free(p->logits);
    hw_free(p->d_logits);
    hw_free(p);
}

hw_path *hw_tower_path_new(const hw_subject *subject, hw_explain_method method, hw_error *err) {
    tower_path *p = hw_calloc(1, sizeof *p);
    if (!p) {
        hw_fail_memory(err, sizeof *p);
        return NULL;
    }
    p->path = (hw_path){ .readings = (size_t)subject->classifier->config.towers,
                         .kernels = hw_path_kernels(method),
                         .run = run,
                         .look = look,
                         .free = free_path };
    p->subject = subject;
    hw_encoding e = { 0 };
    const hw_status status = start(p, &e, err);
    hw_encoding_free(&e);
    if (status == HW_OK) return &p->path;
    free_path(&p->path);
    return NULL;
}
