/* Texts as an encoder reads them while it learns: each one window of token ids, special tokens
 * included; what a window has no room for is cut off. And batches of them for one pass. */
#ifndef HW_TRAIN_TOKEN_TEXTS_H
#define HW_TRAIN_TOKEN_TEXTS_H

#include "encoder/encoder.h"
#include "text/dataset.h"
#include "tokenizer/tokenizer.h"

typedef struct hw_token_texts {
    uint32_t *ids;   /* [offsets[count]] */
    size_t *offsets; /* [count + 1] */
    size_t count, longest, capacity;
    size_t cut; /* texts that were longer */
} hw_token_texts;

/* max_tokens: of a window. *texts is zero before, and freed by hw_token_texts_free also on
 * failure. */
hw_status hw_token_texts_make(hw_token_texts *texts, const hw_dataset *dataset,
                              const hw_tokenizer *tokenizer, size_t max_tokens, hw_error *err);
void hw_token_texts_free(hw_token_texts *texts);

/* Room for the batch of one pass. */
typedef struct hw_token_piece {
    uint32_t *tokens, *offsets;
    size_t most_texts, most_tokens;
} hw_token_piece;

/* Passes of about `tokens` tokens, but at least one text, and at most `texts` texts. */
hw_status hw_token_piece_reserve(hw_token_piece *piece, const hw_token_texts *texts, size_t tokens,
                                 size_t most_texts, hw_error *err);
void hw_token_piece_free(hw_token_piece *piece);
/* As many of the texts rows[count] as there is room for, at least one; count > 0. */
hw_encoder_batch hw_token_piece_fill(hw_token_piece *piece, const hw_token_texts *texts,
                                     const uint32_t *rows, size_t count);

#endif
