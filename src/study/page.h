/* A page of HTML that stands alone: no network (its content policy forbids it), English or Chinese
 * as its reader chooses, light or dark, from telephones to wide screens. Invariant: what is not
 * written here as markup is text in it, whatever it is. */
#ifndef HW_STUDY_PAGE_H
#define HW_STUDY_PAGE_H

#include "base/json.h"

void hw_page_begin(hw_text_buffer *page, const char *title);
void hw_page_end(hw_text_buffer *page);

/* As text: markup is escaped; invalid bytes and control characters are U+FFFD. */
void hw_page_text(hw_text_buffer *page, const char *text);
/* Our own words, printed by format, in both languages (study/chinese.h); inside of HTML or, the
 * second, of an SVG's text. */
void hw_page_phrase(hw_text_buffer *page, const char *format, ...) HW_PRINTF(2, 3);
void hw_page_svg_phrase(hw_text_buffer *page, const char *text);
/* As a cell or a heading of a table, or the like: <tag>phrase</tag>. */
void hw_page_element(hw_text_buffer *page, const char *tag, const char *text);

/* {"title", "columns", "rows"} of a claim's result; the first column names its row. */
void hw_page_table(hw_text_buffer *page, const json_t *table);

#endif
