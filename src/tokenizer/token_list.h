/* Appending to hw_tokens. */
#ifndef HW_TOKENIZER_TOKEN_LIST_H
#define HW_TOKENIZER_TOKEN_LIST_H

#include "base/memory.h"
#include "tokenizer/tokenizer.h"

static inline hw_status hw_tokens_reserve(hw_tokens *tokens, size_t more, hw_error *err) {
    if (tokens->capacity - tokens->count >= more) return HW_OK;
    if (!hw_grow((void **)&tokens->items, &tokens->capacity, tokens->count + more + 16,
                 sizeof *tokens->items))
        return hw_fail_memory(err, (tokens->count + more + 16) * sizeof *tokens->items);
    return HW_OK;
}

static inline hw_status hw_tokens_append(hw_tokens *tokens, hw_token token, hw_error *err) {
    HW_TRY(hw_tokens_reserve(tokens, 1, err));
    tokens->items[tokens->count++] = token;
    return HW_OK;
}

#endif
