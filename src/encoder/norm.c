/* Invariant: gradients of gain and bias are summed within pieces of HW_ROWS rows and then over
 * pieces, in that order whatever the number of threads. */
#include "encoder/norm.h"

#include <string.h>

typedef struct norming {
    float *y, *mean, *rstd; /* y: or d_x */
    const float *x, *d_y;
    const hw_module *module;
    size_t rows;
    const hw_encoder_pass *pass;
} norming;

static size_t rows_of(const norming *n, size_t piece) {
    const size_t left = n->rows - piece * HW_ROWS;
    return left < HW_ROWS ? left : HW_ROWS;
}

static void norm_piece(void *context, size_t piece, int32_t worker) {
    (void)worker;
    const norming *n = context;
    const size_t row = piece * HW_ROWS, width = n->module->columns, at = row * width;
    n->pass->kernels->norm(n->y + at, n->mean ? n->mean + row : NULL,
                           n->rstd ? n->rstd + row : NULL, n->x + at, n->module->weight,
                           n->module->bias, n->pass->config->norm_epsilon, rows_of(n, piece),
                           width);
}

void hw_norm_forward(float *y, float *mean, float *rstd, const float *x, const hw_module *module,
                     size_t rows, const hw_encoder_pass *pass) {
    norming n = { y, mean, rstd, x, NULL, module, rows, pass };
    hw_pool_run(pass->scratch->pool, hw_row_pieces(rows), norm_piece, &n);
}

static void norm_piece_backward(void *context, size_t piece, int32_t worker) {
    (void)worker;
    const norming *n = context;
    const size_t row = piece * HW_ROWS, width = n->module->columns, at = row * width;
    float *sums = n->pass->scratch->work.norm_sums + piece * 2 * width;
    memset(sums, 0, 2 * width * sizeof *sums);
    n->pass->kernels->norm_backward(n->y + at, sums, n->module->bias ? sums + width : NULL,
                                    n->d_y + at, n->x + at, n->mean + row, n->rstd + row,
                                    n->module->weight, rows_of(n, piece), width);
}

void hw_norm_backward(float *d_x, float *gradient, const float *d_y, const float *x,
                      const float *mean, const float *rstd, const hw_module *module, size_t rows,
                      const hw_encoder_pass *pass) {
    norming n = { d_x, (float *)mean, (float *)rstd, x, d_y, module, rows, pass };
    const float *sums = pass->scratch->work.norm_sums;
    const size_t width = module->columns;
    hw_pool_run(pass->scratch->pool, hw_row_pieces(rows), norm_piece_backward, &n);
    for (size_t piece = 0; piece < hw_row_pieces(rows); piece++, sums += 2 * width) {
        pass->kernels->add(gradient + module->weight_at, sums, width);
        if (module->bias) pass->kernels->add(gradient + module->bias_at, sums + width, width);
    }
}
