/* Windows over the tokens of a text: the w-th begins w steps in, the last one is moved back so that
 * it is full. */
#include "classify/token_windows.h"

#include <string.h>

size_t hw_template_tokens(const hw_tokenizer *tokenizer) {
    size_t before, after;
    hw_tokenizer_before(tokenizer, &before);
    hw_tokenizer_after(tokenizer, &after);
    return before + after;
}

size_t hw_window_count(hw_window_plan plan, size_t tokens) {
    if (tokens <= plan.room) return 1;
    const size_t step = plan.room - plan.stride;
    return 1 + (tokens - plan.room + step - 1) / step;
}

void hw_window_bounds(size_t *begin, size_t *end, hw_window_plan plan, size_t tokens,
                      size_t window) {
    const size_t last = tokens > plan.room ? tokens - plan.room : 0;
    const size_t wanted = window * (plan.room - plan.stride);
    *begin = wanted < last ? wanted : last;
    *end = tokens - *begin < plan.room ? tokens : *begin + plan.room;
}

size_t hw_window_write(uint32_t *ids, const hw_tokenizer *tokenizer, const hw_token *tokens,
                       size_t count) {
    size_t before, after;
    const uint32_t *first = hw_tokenizer_before(tokenizer, &before);
    const uint32_t *last = hw_tokenizer_after(tokenizer, &after);
    uint32_t *at = ids;
    if (before) memcpy(at, first, before * sizeof *at);
    at += before;
    for (size_t i = 0; i < count; i++) *at++ = tokens[i].id;
    if (after) memcpy(at, last, after * sizeof *at);
    at += after;
    if (at == ids) *at++ = 0;
    return (size_t)(at - ids);
}
