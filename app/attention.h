/* What a command shows of attention. */
#ifndef APP_ATTENTION_H
#define APP_ATTENTION_H

#include "page.h"

#include <jansson.h>

typedef struct shown_attention {
    const hw_classifier *classifier;
    const hw_attention_map *map;
    hw_text text;
    size_t reading;
} shown_attention;

/* A token as people know it: of the vocabulary, or of the text. */
hw_text attention_token(const shown_attention *shown, size_t token);

/* As a part of a page: squares. */
void attention_append(hw_text_buffer *page, const shown_attention *shown);
/* Likewise, arcs from each token to what it looks at, and the squares to be unfolded; squares alone
 * of a text that is too long for arcs. */
void attention_append_arcs(hw_text_buffer *page, const shown_attention *shown);
/* {"attention": [layer][head][query][key], "left_text": [...], "right_text": [...]} as BertViz
 * (Vig 2019) takes them, and where the tokens are. A new reference; something is missing if memory
 * is short. */
json_t *attention_json(const shown_attention *shown);

#endif
