/* Records of JSON Lines: an object a line, with a text, a label (string, number or
 * boolean) or an array of labels, and a weight. */
#ifndef HW_TEXT_JSONL_H
#define HW_TEXT_JSONL_H

#include "text/draft.h"

typedef struct hw_json hw_json; /* what a record's texts are borrowed from */

/* Replaces *json. text_names, label_names: the members to look for, ended by NULL. A
 * record without any of the label members has no labels. */
hw_status hw_jsonl_parse(hw_draft *draft, hw_json **json, hw_text line,
                         const char *const *text_names, const char *const *label_names,
                         hw_error *err);
void hw_json_free(hw_json *json);

bool hw_is_json_object(hw_text line);

#endif
