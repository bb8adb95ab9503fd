/* Words as BERT's normalizer and pre-tokenizer make them: lower case, accents stripped, CJK
 * characters and punctuation each by itself. What a new vocabulary is learned from. */
#ifndef HW_TOKENIZER_BERT_WORDS_H
#define HW_TOKENIZER_BERT_WORDS_H

#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/word_bag.h"

/* The sections of a tokenizer.json. New references; NULL if memory is short. */
json_t *hw_bert_normalizer_json(void);
json_t *hw_bert_pre_tokenizer_json(void);

typedef struct hw_bert_words {
    hw_normalizer normalizer;
    hw_pre_tokenizer pre_tokenizer;
    hw_workspace workspace;
    uint64_t count; /* of all words so far */
} hw_bert_words;

/* *words is zero before, and freed by hw_bert_words_free also on failure. */
hw_status hw_bert_words_init(hw_bert_words *words, hw_error *err);
void hw_bert_words_free(hw_bert_words *words);
/* Adds the words of a text to the bag. */
hw_status hw_bert_words_add(hw_word_bag *bag, hw_bert_words *words, hw_text text, hw_error *err);

#endif
