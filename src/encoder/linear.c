/* The pool shares a product by its columns, panel by panel; its gradients by output (W) and by row
 * (x), so that each task owns what it writes. */
#include "encoder/linear.h"

#include "base/sizes.h"

#include <assert.h>

enum { TASKS_A_THREAD = 4 };

typedef struct product {
    float *y; /* or d_x */
    size_t ldy;
    const hw_module *modules;
    size_t count;
    const float *x;
    size_t rows, panels, panels_a_task;
    const hw_encoder_pass *pass;
} product;

/* ---- Forward ------------------------------------------------------------------------------ */

static bool is_quantized(const product *p) {
    return p->modules->weight8 || p->modules->weight16;
}

/* The activations. All modules that read them have one form, and smooth them alike. */
static void quantize_rows(void *context, size_t piece, int32_t worker) {
    (void)worker;
    const product *p = context;
    const size_t inputs = p->modules->columns, row = piece * HW_ROWS;
    const size_t rows = hw_smaller(p->rows - row, HW_ROWS);
    const hw_kernels *kernels = p->pass->kernels;
    const hw_encoder_work *work = &p->pass->scratch->work;
    if (p->modules->weight16)
        kernels->round_bf16(work->pairs + row * hw_bf16_pairs(inputs), p->x + row * inputs, rows,
                            inputs);
    else
        kernels->quantize(work->quantized + row * inputs, work->quantized_rows + row,
                          p->x + row * inputs, &p->modules->input, rows, inputs);
}

/* Panels [first, first + panels) of one module. y: the module's first column. */
static void multiply_int8(float *y, const product *p, const hw_module *module, size_t first,
                          size_t columns) {
    const hw_encoder_work *work = &p->pass->scratch->work;
    const hw_int8_matrix all = { module->packed8, module->sums, module->scale, module->packed_exact,
                                 module->bias };
    p->pass->kernels->gemm_int8(y + first * HW_PANEL, p->ldy, work->quantized, work->quantized_rows,
                                hw_int8_from(all, first, module->columns), p->rows, columns,
                                module->columns);
}

static void multiply_bf16(float *y, const product *p, const hw_module *module, size_t first,
                          size_t columns) {
    const size_t column = first * HW_PANEL, pairs = hw_bf16_pairs(module->columns);
    p->pass->kernels->gemm_bf16(
        y + column, p->ldy, p->pass->scratch->work.pairs, module->packed + column * pairs,
        module->bias ? module->bias + column : NULL, p->rows, columns, pairs);
}

static void multiply_packed(float *y, const product *p, const hw_module *module, size_t first,
                            size_t columns) {
    const size_t column = first * HW_PANEL;
    p->pass->kernels->gemm_packed(
        y + column, p->ldy, p->x, module->columns, module->packed + column * module->columns,
        module->bias ? module->bias + column : NULL, p->rows, columns, module->columns);
}

/* What is not packed: a few panels at a time are, on the way. */
static void multiply_unpacked(float *y, const product *p, const hw_module *module, size_t first,
                              size_t columns, int32_t worker) {
    float *panels = p->pass->scratch->work.worker[worker].panels;
    const size_t inputs = module->columns, end = first * HW_PANEL + columns;
    for (size_t column = first * HW_PANEL; column < end; column += HW_PANEL_GROUP * HW_PANEL) {
        const size_t some = hw_smaller(end - column, HW_PANEL_GROUP * HW_PANEL);
        p->pass->kernels->pack(panels, module->weight + column * inputs, inputs, some, inputs);
        p->pass->kernels->gemm_packed(y + column, p->ldy, p->x, inputs, panels,
                                      module->bias ? module->bias + column : NULL, p->rows, some,
                                      inputs);
    }
}

static void multiply(float *y, const product *p, const hw_module *module, size_t first,
                     size_t panels, int32_t worker) {
    const size_t column = first * HW_PANEL;
    const size_t columns = hw_smaller(module->rows - column, panels * HW_PANEL);
    if (module->weight8)
        multiply_int8(y, p, module, first, columns);
    else if (module->weight16)
        multiply_bf16(y, p, module, first, columns);
    else if (module->packed && p->pass->packed)
        multiply_packed(y, p, module, first, columns);
    else
        multiply_unpacked(y, p, module, first, columns, worker);
}

/* Panels of all modules are numbered through; a task may end one and begin the next. */
static void multiply_panels(void *context, size_t task, int32_t worker) {
    const product *p = context;
    size_t first = task * p->panels_a_task;
    size_t left = hw_smaller(p->panels - first, p->panels_a_task);
    float *y = p->y;
    for (size_t m = 0; m < p->count && left > 0; m++) {
        const hw_module *module = &p->modules[m];
        const size_t panels = hw_panels(module->rows);
        if (first < panels) {
            const size_t some = hw_smaller(left, panels - first);
            multiply(y, p, module, first, some, worker);
            left -= some;
            first = panels;
        }
        first -= panels;
        y += module->rows;
    }
}

void hw_linears_forward(float *y, size_t ldy, const hw_module *modules, size_t count,
                        const float *x, size_t rows, const hw_encoder_pass *pass) {
    hw_pool *pool = pass->scratch->pool;
    product p = {
        .y = y, .ldy = ldy, .modules = modules, .count = count, .x = x, .rows = rows, .pass = pass
    };
    assert(!is_quantized(&p) || !pass->scratch->training);
    for (size_t m = 0; m < count; m++) p.panels += hw_panels(modules[m].rows);
    const size_t threads = (size_t)hw_pool_threads(pool);
    const size_t most = threads == 1 ? 1 : hw_smaller(p.panels, threads * TASKS_A_THREAD);
    p.panels_a_task = (p.panels + most - 1) / most;
    if (is_quantized(&p)) hw_pool_run(pool, hw_row_pieces(rows), quantize_rows, &p);
    hw_pool_run(pool, (p.panels + p.panels_a_task - 1) / p.panels_a_task, multiply_panels, &p);
}

/* ---- Backward ------------------------------------------------------------------------------ */

enum { OUTPUTS_A_TASK = 48 };

typedef struct transposed {
    float *d_x, *gradient;
    const float *d_y;
    size_t ldy;
    const hw_module *modules;
    size_t count;
    const float *x;
    size_t rows, output_tasks;
    const hw_encoder_pass *pass;
    bool add;
} transposed;

static size_t output_tasks_of(const hw_module *module) {
    return (module->rows + OUTPUTS_A_TASK - 1) / OUTPUTS_A_TASK;
}

/* d_y: the module's first column. */
static void weight_backward(const transposed *t, const hw_module *module, const float *d_y,
                            size_t task) {
    const hw_kernels *kernels = t->pass->kernels;
    const size_t first = task * OUTPUTS_A_TASK, inputs = module->columns;
    const size_t outputs = hw_smaller(module->rows - first, OUTPUTS_A_TASK);
    float *d_bias = t->gradient + module->bias_at + first;
    kernels->gemm(t->gradient + module->weight_at + first * inputs, inputs, d_y + first, 1, t->ldy,
                  t->x, inputs, outputs, inputs, t->rows, true);
    if (!module->bias) return;
    for (size_t row = 0; row < t->rows; row++)
        kernels->add(d_bias, d_y + row * t->ldy + first, outputs);
}

static void input_backward(const transposed *t, size_t piece) {
    const size_t row = piece * HW_ROWS, rows = hw_smaller(t->rows - row, HW_ROWS);
    const float *d_y = t->d_y + row * t->ldy;
    for (size_t m = 0; m < t->count; m++) {
        const hw_module *module = &t->modules[m];
        const size_t inputs = module->columns;
        t->pass->kernels->gemm(t->d_x + row * inputs, inputs, d_y, t->ldy, 1, module->weight,
                               inputs, rows, inputs, module->rows, t->add || m > 0);
        d_y += module->rows;
    }
}

static void backward_task(void *context, size_t task, int32_t worker) {
    (void)worker;
    const transposed *t = context;
    if (task >= t->output_tasks) {
        input_backward(t, task - t->output_tasks);
        return;
    }
    const hw_module *module = t->modules;
    const float *d_y = t->d_y;
    for (; task >= output_tasks_of(module); module++) {
        task -= output_tasks_of(module);
        d_y += module->rows;
    }
    weight_backward(t, module, d_y, task);
}

void hw_linears_backward(float *d_x, float *gradient, const float *d_y, size_t ldy,
                         const hw_module *modules, size_t count, const float *x, size_t rows,
                         const hw_encoder_pass *pass, bool add) {
    transposed t = { d_x, gradient, d_y, ldy, modules, count, x, rows, 0, pass, add };
    for (size_t m = 0; m < count; m++) {
        assert(modules[m].weight);
        t.output_tasks += output_tasks_of(&modules[m]);
    }
    hw_pool_run(pass->scratch->pool, t.output_tasks + (d_x ? hw_row_pieces(rows) : 0),
                backward_task, &t);
}
