/* What a command shows of an explanation. */
#ifndef APP_EXPLANATION_H
#define APP_EXPLANATION_H

#include "page.h"

#include <jansson.h>

/* One explanation and what it is of. */
typedef struct shown_explanation {
    const hw_classifier *classifier;
    const hw_explanation *explanation;
    hw_text text;
} shown_explanation;

/* As --method knows it. */
const char *method_name(hw_explain_method method);

/* On standard output: the words with their scores, the gap, and what removing words does. */
void explanation_print(const shown_explanation *shown, bool in_color);
/* Means of several, of which one is `last`. */
void faithfulness_print(const hw_faithfulness *means, const hw_explained *last);
/* As a part of a page. */
void explanation_append(hw_text_buffer *page, const shown_explanation *shown);
/* A new reference; something is missing if memory is short. */
json_t *explanation_json(const shown_explanation *shown);

#endif
