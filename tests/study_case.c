/* Every text has one of eight words that say something, and three that do not. */
#include "study_case.h"

#include "base/random.h"
#include "toy_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 90 };

static void write_data(const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (uint64_t row = 0; row < ROWS; row++) {
        const bool own = hw_random_below(5, 1, row, 4) > 0;
        fprintf(file, "%s\t%s%d the%d film%d was%d\n", row % 2 ? "pos" : "neg",
                (row % 2 == 1) == own ? "good" : "bad", (int)hw_random_below(5, 2, row, 4),
                (int)hw_random_below(5, 3, row, 5), (int)hw_random_below(5, 4, row, 6),
                (int)(row % 7));
    }
    assert_int_equal(fclose(file), 0);
}

int study_enter_folder(void **state) {
    const int entered = toy_enter_folder(state);
    if (entered == 0) write_data("data");
    return entered;
}

json_t *study_read_json(const char *path) {
    json_t *value = json_load_file(path, 0, NULL);
    if (!value) fail_msg("%s cannot be read", path);
    return value;
}

void study_write_json(const char *path, json_t *value) {
    assert_int_equal(json_dump_file(value, path, JSON_REAL_PRECISION(17)), 0);
    json_decref(value);
}

double study_number(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}
