#include "encoder/first_tokens.h"

#include <string.h>

bool hw_gives_first_only(const hw_encoder_pass *pass, int32_t layer) {
    return pass->first_only && layer == pass->config->layers - 1;
}

size_t hw_layer_rows(const hw_encoder_pass *pass, int32_t layer) {
    return hw_gives_first_only(pass, layer) ? pass->batch.texts : hw_block_tokens(pass);
}

void hw_first_tokens_take(float *first, const float *all, size_t ld, size_t width,
                          const hw_encoder_pass *pass) {
    for (size_t text = 0; text < pass->batch.texts; text++)
        memcpy(first + text * width, all + hw_begin_of(pass, text) * ld, width * sizeof *first);
}

void hw_first_tokens_put(float *all, size_t ld, const float *first, size_t width,
                         const hw_encoder_pass *pass) {
    for (size_t text = 0; text < pass->batch.texts; text++)
        memcpy(all + hw_begin_of(pass, text) * ld, first + text * width, width * sizeof *all);
}

void hw_first_tokens_add(float *all, const float *first, size_t width,
                         const hw_encoder_pass *pass) {
    for (size_t text = 0; text < pass->batch.texts; text++)
        pass->kernels->add(all + hw_begin_of(pass, text) * width, first + text * width, width);
}

/* From the last text on: a row moves behind the rows that are still to be moved. */
void hw_first_tokens_spread(float *x, size_t width, const hw_encoder_pass *pass) {
    for (size_t text = pass->batch.texts; text-- > 0;) {
        const size_t begin = hw_begin_of(pass, text), end = hw_begin_of(pass, text + 1);
        memmove(x + begin * width, x + text * width, width * sizeof *x);
        memset(x + (begin + 1) * width, 0, (end - begin - 1) * width * sizeof *x);
    }
}
