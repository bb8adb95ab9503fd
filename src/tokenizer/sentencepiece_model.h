/* A SentencePiece model as far as it is needed (sentencepiece_model.proto). */
#ifndef HW_TOKENIZER_SENTENCEPIECE_MODEL_H
#define HW_TOKENIZER_SENTENCEPIECE_MODEL_H

#include "base/error.h"

typedef enum hw_piece_type {
    HW_PIECE_NORMAL = 1,
    HW_PIECE_CONTROL = 3,
    HW_PIECE_USER_DEFINED = 4
} hw_piece_type;

typedef struct hw_sentencepiece {
    hw_text string; /* valid UTF-8 */
    float score;    /* finite */
    uint32_t type;  /* hw_piece_type, or another one */
} hw_sentencepiece;

/* Its texts lie in the bytes it was read from. */
typedef struct hw_sentencepiece_model {
    hw_sentencepiece *pieces; /* [count] */
    size_t count, capacity;
    uint64_t type;    /* 1 unigram, 2 BPE, 3 words, 4 characters */
    uint64_t unknown; /* the piece of unknown characters */
    hw_text charsmap; /* may be empty */
} hw_sentencepiece_model;

/* Zero-initialise first; free it after a failure, too. name is for messages. */
hw_status hw_sentencepiece_read(hw_sentencepiece_model *model, hw_text bytes, const char *name,
                                hw_error *err);
void hw_sentencepiece_model_free(hw_sentencepiece_model *model);

#endif
