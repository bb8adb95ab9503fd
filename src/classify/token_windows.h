/* How the tokens of a text are cut into windows that an encoder reads, each with the special
 * tokens of the tokenizer's template around it. Invariant: the windows cover all tokens, each is
 * full if there are two or more, and neighbours share at least `stride` tokens. */
#ifndef HW_CLASSIFY_TOKEN_WINDOWS_H
#define HW_CLASSIFY_TOKEN_WINDOWS_H

#include "tokenizer/tokenizer.h"

typedef struct hw_window_plan {
    size_t room;   /* tokens of text in a window, at least 1 */
    size_t stride; /* tokens that neighbours share, below room */
} hw_window_plan;

/* Tokens that the template adds to each window. */
size_t hw_template_tokens(const hw_tokenizer *tokenizer);
/* How many windows `tokens` tokens of text make; at least 1. */
size_t hw_window_count(hw_window_plan plan, size_t tokens);
/* The window-th window is tokens [*begin, *end) of the text. */
void hw_window_bounds(size_t *begin, size_t *end, hw_window_plan plan, size_t tokens,
                      size_t window);
/* Writes the ids of a window with its special tokens: ids[count + hw_template_tokens]. Returns
 * how many they are, at least 1: a text without any token is the token 0. */
size_t hw_window_write(uint32_t *ids, const hw_tokenizer *tokenizer, const hw_token *tokens,
                       size_t count);

#endif
