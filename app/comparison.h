/* What `compare` prints. */
#ifndef APP_COMPARISON_H
#define APP_COMPARISON_H

#include "headwise.h"

typedef struct comparison_view {
    const hw_comparison *comparison;
    const hw_classifier *first; /* names the labels */
    const char *models[2];      /* as they were given */
    size_t flips;               /* most to be shown */
} comparison_view;

void comparison_print(const comparison_view *view);
hw_status comparison_print_json(const comparison_view *view, hw_error *err);

#endif
