/* Encoders whose linear layers are bfloat16: beside those of floats, and from tensors that cannot
 * be. */
#include "encoder_case.h"
#include "tensor/bf16.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The tensors of an encoder, linear layers rounded to bfloat16 but for those whose name has
 * `except`. */
typedef struct rounded {
    const hw_encoder *encoder;
    const char *except;
    uint16_t *halves[1024]; /* of the i-th parameter, once it was asked for */
    uint16_t odd;           /* the first half of all; 0: as it is */
    hw_tensor tensor;
    char name[128];
} rounded;

static const uint16_t *halves_of(rounded *r, const hw_encoder_parameter *p, size_t i) {
    const float *values = hw_encoder_values(r->encoder, i);
    const size_t count = p->rows * p->columns;
    assert_true(i < 1024);
    if (r->halves[i]) return r->halves[i];
    r->halves[i] = malloc(count * sizeof **r->halves);
    assert_non_null(r->halves[i]);
    for (size_t j = 0; j < count; j++) r->halves[i][j] = hw_bf16_of(values[j]);
    if (r->odd) r->halves[i][count - 1] = r->odd;
    return r->halves[i];
}

static const hw_tensor *find_rounded(void *context, const char *name) {
    rounded *r = context;
    const hw_encoder_config *config = hw_encoder_config_of(r->encoder);
    hw_encoder_parameter p;
    for (size_t i = 0; hw_encoder_parameter_at(&p, config, i); i++) {
        if (strcmp(name, p.name) != 0) continue;
        const bool half = p.is_linear && !(r->except && strstr(name, r->except));
        strcpy(r->name, p.name);
        r->tensor =
            (hw_tensor){ r->name,
                         half ? HW_BF16 : HW_F32,
                         p.dims,
                         { p.dims == 2 ? p.rows : p.columns, p.dims == 2 ? p.columns : 1, 1, 1 },
                         half ? (const void *)halves_of(r, &p, i)
                              : hw_encoder_values(r->encoder, i),
                         p.rows * p.columns * (half ? 2 : sizeof(float)) };
        return &r->tensor;
    }
    return NULL;
}

static void free_halves(rounded *r) {
    for (size_t i = 0; i < 1024; i++) free(r->halves[i]);
}

static hw_encoder *open_rounded(rounded *r, const encoder_case *c, bool bf16, hw_error *err) {
    r->encoder = c->encoder;
    const hw_encoder_source source = {
        .name = "file", .find = find_rounded, .context = r, .bf16 = bf16
    };
    return hw_encoder_new(&c->config, &source, NULL, err);
}

static float *logits_of(const encoder_case *c, hw_encoder *encoder) {
    encoder_case with = *c;
    with.encoder = encoder;
    float *logits = malloc(c->rows * c->columns * sizeof *logits);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    assert_true(logits && scratch && encoder);
    encoder_case_logits(logits, &with, scratch, NULL);
    hw_encoder_scratch_free(scratch);
    return logits;
}

/* Kept, they also round what the layers read; converted, they do not. */
static void check_case(const char *name) {
    encoder_case c = encoder_case_open(name);
    const size_t count = c.rows * c.columns;
    rounded tensors = { 0 };
    hw_encoder *kept = open_rounded(&tensors, &c, true, NULL);
    hw_encoder *converted = open_rounded(&tensors, &c, false, NULL);
    float *exact = logits_of(&c, c.encoder), *with = logits_of(&c, kept);
    float *without = logits_of(&c, converted);
    const double all = encoder_case_error(with, exact, count);
    const double inputs = encoder_case_error(with, without, count);
    if (!(all < 0.05 && inputs < 0.05 && all > 0 && inputs > 0))
        fail_msg("%s: off by %.3g of the spread, by inputs alone %.3g", name, all, inputs);
    assert_null(hw_encoder_thaw(kept, NULL));
    assert_non_null(hw_encoder_thaw(converted, NULL));
    assert_null(hw_encoder_quantize(kept, NULL, NULL));
    free(exact), free(with), free(without);
    hw_encoder_free(kept);
    hw_encoder_free(converted);
    free_halves(&tensors);
    encoder_case_close(&c);
}

static void test_bf16_is_close(void **state) {
    (void)state;
    for (size_t i = 0; i < ENCODER_CASES; i++) check_case(encoder_cases[i]);
}

static void assert_refused(rounded tensors, const char *message) {
    encoder_case c = encoder_case_open("bert");
    hw_error err = { 0 };
    assert_null(open_rounded(&tensors, &c, true, &err));
    assert_int_equal(err.status, HW_ERROR_FORMAT);
    if (!strstr(err.message, message)) fail_msg("\"%s\" lacks \"%s\"", err.message, message);
    free_halves(&tensors);
    encoder_case_close(&c);
}

static void test_what_is_not_finite_is_refused(void **state) {
    (void)state;
    assert_refused((rounded){ .odd = 0x7f80 }, "a value that is not finite"); /* infinity */
    assert_refused((rounded){ .odd = 0xff80 }, "a value that is not finite");
    assert_refused((rounded){ .odd = 0x7fc0 }, "a value that is not finite"); /* NaN */
}

static void test_queries_keys_and_values_have_one_form(void **state) {
    (void)state;
    assert_refused((rounded){ .except = "attention.self.query" }, "as the query's is");
    assert_refused((rounded){ .except = "attention.self.value" }, "as the query's is");
}

static void test_layers_may_have_different_forms(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("bert");
    rounded tensors = { .except = "intermediate" };
    hw_encoder *mixed = open_rounded(&tensors, &c, true, NULL);
    float *exact = logits_of(&c, c.encoder), *with = logits_of(&c, mixed);
    assert_true(encoder_case_error(with, exact, c.rows * c.columns) < 0.05);
    free(exact), free(with);
    hw_encoder_free(mixed);
    free_halves(&tensors);
    encoder_case_close(&c);
}

/* Ties go to the even neighbour. */
static void test_rounding_is_to_the_nearest(void **state) {
    (void)state;
    static const struct {
        float x, rounded;
    } cases[] = { { 1, 1 },
                  { 1 + 0x1p-8f, 1 },
                  { 1 + 0x1p-8f + 0x1p-20f, 1 + 0x1p-7f },
                  { 1 + 3 * 0x1p-8f, 1 + 2 * 0x1p-7f },
                  { -1 - 3 * 0x1p-8f, -1 - 2 * 0x1p-7f },
                  { 0x1p-130f, 0x1p-130f },
                  { 0x1.ffp127f, INFINITY },
                  { 0x1.fep127f, 0x1.fep127f },
                  { -INFINITY, -INFINITY } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(hw_bf16_value(hw_bf16_of(cases[i].x)) == cases[i].rounded);
    assert_true(isnan(hw_bf16_value(hw_bf16_of(NAN))));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bf16_is_close),
        cmocka_unit_test(test_what_is_not_finite_is_refused),
        cmocka_unit_test(test_queries_keys_and_values_have_one_form),
        cmocka_unit_test(test_layers_may_have_different_forms),
        cmocka_unit_test(test_rounding_is_to_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
