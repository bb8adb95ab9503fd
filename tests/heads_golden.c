#include "heads_golden.h"

#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

json_t *heads_golden;

int heads_golden_open(void **state) {
    heads_golden = json_load_file("tests/golden/heads.json", 0, NULL);
    return heads_golden ? toy_enter_folder(state) : -1;
}

int heads_golden_close(void **state) {
    json_decref(heads_golden);
    return toy_leave_folder(state);
}

void heads_assert_near(double value, double expected, double most) {
    if (!(fabs(value - expected) <= most)) fail_msg("%.12g instead of %.12g", value, expected);
}
