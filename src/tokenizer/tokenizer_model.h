/* The "model" of a tokenizer.json, whichever it is: a pre-token becomes tokens. Invariant: a model
 * is immutable and shared between threads. */
#ifndef HW_TOKENIZER_TOKENIZER_MODEL_H
#define HW_TOKENIZER_TOKENIZER_MODEL_H

#include "tokenizer/bpe.h"
#include "tokenizer/unigram.h"
#include "tokenizer/vocabulary_text.h"
#include "tokenizer/wordpiece.h"

typedef struct hw_tokenizer_model {
    hw_token_table vocabulary;
    hw_wordpiece wordpiece; /* the model, if it is neither of the others */
    hw_bpe *bpe;
    hw_unigram *unigram;
} hw_tokenizer_model;

/* json: the section, from whose document text has cut the vocabulary if it is an object. name is
 * for messages. Zero-initialise first; free it after a failure, too. */
hw_status hw_tokenizer_model_init(hw_tokenizer_model *model, const json_t *json,
                                  const hw_vocabulary_text *text, const char *name, hw_error *err);
void hw_tokenizer_model_free(hw_tokenizer_model *model);

/* Working memory of one thread. Zero-initialise. */
typedef struct hw_tokenizer_model_scratch {
    hw_bpe_scratch bpe;
    hw_unigram_scratch unigram;
} hw_tokenizer_model_scratch;
void hw_tokenizer_model_scratch_free(hw_tokenizer_model_scratch *scratch);

/* Appends the tokens of one pre-token (valid UTF-8), with begin and end in bytes of it.
 * HW_ERROR_MEMORY is the only failure. */
hw_status hw_tokenizer_model_encode(hw_tokens *tokens, const hw_tokenizer_model *model,
                                    hw_tokenizer_model_scratch *scratch, hw_text word,
                                    hw_error *err);

#endif
