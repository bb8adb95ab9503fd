/* What the tests of studies share: a data set small enough for trainings of milliseconds and hard
 * enough for arms to differ, and JSON that must be there. */
#ifndef STUDY_CASE_H
#define STUDY_CASE_H

#include "base/json.h"

/* A folder of its own (toy_data.h) with the file "data": 90 texts, two labels, a fourth of the
 * texts with the other label's word. As cmocka's group setup. */
int study_enter_folder(void **state);

json_t *study_read_json(const char *path);
void study_write_json(const char *path, json_t *value); /* takes the reference */
double study_number(const json_t *object, const char *key);

#endif
