/* Tokenises every text once, so that no epoch looks at a string again. */
#include "train/token_texts.h"

#include "base/memory.h"
#include "classify/token_windows.h"

#include <assert.h>
#include <string.h>

/* ---- Texts ------------------------------------------------------------------------ */

static hw_status append(hw_token_texts *texts, const hw_tokens *tokens,
                        const hw_tokenizer *tokenizer, size_t room, hw_error *err) {
    const size_t begin = texts->offsets[texts->count];
    const size_t kept = tokens->count < room ? tokens->count : room;
    const size_t most = begin + kept + hw_template_tokens(tokenizer) + 1;
    if (!hw_grow((void **)&texts->ids, &texts->capacity, most, sizeof *texts->ids))
        return hw_fail_memory(err, most * sizeof *texts->ids);
    const size_t written = hw_window_write(texts->ids + begin, tokenizer, tokens->items, kept);
    if (written > texts->longest) texts->longest = written;
    texts->cut += kept < tokens->count;
    texts->offsets[++texts->count] = begin + written;
    return HW_OK;
}

hw_status hw_token_texts_make(hw_token_texts *texts, const hw_dataset *dataset,
                              const hw_tokenizer *tokenizer, size_t max_tokens, hw_error *err) {
    assert(max_tokens > hw_template_tokens(tokenizer));
    const size_t room = max_tokens - hw_template_tokens(tokenizer);
    texts->offsets = hw_calloc(dataset->count + 1, sizeof *texts->offsets);
    if (!texts->offsets) return hw_fail_memory(err, dataset->count * sizeof *texts->offsets);
    hw_tokenizer_scratch *scratch = hw_tokenizer_scratch_new(tokenizer, err);
    if (!scratch) return HW_ERROR_MEMORY;
    hw_tokens tokens = { 0 };
    hw_status status = HW_OK;
    for (size_t row = 0; row < dataset->count && status == HW_OK; row++) {
        status = hw_tokenizer_encode(&tokens, scratch, dataset->examples[row].text, err);
        if (status == HW_OK) status = append(texts, &tokens, tokenizer, room, err);
    }
    hw_free(tokens.items);
    hw_tokenizer_scratch_free(scratch);
    return status;
}

void hw_token_texts_free(hw_token_texts *texts) {
    hw_free(texts->ids);
    hw_free(texts->offsets);
    *texts = (hw_token_texts){ 0 };
}

/* ---- Pieces ------------------------------------------------------------------------ */

hw_status hw_token_piece_reserve(hw_token_piece *piece, const hw_token_texts *texts, size_t tokens,
                                 size_t most_texts, hw_error *err) {
    piece->most_tokens = tokens > texts->longest ? tokens : texts->longest;
    piece->most_texts = most_texts;
    piece->tokens = hw_calloc(piece->most_tokens, sizeof *piece->tokens);
    piece->offsets = hw_calloc(most_texts + 1, sizeof *piece->offsets);
    if (piece->tokens && piece->offsets) return HW_OK;
    return hw_fail_memory(err, (piece->most_tokens + most_texts) * sizeof *piece->tokens);
}

void hw_token_piece_free(hw_token_piece *piece) {
    hw_free(piece->tokens);
    hw_free(piece->offsets);
    *piece = (hw_token_piece){ 0 };
}

hw_encoder_batch hw_token_piece_fill(hw_token_piece *piece, const hw_token_texts *texts,
                                     const uint32_t *rows, size_t count) {
    size_t taken = 0, tokens = 0;
    for (; taken < count && taken < piece->most_texts; taken++) {
        const size_t begin = texts->offsets[rows[taken]], end = texts->offsets[rows[taken] + 1];
        if (end - begin > piece->most_tokens - tokens) break;
        memcpy(piece->tokens + tokens, texts->ids + begin, (end - begin) * sizeof *piece->tokens);
        tokens += end - begin;
        piece->offsets[taken + 1] = (uint32_t)tokens;
    }
    return (hw_encoder_batch){ piece->tokens, piece->offsets, taken, NULL };
}
