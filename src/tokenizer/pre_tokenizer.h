/* The "pre_tokenizer" of a tokenizer.json as a list of steps: each cuts the pieces of a text
 * further, some rewrite them. Invariant: a pre-tokenizer is immutable and shared between threads.
 */
#ifndef HW_TOKENIZER_PRE_TOKENIZER_H
#define HW_TOKENIZER_PRE_TOKENIZER_H

#include "tokenizer/normalizer.h"

typedef struct hw_pre_tokenizer_step hw_pre_tokenizer_step;

/* Zero-initialise: no steps. */
typedef struct hw_pre_tokenizer {
    hw_pre_tokenizer_step *steps;
    size_t count, capacity;
    bool is_bert; /* BertPreTokenizer and nothing else */
} hw_pre_tokenizer;

/* json: the section, which may be null. name is for messages. Free it after a failure, too. */
hw_status hw_pre_tokenizer_init(hw_pre_tokenizer *pre_tokenizer, const json_t *json,
                                const char *name, hw_error *err);
void hw_pre_tokenizer_free(hw_pre_tokenizer *pre_tokenizer);

/* Whether it is ByteLevel without a prefix: the GPT-2 pattern, then visible characters. */
bool hw_pre_tokenizer_is_byte_level(const hw_pre_tokenizer *pre_tokenizer);
/* Whether it is WhitespaceSplit or Metaspace or the one and then the other: a text may be cut
 * before any blank that has no white space beside it, and its parts cut one by one. */
bool hw_pre_tokenizer_cuts_at_blanks(const hw_pre_tokenizer *pre_tokenizer);

/* Cuts each piece that is no added token. HW_ERROR_MEMORY is the only failure. */
hw_status hw_pre_tokenizer_apply(hw_workspace *workspace, const hw_pre_tokenizer *pre_tokenizer,
                                 hw_error *err);

#endif
