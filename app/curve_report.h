/* How an order in which heads go compares with others: as a table, and as JSON. */
#ifndef APP_CURVE_REPORT_H
#define APP_CURVE_REPORT_H

#include "headwise.h"

#include <jansson.h>

typedef struct curve_view {
    const hw_prune_curve *curve;
    const hw_classifier *classifier;
    double tolerance; /* points */
    uint64_t seed;
} curve_view;

void curve_print(const curve_view *view);
json_t *curve_json(const curve_view *view);

/* The steps in their order, those beyond the chosen ones too. */
json_t *curve_steps_json(const hw_prune_plan *plan);

#endif
