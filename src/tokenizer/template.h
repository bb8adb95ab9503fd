/* The "post_processor" of a tokenizer.json: what goes before and after a single text, and whether
 * tokens lose the blanks at their ends. Invariant: immutable once read. */
#ifndef HW_TOKENIZER_TEMPLATE_H
#define HW_TOKENIZER_TEMPLATE_H

#include "tokenizer/tokenizer.h"

#include <jansson.h>

enum { HW_TEMPLATE_MOST = 32 }; /* ids on either side */

/* Zero-initialise: nothing. */
typedef struct hw_template {
    uint32_t before[HW_TEMPLATE_MOST], after[HW_TEMPLATE_MOST];
    size_t before_count, after_count;
    bool trims;         /* begin and end skip the blanks that the token's string has there */
    bool spares_prefix; /* but not the one blank of the first token, which was added */
} hw_template;

/* json: the section, which may be null. name is for messages. */
hw_status hw_template_init(hw_template *template, const json_t *json, const char *name,
                           hw_error *err);

/* Moves begin and end past the blanks that the token's string has at its ends; text is the
 * original. Call it if the template trims. */
void hw_template_trim(hw_token *token, const hw_template *template, hw_text text, hw_text string,
                      bool is_first);

#endif
