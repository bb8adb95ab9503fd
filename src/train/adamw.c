/* The block is cut into pieces that fit a core's cache, which the threads update in any order. The
 * missed steps of a row are those of a gradient of 0: the moments fade and go on moving the row,
 * until after FORGOTTEN steps nothing but weight decay is left. */
#include "train/adamw.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PIECE = 1 << 14 /* floats */, FORGOTTEN = 100, ROWS_A_TASK = 64 };
static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, largest_norm = 1;

/* Part of one parameter. */
typedef struct piece {
    size_t offset, count; /* in the block */
    double rate;          /* of its depth, as a multiple of the schedule's */
    bool decays;
} piece;

struct hw_adamw {
    hw_adamw_options options;
    const hw_kernels *kernels;
    hw_pool *pool;
    size_t floats, first; /* [first, floats) of the block learns */
    piece *pieces;        /* [piece_count] */
    size_t piece_count;
    double *squares; /* [piece_count] of the gradient's norm */

    float *gradient;      /* [floats] */
    float *mean, *square; /* [floats - first] the moments */

    size_t rows, width; /* of a word embedding that learns by rows; rows 0: there is none */
    double row_rate;
    uint32_t *last;     /* [rows] steps made when the row was last updated */
    hw_adam *row_steps; /* [schedule.steps + 1] coefficients of every step of a row */
    double *log_kept;   /* [schedule.steps + 1] ln of what weight decay leaves of a row */
    float *no_gradient; /* [width] zeros */

    /* The step that is being made. */
    size_t step; /* steps made before it */
    float *weights, scale;
    const hw_row_gradients *row_gradients;
};

/* ---- Coefficients -------------------------------------------------------------------- */

/* Of the step after `step` others; multiple: of the schedule's rate. */
static hw_adam coefficients(const hw_adamw *a, size_t step, double multiple, bool decays) {
    const double rate = multiple * hw_schedule_rate(&a->options.schedule, step);
    const double at = (double)(step + 1), correction2 = sqrt(1 - pow(beta2, at));
    return (hw_adam){ .rate = (float)(rate * correction2 / (1 - pow(beta1, at))),
                      .decay = decays ? (float)(rate * a->options.weight_decay) : 0,
                      .beta1 = (float)beta1,
                      .beta2 = (float)beta2,
                      .epsilon = (float)(epsilon * correction2) };
}

static double rate_of_depth(const hw_adamw_options *options, int32_t depth, int32_t readout) {
    const double rate = pow(options->layer_decay, readout - depth);
    return depth == readout ? rate * options->readout_rate : rate;
}

/* ---- Rows that were not touched -------------------------------------------------------- */

/* The steps [from, to) at once, without what the moments would still move. */
static hw_adam fading(const hw_adamw *a, size_t from, size_t to) {
    return (hw_adam){ .rate = 0,
                      .decay = (float)-expm1(a->log_kept[to] - a->log_kept[from]),
                      .beta1 = (float)pow(beta1, (double)(to - from)),
                      .beta2 = (float)pow(beta2, (double)(to - from)),
                      .epsilon = 1 };
}

/* The steps [last, to) of a row; one that was never touched has no moments. */
static void catch_up(hw_adamw *a, float *weights, size_t row, size_t to) {
    const size_t offset = row * a->width, last = a->last[row];
    float *w = weights + offset, *m = a->mean + offset, *v = a->square + offset;
    const size_t remembered = !last ? 0 : to - last > FORGOTTEN ? last + FORGOTTEN : to;
    for (size_t step = last; step < remembered; step++)
        a->kernels->adam(w, m, v, a->no_gradient, &a->row_steps[step], a->width);
    if (remembered < to) {
        const hw_adam rest = fading(a, remembered, to);
        a->kernels->adam(w, m, v, a->no_gradient, &rest, a->width);
    }
    a->last[row] = (uint32_t)to;
}

static void settle_rows(void *context, size_t task, int32_t worker) {
    (void)worker;
    hw_adamw *a = context;
    const size_t end = (task + 1) * ROWS_A_TASK < a->rows ? (task + 1) * ROWS_A_TASK : a->rows;
    for (size_t row = task * ROWS_A_TASK; row < end; row++) catch_up(a, a->weights, row, a->step);
}

void hw_adamw_settle(hw_adamw *a, float *weights) {
    a->weights = weights;
    hw_pool_run(a->pool, (a->rows + ROWS_A_TASK - 1) / ROWS_A_TASK, settle_rows, a);
}

/* ---- A step ----------------------------------------------------------------------------- */

static void measure_piece(void *context, size_t task, int32_t worker) {
    (void)worker;
    hw_adamw *a = context;
    const piece *p = &a->pieces[task];
    float square = 0;
    a->kernels->dot(&square, a->gradient + p->offset, a->gradient + p->offset, p->count);
    a->squares[task] = (double)square;
}

static double gradient_norm(hw_adamw *a) {
    hw_pool_run(a->pool, a->piece_count, measure_piece, a);
    double sum = 0;
    for (size_t i = 0; i < a->piece_count; i++) sum += a->squares[i];
    const hw_row_gradients *rows = a->row_gradients;
    for (size_t i = 0; rows && i < rows->count; i++) {
        const float *d = rows->values + i * rows->width;
        float square = 0;
        a->kernels->dot(&square, d, d, rows->width);
        sum += (double)square;
    }
    return sqrt(sum);
}

static void scale(float *x, size_t n, float factor) {
    for (size_t i = 0; i < n && factor < 1; i++) x[i] *= factor;
}

static void update_piece(void *context, size_t task, int32_t worker) {
    (void)worker;
    hw_adamw *a = context;
    const piece *p = &a->pieces[task];
    const hw_adam step = coefficients(a, a->step, p->rate, p->decays);
    float *d = a->gradient + p->offset;
    scale(d, p->count, a->scale);
    a->kernels->adam(a->weights + p->offset, a->mean + p->offset - a->first,
                     a->square + p->offset - a->first, d, &step, p->count);
    memset(d, 0, p->count * sizeof *d);
}

static void update_row(void *context, size_t task, int32_t worker) {
    (void)worker;
    hw_adamw *a = context;
    const hw_row_gradients *rows = a->row_gradients;
    const size_t row = rows->rows[task], offset = row * a->width;
    float *d = rows->values + task * a->width;
    catch_up(a, a->weights, row, a->step);
    scale(d, a->width, a->scale);
    a->kernels->adam(a->weights + offset, a->mean + offset, a->square + offset, d,
                     &a->row_steps[a->step], a->width);
    a->last[row] = (uint32_t)(a->step + 1);
}

static void forget_gradient(hw_adamw *a) {
    for (size_t i = 0; i < a->piece_count; i++)
        memset(a->gradient + a->pieces[i].offset, 0, a->pieces[i].count * sizeof *a->gradient);
}

bool hw_adamw_step(hw_adamw *a, float *weights, const hw_row_gradients *rows) {
    assert((rows != NULL) == (a->rows > 0));
    a->weights = weights;
    a->row_gradients = rows;
    const double norm = gradient_norm(a);
    if (!isfinite(norm)) {
        forget_gradient(a);
        return false;
    }
    a->scale = norm > largest_norm ? (float)(largest_norm / norm) : 1;
    hw_pool_run(a->pool, a->piece_count, update_piece, a);
    if (rows) hw_pool_run(a->pool, rows->count, update_row, a);
    a->step++;
    return true;
}

/* ---- The object --------------------------------------------------------------------------- */

static bool learns_by_rows(const hw_adamw_options *options) {
    return options->lowest == 0 && !options->dense_words;
}

/* The first parameter that learns; the word embedding, which is the first of all, by rows too. */
static size_t first_float(const hw_encoder_config *config, const hw_adamw_options *options) {
    hw_encoder_parameter p;
    for (size_t i = 0; hw_encoder_parameter_at(&p, config, i); i++)
        if (p.depth >= options->lowest) return p.offset;
    return hw_encoder_floats(config);
}

/* Fills pieces unless it is NULL; returns how many there are. */
static size_t cut(piece *pieces, const hw_encoder_config *config, const hw_adamw_options *options) {
    size_t count = 0;
    hw_encoder_parameter p;
    for (size_t i = 0; hw_encoder_parameter_at(&p, config, i); i++) {
        const size_t floats = p.rows * p.columns;
        if (p.depth < options->lowest || (i == 0 && learns_by_rows(options))) continue;
        for (size_t at = 0; at < floats; at += PIECE, count++)
            if (pieces)
                pieces[count] =
                    (piece){ .offset = p.offset + at,
                             .count = floats - at < PIECE ? floats - at : PIECE,
                             .rate = rate_of_depth(options, p.depth, config->layers + 1),
                             .decays = p.is_matrix };
    }
    return count;
}

static bool allocate_rows(hw_adamw *a, const hw_encoder_config *config) {
    const size_t steps = a->options.schedule.steps;
    a->rows = (size_t)config->vocabulary;
    a->width = (size_t)config->embedding_width;
    a->row_rate = rate_of_depth(&a->options, 0, config->layers + 1);
    a->last = hw_calloc(a->rows, sizeof *a->last);
    a->row_steps = hw_calloc(steps + 1, sizeof *a->row_steps);
    a->log_kept = hw_calloc(steps + 1, sizeof *a->log_kept);
    a->no_gradient = hw_calloc(a->width, sizeof *a->no_gradient);
    if (!a->last || !a->row_steps || !a->log_kept || !a->no_gradient) return false;
    for (size_t step = 0; step <= steps; step++)
        a->row_steps[step] = coefficients(a, step, a->row_rate, true);
    for (size_t step = 0; step < steps; step++)
        a->log_kept[step + 1] = a->log_kept[step] + log1p(-(double)a->row_steps[step].decay);
    return true;
}

static bool allocate(hw_adamw *a, const hw_encoder_config *config) {
    a->floats = hw_encoder_floats(config);
    a->first = first_float(config, &a->options);
    a->piece_count = cut(NULL, config, &a->options);
    a->pieces = hw_calloc(a->piece_count, sizeof *a->pieces);
    a->squares = hw_calloc(a->piece_count, sizeof *a->squares);
    a->gradient = hw_malloc(a->floats * sizeof *a->gradient); /* much of it may never be touched */
    a->mean = hw_calloc(a->floats - a->first, sizeof *a->mean);
    a->square = hw_calloc(a->floats - a->first, sizeof *a->square);
    if (!a->pieces || !a->squares || !a->gradient || !a->mean || !a->square) return false;
    cut(a->pieces, config, &a->options);
    forget_gradient(a);
    return !learns_by_rows(&a->options) || allocate_rows(a, config);
}

hw_adamw *hw_adamw_new(const hw_encoder_config *config, const hw_adamw_options *options,
                       const hw_kernels *kernels, hw_pool *pool, hw_error *err) {
    hw_adamw *a = hw_calloc(1, sizeof *a);
    if (!a) {
        hw_fail_memory(err, sizeof *a);
        return NULL;
    }
    a->options = *options;
    a->kernels = kernels;
    a->pool = pool;
    if (allocate(a, config)) return a;
    hw_fail_memory(err, hw_adamw_bytes(config, options));
    hw_adamw_free(a);
    return NULL;
}

void hw_adamw_free(hw_adamw *a) {
    if (!a) return;
    void *blocks[] = { a->pieces, a->squares,   a->gradient, a->mean,       a->square,
                       a->last,   a->row_steps, a->log_kept, a->no_gradient };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) hw_free(blocks[i]);
    hw_free(a);
}

size_t hw_adamw_bytes(const hw_encoder_config *config, const hw_adamw_options *options) {
    const size_t learning = hw_encoder_floats(config) - first_float(config, options);
    const size_t words = learns_by_rows(options) ? hw_encoder_word_floats(config) : 0;
    return (3 * learning - words) * sizeof(float) + (size_t)config->vocabulary * sizeof(uint32_t);
}

float *hw_adamw_gradient(hw_adamw *a) {
    return a->gradient;
}

size_t hw_adamw_steps(const hw_adamw *a) {
    return a->step;
}

double hw_adamw_rate(const hw_adamw *a) {
    return hw_schedule_rate(&a->options.schedule, a->step);
}

/* ---- State ---------------------------------------------------------------------------------- */

hw_state_array hw_adamw_state(hw_adamw *a, size_t i) {
    const size_t moments = (a->floats - a->first) * sizeof(float);
    const hw_state_array arrays[HW_ADAMW_ARRAYS] = {
        { "adam.mean", a->mean, moments },
        { "adam.square", a->square, moments },
        { "adam.last", a->last, a->rows * sizeof *a->last },
    };
    return arrays[i];
}

bool hw_adamw_resume(hw_adamw *a, size_t steps) {
    if (steps > a->options.schedule.steps) return false;
    for (size_t row = 0; row < a->rows; row++)
        if (a->last[row] > steps) return false;
    a->step = steps;
    return true;
}
