/* Appending to hw_tokens. */
#ifndef HW_TOKENIZER_TOKEN_LIST_H
#define HW_TOKENIZER_TOKEN_LIST_H

#include "base/memory.h"
#include "tokenizer/tokenizer.h"

static inline hw_status hw_tokens_append(hw_tokens *tokens, hw_token token, hw_error *err) {
    if (tokens->count == tokens->capacity &&
        !hw_grow((void **)&tokens->items, &tokens->capacity, tokens->count + 16, sizeof token))
        return hw_fail_memory(err, (tokens->count + 16) * sizeof token);
    tokens->items[tokens->count++] = token;
    return HW_OK;
}

#endif
