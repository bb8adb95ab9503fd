/* What `heads` prints. */
#ifndef APP_HEAD_REPORT_H
#define APP_HEAD_REPORT_H

#include "page.h"

typedef struct head_report_view {
    const hw_head_report *report;
    const hw_classifier *classifier;
    const char *model, *file; /* as they were given */
} head_report_view;

/* "0.3": a head by its number before any was pruned. */
void head_name_write(char text[24], const head_report_view *view, size_t layer, size_t head);
/* Whether heads have other numbers than these now. */
bool head_report_is_pruned(const head_report_view *view);
/* "position -1, strong" */
void head_role_write(char text[32], const hw_head_look *look);
/* Which heads can be switched off together, as for --mask-heads, and what that costs; and a word of
 * caution. */
void head_removal_write(hw_text_buffer *text, const head_report_view *view);

void head_report_print(const head_report_view *view);
hw_status head_report_print_json(const head_report_view *view, hw_error *err);
/* As a part of a page. */
void head_report_append(hw_text_buffer *page, const head_report_view *view);

#endif
