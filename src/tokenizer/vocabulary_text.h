/* The vocabulary {"the": 5, ...} of a tokenizer.json, read from the text of the document. Nearly
 * all values of the document are in it: a tree of them takes a third of the time of opening a
 * model. */
#ifndef HW_TOKENIZER_VOCABULARY_TEXT_H
#define HW_TOKENIZER_VOCABULARY_TEXT_H

#include "base/text_buffer.h"
#include "tokenizer/token_table.h"

typedef struct hw_vocabulary_text {
    hw_text document;
    hw_text object; /* model.vocab in it, braces included; no bytes: there is none */
    size_t entries; /* of the object, if it is one; at most a sixth of its bytes */
} hw_vocabulary_text;

/* Finds model.vocab, if it is an object and can be seen before the document is parsed. */
hw_vocabulary_text hw_vocabulary_find(const char *json, size_t length);

/* The document with {} in place of the vocabulary, on the same lines. HW_ERROR_MEMORY is the only
 * failure. */
hw_status hw_vocabulary_cut(hw_text_buffer *rest, const hw_vocabulary_text *vocabulary,
                            hw_error *err);

/* Adds all entries to the table. They may be no JSON: then HW_ERROR_FORMAT, with their line. Of
 * equal strings the last one counts. name is for messages. */
hw_status hw_vocabulary_read(hw_token_table *table, const hw_vocabulary_text *vocabulary,
                             const char *name, hw_error *err);

#endif
