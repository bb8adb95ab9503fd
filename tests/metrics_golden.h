/* tests/golden/metrics.json in memory: arrays of numbers by name. */
#ifndef METRICS_GOLDEN_H
#define METRICS_GOLDEN_H

#include "classify/metrics.h"

#include <jansson.h>

/* NULL, with a message on standard error, if it cannot be read. Freed by json_decref. */
json_t *golden_open(void);
/* Arrays of a JSON array's numbers, to be given to free(); NULL of null. */
float *golden_floats(const json_t *array);
uint32_t *golden_integers(const json_t *array);
/* {"offsets": [...], "labels": [...]}; to be given to golden_free_targets. */
hw_targets golden_targets(const json_t *object);
void golden_free_targets(hw_targets targets);

#endif
