/* What a tokenizer is made of; for its own files. */
#ifndef HW_TOKENIZER_TOKENIZER_PARTS_H
#define HW_TOKENIZER_TOKENIZER_PARTS_H

#include "tokenizer/added_tokens.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/segmentation.h"
#include "tokenizer/template.h"
#include "tokenizer/tokenizer_model.h"

struct hw_tokenizer {
    hw_normalizer normalizer;
    hw_pre_tokenizer pre_tokenizer;
    hw_tokenizer_model model;
    hw_added_tokens added;
    hw_template template;
    char *json; /* the text all this was read from */
    size_t size;
    hw_segmentation segmentation;
};

#endif
