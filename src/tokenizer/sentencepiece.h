/* SentencePiece models (a protobuf with pieces, scores and a normalizer) as the tokenizer.json that
 * `transformers` converts them to. Invariant: whatever the bytes are, nothing outside them is
 * read. */
#ifndef HW_TOKENIZER_SENTENCEPIECE_H
#define HW_TOKENIZER_SENTENCEPIECE_H

#include "base/text_buffer.h"

/* Whose special tokens, normalizer and template the model gets. */
typedef enum hw_sentencepiece_family {
    HW_SENTENCEPIECE_XLM_ROBERTA, /* sentencepiece.bpe.model: <s> <pad> </s> <unk> come first */
    HW_SENTENCEPIECE_ALBERT,      /* spiece.model: [CLS] [SEP], quotes, case and accents */
    HW_SENTENCEPIECE_DEBERTA      /* spm.model: [CLS] [SEP], version 2 and 3 */
} hw_sentencepiece_family;

/* The options of tokenizer_config.json. */
typedef struct hw_sentencepiece_options {
    bool lower_case;     /* do_lower_case: ALBERT, DeBERTa */
    bool keep_accents;   /* ALBERT */
    bool split_by_punct; /* DeBERTa */
} hw_sentencepiece_options;

/* Appends the text of a tokenizer.json, with one key more than `transformers` writes: its scores
 * are exact (tokenizer/unigram.h), as `transformers` does not read them from JSON either. name is
 * for messages. Models of another kind than unigram are HW_ERROR_UNSUPPORTED. */
hw_status hw_sentencepiece_convert(hw_text_buffer *json, hw_text model,
                                   hw_sentencepiece_family family, hw_sentencepiece_options options,
                                   const char *name, hw_error *err);

/* The same for the model file of a folder, with the options of its tokenizer_config.json if there
 * is one. HW_ERROR_IO if the folder has no model file. */
hw_status hw_sentencepiece_open(hw_text_buffer *json, const char *folder, hw_error *err);

#endif
