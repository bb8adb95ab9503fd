/* A tokenizer as Hugging Face's `tokenizers` defines it: from a text to the ids of a vocabulary,
 * each with the bytes of the text it came from.
 *
 *   text -> added tokens | rest -> normalizer -> pre-tokenizer -> model -> template
 *
 * Models: WordPiece (Schuster and Nakajima 2012; greedy longest match), byte-level BPE (Sennrich
 * et al. 2016, Radford et al. 2019) and Unigram (Kudo 2018). Invariants: a tokenizer is immutable
 * once made and is shared between threads; what a thread needs lives in its hw_tokenizer_scratch;
 * ids are those of `tokenizers` for every byte string, where invalid UTF-8 counts as U+FFFD. */
#ifndef HW_TOKENIZER_TOKENIZER_H
#define HW_TOKENIZER_TOKENIZER_H

#include "base/error.h"

typedef struct hw_tokenizer hw_tokenizer;

/* Reused from text to text. Zero-initialise; items is freed by hw_free. */
typedef struct hw_tokens {
    hw_token *items;
    size_t count, capacity;
} hw_tokens;

/* From the text of a tokenizer.json. name is for messages. What a section of it asks for and this
 * does not offer is HW_ERROR_UNSUPPORTED and named. */
hw_tokenizer *hw_tokenizer_parse(const char *json, size_t length, const char *name, hw_error *err);
/* From a folder: tokenizer.json, else vocab.txt (with tokenizer_config.json's do_lower_case,
 * strip_accents and tokenize_chinese_chars), else vocab.json and merges.txt, else
 * sentencepiece.bpe.model or spiece.model or spm.model. */
hw_tokenizer *hw_tokenizer_open(const char *folder, hw_error *err);
void hw_tokenizer_free(hw_tokenizer *tokenizer); /* accepts NULL */

/* The text of a tokenizer.json that gives this tokenizer. */
const char *hw_tokenizer_json(const hw_tokenizer *tokenizer);
/* One more than the largest id, added tokens included. */
size_t hw_tokenizer_size(const hw_tokenizer *tokenizer);
/* As it stands in the vocabulary ("##ing"); NULL if the id has none. */
const char *hw_tokenizer_string(const hw_tokenizer *tokenizer, uint32_t id);
/* The id of a token, or HW_NO_TOKEN. */
#define HW_NO_TOKEN UINT32_MAX
uint32_t hw_tokenizer_find(const hw_tokenizer *tokenizer, const char *token);
/* Special tokens: [UNK], [CLS], [SEP], [PAD], [MASK], <s>, ... */
bool hw_tokenizer_is_special(const hw_tokenizer *tokenizer, uint32_t id);
/* What the template puts before and after a single text: ids[*count]. */
const uint32_t *hw_tokenizer_before(const hw_tokenizer *tokenizer, size_t *count);
const uint32_t *hw_tokenizer_after(const hw_tokenizer *tokenizer, size_t *count);

/* Working memory of one thread, with a cache of words. */
typedef struct hw_tokenizer_scratch hw_tokenizer_scratch;
hw_tokenizer_scratch *hw_tokenizer_scratch_new(const hw_tokenizer *tokenizer, hw_error *err);
void hw_tokenizer_scratch_free(hw_tokenizer_scratch *scratch); /* accepts NULL */

/* The tokens of a text without the template's: windows are cut first, then each gets them.
 * Linear in the length of the text but for words that repeat no pattern. HW_ERROR_MEMORY is the
 * only failure. Texts of more than 2^31 - 1 bytes are cut there. */
hw_status hw_tokenizer_encode(hw_tokens *tokens, hw_tokenizer_scratch *scratch, hw_text text,
                              hw_error *err);

#endif
