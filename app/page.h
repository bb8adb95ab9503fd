/* A page of HTML that stands alone: no script, no network (its content policy forbids both), light
 * or dark as the reader likes it, from narrow telephones to wide screens. Invariant: what comes
 * from a text or a model is text in it, whatever it is. */
#ifndef APP_PAGE_H
#define APP_PAGE_H

#include "headwise.h"

#include "base/text_buffer.h"

void page_begin(hw_text_buffer *page, const char *title);
/* As text: markup is escaped; invalid bytes and characters that control are U+FFFD. */
void page_append(hw_text_buffer *page, hw_text text);
/* Ends the page, writes it whole or not at all, and frees it. */
hw_status page_write(hw_text_buffer *page, const char *path, hw_error *err);

#endif
