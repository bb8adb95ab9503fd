#include "metrics_golden.h"

#include <stdio.h>
#include <stdlib.h>

json_t *golden_open(void) {
    json_error_t problem;
    json_t *root = json_load_file("tests/golden/metrics.json", 0, &problem);
    if (!root) fprintf(stderr, "tests/golden/metrics.json: %s\n", problem.text);
    return root;
}

float *golden_floats(const json_t *array) {
    if (!json_is_array(array)) return NULL;
    float *values = malloc(json_array_size(array) * sizeof *values);
    for (size_t i = 0; values && i < json_array_size(array); i++)
        values[i] = (float)json_number_value(json_array_get(array, i));
    return values;
}

uint32_t *golden_integers(const json_t *array) {
    if (!json_is_array(array)) return NULL;
    uint32_t *values = malloc(json_array_size(array) * sizeof *values);
    for (size_t i = 0; values && i < json_array_size(array); i++)
        values[i] = (uint32_t)json_integer_value(json_array_get(array, i));
    return values;
}

hw_targets golden_targets(const json_t *object) {
    const json_t *offsets = json_object_get(object, "offsets");
    return (hw_targets){ golden_integers(offsets),
                         golden_integers(json_object_get(object, "labels")),
                         json_array_size(offsets) - 1 };
}

void golden_free_targets(hw_targets targets) {
    free((void *)targets.offsets);
    free((void *)targets.labels);
}
