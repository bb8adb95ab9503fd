/* Encoders of every family against `transformers`, and what must not change a text's result. */
#include "base/fault.h"
#include "encoder/pass.h"
#include "encoder_case.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double tolerance = 1e-5; /* of the spread of what is compared */

static float *new_floats(size_t count) {
    float *x = calloc(count + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

static void for_each_case(void (*check)(const encoder_case *c, const char *name)) {
    for (size_t i = 0; i < ENCODER_CASES; i++) {
        encoder_case c = encoder_case_open(encoder_cases[i]);
        check(&c, encoder_cases[i]);
        encoder_case_close(&c);
    }
}

/* ---- Against transformers -------------------------------------------------------------------- */

static void check_close(const char *name, const char *what, const float *x, const float *expected,
                        size_t count) {
    assert_non_null(expected);
    const double error = encoder_case_error(x, expected, count);
    if (!(error <= tolerance)) fail_msg("%s: %s is off by %.3g of its spread", name, what, error);
}

static void check_logits(const encoder_case *c, const char *name) {
    float *logits = new_floats(c->rows * c->columns);
    for (int training = 0; training < 2; training++) {
        hw_encoder_scratch *scratch = encoder_case_scratch(c, training, NULL);
        encoder_case_logits(logits, c, scratch, NULL);
        check_close(name, "logits", logits, encoder_case_expected(c, "logits"),
                    c->rows * c->columns);
        hw_encoder_scratch_free(scratch);
    }
    free(logits);
}

static void test_logits_are_those_of_transformers(void **state) {
    (void)state;
    for_each_case(check_logits);
}

static void check_states(const encoder_case *c, const char *name) {
    const size_t count = c->tokens * (size_t)c->config.width;
    const int32_t layers = c->config.layers;
    hw_encoder_scratch *s = encoder_case_scratch(c, true, NULL);
    float *logits = new_floats(c->rows * c->columns);
    s->all_tokens = true;
    encoder_case_logits(logits, c, s, NULL);
    for (int32_t l = 0; l <= layers; l++) {
        char what[32];
        snprintf(what, sizeof what, "state.%d", (int)l);
        const float *states = l < layers ? s->layer[l].attention.x : s->layer[l - 1].inner.y;
        check_close(name, what, states, encoder_case_expected(c, what), count);
    }
    const float *last = c->config.norm_first ? s->final : s->layer[layers - 1].inner.y;
    check_close(name, "last", last, encoder_case_expected(c, "last"), count);
    hw_encoder_scratch_free(s);
    free(logits);
}

static void test_every_layers_states_are_those_of_transformers(void **state) {
    (void)state;
    for_each_case(check_states);
}

/* ---- Heads switched off --------------------------------------------------------------------- */

/* What a head that is off would have written is as good as not read. */
static void check_heads_off(const encoder_case *c, const char *name) {
    const size_t count = c->rows * c->columns;
    float *all = new_floats(count), *masked = new_floats(count), *cut = new_floats(count);
    encoder_case other = encoder_case_open(name);
    bool *off = encoder_case_cut_last_heads(&other);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    encoder_case_logits(all, c, scratch, NULL);
    encoder_case_logits(cut, &other, scratch, NULL);
    hw_encoder_scratch_mask_heads(scratch, off);
    encoder_case_logits(masked, c, scratch, NULL);
    if (encoder_case_error(masked, cut, count) > 0) fail_msg("%s: a head is not off", name);
    if (encoder_case_error(masked, all, count) < 1e-4) fail_msg("%s: no head matters", name);
    hw_encoder_scratch_mask_heads(scratch, NULL);
    encoder_case_logits(masked, c, scratch, NULL);
    assert_memory_equal(masked, all, count * sizeof *all);
    hw_encoder_scratch_free(scratch);
    encoder_case_close(&other);
    free(off);
    free(all);
    free(masked);
    free(cut);
}

static void test_a_head_that_is_off_writes_nothing(void **state) {
    (void)state;
    for_each_case(check_heads_off);
}

/* ---- The same bits ---------------------------------------------------------------------- */

static void check_alone(const encoder_case *c, const char *name) {
    if (c->config.readout == HW_ENCODER_MASKED) return;
    float *together = new_floats(c->rows * c->columns), *alone = new_floats(c->columns);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    encoder_case_logits(together, c, scratch, NULL);
    for (size_t text = 0; text < c->batch.texts; text++) {
        const uint32_t begin = c->batch.offsets[text], end = c->batch.offsets[text + 1];
        const uint32_t offsets[2] = { 0, end - begin };
        const hw_encoder_batch one = { c->batch.tokens + begin, offsets, 1, NULL };
        hw_encoder_forward(alone, scratch, c->encoder, hw_kernels_select(), one, NULL);
        if (memcmp(alone, together + text * c->columns, c->columns * sizeof *alone) != 0)
            fail_msg("%s: text %zu alone differs from the same text in a batch", name, text);
    }
    hw_encoder_scratch_free(scratch);
    free(together);
    free(alone);
}

static void test_a_text_alone_has_the_bits_it_has_in_a_batch(void **state) {
    (void)state;
    for_each_case(check_alone);
}

/* The second call of hw_encoder_warm packs. */
static void check_packed(const encoder_case *c, const char *name) {
    const size_t count = c->rows * c->columns;
    const hw_kernels *kernels = hw_kernels_select();
    float *before = new_floats(count), *after = new_floats(count);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    assert_false(hw_encoder_warm(c->encoder, kernels, NULL));
    encoder_case_logits(before, c, scratch, NULL);
    assert_true(hw_encoder_warm(c->encoder, kernels, NULL));
    assert_false(hw_encoder_warm(c->encoder, kernels, NULL));
    encoder_case_logits(after, c, scratch, NULL);
    if (memcmp(before, after, count * sizeof *before) != 0) fail_msg("%s: packing shows", name);
    hw_encoder_scratch_free(scratch);
    free(before);
    free(after);
}

static void test_packing_does_not_change_a_bit(void **state) {
    (void)state;
    for_each_case(check_packed);
}

/* The case's texts several times over, which is more than one block. */
static void check_blocks(const encoder_case *c, const char *name) {
    enum { TIMES = 12 };
    if (c->config.readout == HW_ENCODER_MASKED) return;
    hw_error err = { 0 };
    uint32_t *tokens = calloc(TIMES * c->tokens, sizeof *tokens);
    uint32_t *offsets = calloc(TIMES * c->batch.texts + 1, sizeof *offsets);
    const size_t texts = c->batch.texts, count = c->rows * c->columns;
    float *once = new_floats(count), *often = new_floats(TIMES * count);
    for (size_t i = 0; i < TIMES; i++) {
        memcpy(tokens + i * c->tokens, c->batch.tokens, c->tokens * sizeof *tokens);
        for (size_t text = 0; text <= texts; text++)
            offsets[i * texts + text] = (uint32_t)(i * c->tokens) + c->batch.offsets[text];
    }
    const hw_encoder_batch batch = { tokens, offsets, TIMES * texts, NULL };
    hw_encoder_scratch *scratch = hw_encoder_scratch_new(
        &c->config, TIMES * texts, TIMES * c->tokens, c->longest, false, NULL, &err);
    assert_non_null(scratch);
    encoder_case_logits(once, c, scratch, NULL);
    hw_encoder_forward(often, scratch, c->encoder, hw_kernels_select(), batch, NULL);
    for (size_t i = 0; i < TIMES; i++)
        if (memcmp(often + i * count, once, count * sizeof *once) != 0)
            fail_msg("%s: a text's logits depend on its block", name);
    hw_encoder_scratch_free(scratch);
    free(tokens);
    free(offsets);
    free(once);
    free(often);
}

static void test_blocks_do_not_change_a_bit(void **state) {
    (void)state;
    for_each_case(check_blocks);
}

static void check_threads(const encoder_case *c, const char *name) {
    const size_t count = c->rows * c->columns;
    float *one = new_floats(count), *many = new_floats(count);
    for (int training = 0; training < 2; training++) {
        hw_encoder_scratch *scratch = encoder_case_scratch(c, training, NULL);
        encoder_case_logits(one, c, scratch, NULL);
        hw_encoder_scratch_free(scratch);
        for (int32_t threads = 2; threads <= 3; threads++) {
            hw_pool *pool = hw_pool_new(threads, NULL);
            assert_non_null(pool);
            scratch = encoder_case_scratch(c, training, pool);
            encoder_case_logits(many, c, scratch, NULL);
            if (memcmp(one, many, count * sizeof *one) != 0)
                fail_msg("%s: %d threads change the logits", name, threads);
            hw_encoder_scratch_free(scratch);
            hw_pool_free(pool);
        }
    }
    free(one);
    free(many);
}

static void test_threads_do_not_change_a_bit(void **state) {
    (void)state;
    for_each_case(check_threads);
}

static void check_readout(const encoder_case *c, const char *name) {
    if (c->config.readout == HW_ENCODER_MASKED) return;
    const size_t count = c->rows * c->columns, width = (size_t)c->config.width;
    const hw_kernels *kernels = hw_kernels_select();
    float *whole = new_floats(count), *parts = new_floats(count);
    float *features = new_floats(c->rows * width);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    encoder_case_logits(whole, c, scratch, NULL);
    hw_encoder_features(features, scratch, c->encoder, kernels, c->batch);
    hw_encoder_readout(parts, scratch, c->encoder, kernels, features, c->batch.texts);
    if (memcmp(whole, parts, count * sizeof *whole) != 0)
        fail_msg("%s: features, then readout, are not forward", name);
    hw_encoder_scratch_free(scratch);
    free(features);
    free(whole);
    free(parts);
}

static void test_features_and_readout_make_forward(void **state) {
    (void)state;
    for_each_case(check_readout);
}

/* ---- Thawed, initialised, int8 ---------------------------------------------------------- */

static void check_thawed(const encoder_case *c, const char *name) {
    const size_t count = c->rows * c->columns;
    float *before = new_floats(count), *after = new_floats(count);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    encoder_case_logits(before, c, scratch, NULL);
    float *block = hw_encoder_thaw(c->encoder, NULL);
    assert_non_null(block);
    hw_encoder_pack(c->encoder, hw_kernels_select(), NULL);
    encoder_case_logits(after, c, scratch, NULL);
    if (memcmp(before, after, count * sizeof *before) != 0)
        fail_msg("%s: thawing changes the logits", name);
    hw_encoder_parameter parameter;
    for (size_t i = 0; hw_encoder_parameter_at(&parameter, &c->config, i); i++)
        assert_ptr_equal(hw_encoder_values(c->encoder, i), block + parameter.offset);
    hw_encoder_scratch_free(scratch);
    free(before);
    free(after);
}

static void test_thawing_does_not_change_a_bit(void **state) {
    (void)state;
    for_each_case(check_thawed);
}

static void check_int8(const encoder_case *c, const char *name) {
    const size_t count = c->rows * c->columns;
    encoder_case small = *c;
    float *exact = new_floats(count), *rounded = new_floats(count);
    small.encoder = hw_encoder_quantize(c->encoder, NULL, NULL);
    assert_non_null(small.encoder);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    encoder_case_logits(exact, c, scratch, NULL);
    encoder_case_logits(rounded, &small, scratch, NULL);
    const double error = encoder_case_error(rounded, exact, count);
    if (!(error < 0.2)) fail_msg("%s: int8 is off by %.3g of the spread", name, error);
    if (error == 0) fail_msg("%s: nothing was quantised", name);
    assert_null(hw_encoder_thaw(small.encoder, NULL));
    hw_encoder_scratch_free(scratch);
    hw_encoder_free(small.encoder);
    free(exact);
    free(rounded);
}

static void test_int8_is_close(void **state) {
    (void)state;
    for_each_case(check_int8);
}

/* Of an encoder with one inner unit that is always near 50, which rules the steps of all others. */
static double outlier_error(const hw_encoder_batch *typical) {
    encoder_case c = encoder_case_open("bert"), small = c;
    const size_t count = c.rows * c.columns;
    float *exact = new_floats(count), *rounded = new_floats(count);
    float *block = hw_encoder_thaw(c.encoder, NULL);
    hw_encoder_parameter p;
    for (size_t i = 0; hw_encoder_parameter_at(&p, &c.config, i); i++)
        if (strstr(p.name, "intermediate.dense.bias")) block[p.offset + 3] = 50;
    hw_encoder_pack(c.encoder, hw_kernels_select(), NULL);
    small.encoder = hw_encoder_quantize(c.encoder, typical ? &c.batch : NULL, NULL);
    assert_non_null(small.encoder);
    hw_encoder_scratch *scratch = encoder_case_scratch(&c, false, NULL);
    encoder_case_logits(exact, &c, scratch, NULL);
    encoder_case_logits(rounded, &small, scratch, NULL);
    const double error = encoder_case_error(rounded, exact, count);
    hw_encoder_scratch_free(scratch);
    hw_encoder_free(small.encoder);
    encoder_case_close(&c);
    free(exact);
    free(rounded);
    return error;
}

static void test_smoothing_helps_where_a_column_is_large(void **state) {
    (void)state;
    static const hw_encoder_batch any = { 0 };
    const double plain = outlier_error(NULL), smoothed = outlier_error(&any);
    if (!(smoothed < plain / 2)) fail_msg("%.3g with, %.3g without smoothing", smoothed, plain);
}

/* Tensors of an encoder in memory, by the names that a file would have. */
typedef struct stored {
    const hw_encoder *encoder;
    hw_tensor tensor, part[3];
    char name[128], part_name[3][128];
    const float *wrong_smooth, *wrong_exact; /* instead of that of keys; NULL: theirs */
    bool no_exact;
} stored;

/* What goes with a matrix of int8, if that is what the name says. */
static const hw_tensor *find_stored_part(stored *s, const hw_encoder_parameter *p, size_t i,
                                         const char *name) {
    const hw_encoder_int8 layer = hw_encoder_values_int8(s->encoder, i);
    const bool is_key = strstr(p->name, "key") != NULL;
    const hw_tensor parts[] = {
        { "scale", HW_F32, 1, { p->rows, 1, 1, 1 }, layer.scale, p->rows * sizeof(float) },
        { "smooth",
          HW_F32,
          1,
          { p->columns, 1, 1, 1 },
          s->wrong_smooth && is_key ? s->wrong_smooth : layer.smooth,
          p->columns * sizeof(float) },
        { "exact",
          HW_F32,
          2,
          { HW_INT8_EXACT, p->rows, 1, 1 },
          s->wrong_exact && is_key ? s->wrong_exact
          : s->no_exact            ? NULL
                                   : layer.exact,
          HW_INT8_EXACT * p->rows * sizeof(float) },
    };
    for (size_t part = 0; layer.steps && part < 3; part++) {
        char *full = s->part_name[part];
        snprintf(full, sizeof s->part_name[part], "%s.%s", p->name, parts[part].name);
        if (!parts[part].data || strcmp(name, full) != 0) continue;
        s->part[part] = parts[part];
        s->part[part].name = full;
        return &s->part[part];
    }
    return NULL;
}

static const hw_tensor *find_stored(void *context, const char *name) {
    stored *s = context;
    const hw_encoder_config *config = hw_encoder_config_of(s->encoder);
    hw_encoder_parameter p;
    for (size_t i = 0; hw_encoder_parameter_at(&p, config, i); i++) {
        const int8_t *bytes = hw_encoder_values_int8(s->encoder, i).steps;
        const hw_tensor *part = find_stored_part(s, &p, i, name);
        if (part) return part;
        if (strcmp(name, p.name) != 0) continue;
        strcpy(s->name, p.name);
        s->tensor =
            (hw_tensor){ s->name,
                         bytes ? HW_I8 : HW_F32,
                         p.dims,
                         { p.dims == 2 ? p.rows : p.columns, p.dims == 2 ? p.columns : 1, 1, 1 },
                         bytes ? (const void *)bytes : hw_encoder_values(s->encoder, i),
                         p.rows * p.columns * (bytes ? 1 : sizeof(float)) };
        return &s->tensor;
    }
    return NULL;
}

static void check_stored_int8(const encoder_case *c, const char *name) {
    const size_t count = c->rows * c->columns;
    encoder_case small = *c, again = *c;
    float *before = new_floats(count), *after = new_floats(count);
    small.encoder = hw_encoder_quantize(c->encoder, &c->batch, NULL);
    stored context = { .encoder = small.encoder };
    hw_error err = { 0 };
    const hw_encoder_source source = { .name = name, .find = find_stored, .context = &context };
    again.encoder = hw_encoder_new(&c->config, &source, NULL, &err);
    if (!again.encoder) fail_msg("%s", err.message);
    hw_encoder_scratch *scratch = encoder_case_scratch(c, false, NULL);
    encoder_case_logits(before, &small, scratch, NULL);
    encoder_case_logits(after, &again, scratch, NULL);
    assert_memory_equal(before, after, count * sizeof *before);
    hw_encoder_scratch_free(scratch);
    hw_encoder_free(again.encoder);
    hw_encoder_free(small.encoder);
    free(before);
    free(after);
}

static void test_int8_tensors_are_read_back(void **state) {
    (void)state;
    for_each_case(check_stored_int8);
}

/* The first matrix of int8, whose values are written to by the test alone. */
static int8_t *first_int8(const hw_encoder *encoder) {
    size_t i = 0;
    while (!hw_encoder_values_int8(encoder, i).steps) i++;
    return (int8_t *)(uintptr_t)hw_encoder_values_int8(encoder, i).steps;
}

static void check_saturating_int8(const encoder_case *c, const char *name) {
    stored context = { .encoder = hw_encoder_quantize(c->encoder, NULL, NULL) };
    const hw_encoder_source source = { .name = name, .find = find_stored, .context = &context };
    hw_error err = { 0 };
    assert_non_null(context.encoder);
    memset(first_int8(context.encoder), 127, 2);
    assert_null(hw_encoder_new(&c->config, &source, NULL, &err));
    assert_int_equal(err.status, HW_ERROR_FORMAT);
    assert_non_null(strstr(err.message, "quantize the model anew"));
    hw_encoder_free((hw_encoder *)(uintptr_t)context.encoder);
}

static void test_int8_that_would_saturate_is_refused(void **state) {
    (void)state;
    for_each_case(check_saturating_int8);
}

static void assert_part_refused(stored context, const char *message) {
    encoder_case c = encoder_case_open("bert");
    hw_encoder *small = hw_encoder_quantize(c.encoder, &c.batch, NULL);
    context.encoder = small;
    const hw_encoder_source source = { .name = "file", .find = find_stored, .context = &context };
    hw_error err = { 0 };
    assert_non_null(small);
    assert_null(hw_encoder_new(&c.config, &source, NULL, &err));
    assert_int_equal(err.status, HW_ERROR_FORMAT);
    if (!strstr(err.message, message)) fail_msg("\"%s\" lacks \"%s\"", err.message, message);
    hw_encoder_free(small);
    encoder_case_close(&c);
}

static void test_wrong_smoothing_is_refused(void **state) {
    (void)state;
    static const float wrong[] = { 0, -1, NAN, INFINITY };
    float smooth[1024];
    for (size_t i = 0; i < 1024; i++) smooth[i] = i < HW_INT8_EXACT ? 0 : 1.5f;
    assert_part_refused((stored){ .wrong_smooth = smooth }, "as the query's is");
    for (size_t i = 0; i < 4; i++) {
        smooth[HW_INT8_EXACT] = wrong[i];
        assert_part_refused((stored){ .wrong_smooth = smooth }, "two zeros");
    }
    assert_part_refused((stored){ .no_exact = true }, "no tensor");
    float exact[1024] = { [3] = NAN };
    assert_part_refused((stored){ .wrong_exact = exact }, ".exact has a value");
}

/* ---- Files that are not whole ----------------------------------------------------------- */

/* The case's tensors but for one, which is replaced. */
typedef struct changed {
    hw_safetensors *weights;
    const char *name;
    const hw_tensor *tensor; /* or NULL: missing */
} changed;

static const hw_tensor *find_changed(void *context, const char *name) {
    const changed *c = context;
    if (strstr(name, c->name)) return c->tensor;
    return hw_safetensors_find(c->weights, name);
}

static void assert_refused(changed change, const hw_encoder_config *config, const char *message) {
    hw_error err = { 0 };
    const hw_encoder_source source = { .name = "file", .find = find_changed, .context = &change };
    hw_encoder *encoder = hw_encoder_new(config, &source, NULL, &err);
    assert_null(encoder);
    if (!strstr(err.message, message)) fail_msg("\"%s\" lacks \"%s\"", err.message, message);
}

static void test_a_missing_tensor_is_named(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("bert");
    assert_refused((changed){ c.weights, "layer.1.output.dense.bias", NULL }, &c.config,
                   "no tensor bert.encoder.layer.1.output.dense.bias");
    assert_refused((changed){ c.weights, "classifier.weight", NULL }, &c.config,
                   "no tensor classifier.weight");
    encoder_case_close(&c);
}

static void test_a_tensor_of_another_shape_is_refused(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("bert");
    hw_tensor tensor = *hw_safetensors_find(c.weights, "bert.pooler.dense.weight");
    tensor.shape[0]++;
    assert_refused((changed){ c.weights, "pooler.dense.weight", &tensor }, &c.config,
                   "bert.pooler.dense.weight is [25, 24], not [24, 24]");
    tensor.dims = 1;
    assert_refused((changed){ c.weights, "pooler.dense.weight", &tensor }, &c.config,
                   "has 1 dimensions");
    encoder_case_close(&c);
}

/* The last value of one tensor of an encoder. */
static void assert_endless_refused(const char *encoder, const char *name) {
    encoder_case c = encoder_case_open(encoder);
    hw_tensor tensor = *hw_safetensors_find(c.weights, name);
    const size_t count = tensor.bytes / sizeof(float);
    float *values = new_floats(count);
    char message[128];
    snprintf(message, sizeof message, "%s has a value that is not finite", name);
    tensor.data = values;
    values[count - 1] = NAN;
    assert_refused((changed){ c.weights, name, &tensor }, &c.config, message);
    values[count - 1] = -INFINITY;
    assert_refused((changed){ c.weights, name, &tensor }, &c.config, message);
    free(values);
    encoder_case_close(&c);
}

/* What is packed and what is not, and a matrix whose thirds are packed. */
static void test_a_value_that_is_not_finite_is_refused(void **state) {
    (void)state;
    assert_endless_refused("bert", "bert.embeddings.word_embeddings.weight");
    assert_endless_refused("bert", "bert.encoder.layer.1.intermediate.dense.weight");
    assert_endless_refused("bert", "bert.pooler.dense.bias");
    assert_endless_refused("modernbert", "model.layers.1.attn.Wqkv.weight");
}

static void test_a_type_that_is_not_offered_is_refused(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("bert");
    hw_tensor tensor = *hw_safetensors_find(c.weights, "bert.pooler.dense.weight");
    tensor.dtype = HW_I8;
    assert_refused((changed){ c.weights, "pooler.dense.weight", &tensor }, &c.config,
                   "unsupported type");
    encoder_case_close(&c);
}

/* As files of a base model are, and as they were called in 2018. */
static const hw_tensor *find_old(void *context, const char *name) {
    char other[128];
    if (strncmp(name, "bert.", 5) == 0) return NULL;
    const char *gamma = strstr(name, ".gamma"), *beta = strstr(name, ".beta");
    const bool norm = strstr(name, "LayerNorm") != NULL;
    if (norm && !gamma && !beta) return NULL;
    const int stem = (int)((gamma ? gamma : beta ? beta : name + strlen(name)) - name);
    snprintf(other, sizeof other, "%s%.*s%s", strncmp(name, "classifier", 10) ? "bert." : "", stem,
             name,
             gamma  ? ".weight"
             : beta ? ".bias"
                    : "");
    return hw_safetensors_find(context, other);
}

static void test_old_names_are_found(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("bert");
    hw_error err = { 0 };
    const hw_encoder_source source = { .name = "old", .find = find_old, .context = c.weights };
    hw_encoder *encoder = hw_encoder_new(&c.config, &source, NULL, &err);
    if (!encoder) fail_msg("%s", err.message);
    hw_encoder_free(encoder);
    encoder_case_close(&c);
}

static void test_a_missing_readout_is_initialised_on_request(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("bert");
    hw_encoder_config config = c.config;
    const uint64_t seed = 3;
    config.labels = 7;
    const hw_encoder_source source = {
        .name = "base", .find = encoder_case_find, .context = c.weights, .readout_seed = &seed
    };
    hw_encoder *encoder = hw_encoder_new(&config, &source, NULL, NULL);
    assert_non_null(encoder);
    hw_encoder_parameter p;
    size_t i = 0;
    while (hw_encoder_parameter_at(&p, &config, i) && strcmp(p.name, "classifier.weight")) i++;
    const float *values = hw_encoder_values(encoder, i);
    double squares = 0;
    for (size_t j = 0; j < 7 * 24; j++) squares += (double)values[j] * (double)values[j];
    assert_true(fabs(sqrt(squares / (7 * 24)) - 0.02) < 0.004);
    assert_float_equal(hw_encoder_values(encoder, i + 1)[3], 0, 0);
    hw_encoder_free(encoder);
    encoder_case_close(&c);
}

/* ---- config.json ------------------------------------------------------------------------ */

static void check_round_trip(const encoder_case *c, const char *name) {
    hw_encoder_config again;
    hw_error err = { 0 };
    json_t *json = hw_encoder_config_json(&c->config);
    assert_non_null(json);
    if (hw_encoder_config_load(&again, json, name, &err) != HW_OK) fail_msg("%s", err.message);
    again.readout = c->config.readout;
    assert_memory_equal(&again, &c->config, sizeof again);
    json_decref(json);
}

static void test_a_config_is_written_and_read_back(void **state) {
    (void)state;
    for_each_case(check_round_trip);
}

static void assert_config_refused(const char *name, const char *key, json_t *value,
                                  hw_status status, const char *message) {
    hw_encoder_config config;
    hw_error err = { 0 };
    char *text = encoder_case_config_text(name);
    json_t *json = json_loads(text, 0, NULL);
    json_object_set_new(json, key, value);
    const hw_status got = hw_encoder_config_load(&config, json, name, &err);
    if (got != status) fail_msg("%s with %s: status %d, \"%s\"", name, key, got, err.message);
    if (!strstr(err.message, message)) fail_msg("\"%s\" lacks \"%s\"", err.message, message);
    json_decref(json);
    free(text);
}

static void test_what_cannot_be_computed_is_named(void **state) {
    (void)state;
    const hw_status no = HW_ERROR_UNSUPPORTED;
    assert_config_refused("bert", "model_type", json_string("gpt2"), no, "modernbert");
    assert_config_refused("bert", "position_embedding_type", json_string("relative_key"), no,
                          "position_embedding_type");
    assert_config_refused("bert", "is_decoder", json_true(), no, "is_decoder");
    assert_config_refused("bert", "add_cross_attention", json_true(), no, "add_cross_attention");
    assert_config_refused("bert", "hidden_act", json_string("mish"), no, "\"mish\"");
    assert_config_refused("albert", "num_hidden_groups", json_integer(2), no, "num_hidden_groups");
    assert_config_refused("albert", "inner_group_num", json_integer(2), no, "inner_group_num");
    assert_config_refused("mpnet", "relative_attention_num_buckets", json_integer(16), no,
                          "buckets");
    assert_config_refused("deberta_v3", "conv_kernel_size", json_integer(3), no,
                          "conv_kernel_size");
    assert_config_refused("deberta_v3", "relative_attention", json_false(), no,
                          "relative_attention");
    assert_config_refused("deberta_v3", "position_biased_input", json_true(), no, "biased_input");
    assert_config_refused("modernbert", "mlp_bias", json_true(), no, "mlp_bias");
    assert_config_refused("modernbert", "classifier_pooling", json_string("max"), no, "pooling");
}

static void test_values_out_of_range_are_refused(void **state) {
    (void)state;
    const hw_status bad = HW_ERROR_FORMAT;
    assert_config_refused("bert", "model_type", json_null(), bad, "model_type");
    assert_config_refused("bert", "hidden_size", json_integer(25), bad, "multiple of 3 heads");
    assert_config_refused("bert", "hidden_size", json_integer(-1), bad, "width");
    assert_config_refused("bert", "hidden_size", json_string("24"), bad, "hidden_size");
    assert_config_refused("bert", "num_hidden_layers", json_integer(65), bad, "layers");
    assert_config_refused("bert", "num_attention_heads", json_integer(0), bad, "heads");
    assert_config_refused("bert", "vocab_size", json_integer(1LL << 40), bad, "vocab_size");
    assert_config_refused("bert", "layer_norm_eps", json_real(2), bad, "epsilon");
    assert_config_refused("bert", "hidden_dropout_prob", json_real(1), bad, "dropout");
    assert_config_refused("bert", "id2label", json_object(), bad, "0 labels");
    assert_config_refused("roberta", "max_position_embeddings", json_integer(2), bad, "tokens");
    assert_config_refused("modernbert", "local_attention", json_integer(-1), bad, "attention");
    assert_config_refused("deberta_v3", "position_buckets", json_integer(7), bad, "buckets");
}

/* ---- Parameters and memory -------------------------------------------------------------- */

static void check_parameters(const encoder_case *c, const char *name) {
    hw_encoder_parameter p;
    size_t end = 0, i = 0;
    for (; hw_encoder_parameter_at(&p, &c->config, i); i++) {
        if (p.offset % 16 || p.offset < end) fail_msg("%s: %s overlaps", name, p.name);
        if (!hw_safetensors_find(c->weights, p.name)) fail_msg("%s: no %s", name, p.name);
        if (p.depth < 0 || p.depth > c->config.layers + 1) fail_msg("%s: depth %d", name, p.depth);
        end = p.offset + p.rows * p.columns;
        if (i == 0) assert_true(end <= hw_encoder_word_floats(&c->config));
    }
    assert_true(end <= hw_encoder_floats(&c->config));
    assert_true(i > 0);
}

static void test_parameters_have_the_names_of_the_file(void **state) {
    (void)state;
    for_each_case(check_parameters);
}

static void test_the_same_seed_gives_the_same_weights(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("deberta_v3");
    hw_encoder *one = hw_encoder_init(&c.config, 5, NULL),
               *two = hw_encoder_init(&c.config, 5, NULL);
    hw_encoder *other = hw_encoder_init(&c.config, 6, NULL);
    const size_t bytes = hw_encoder_floats(&c.config) * sizeof(float);
    assert_memory_equal(hw_encoder_thaw(one, NULL), hw_encoder_thaw(two, NULL), bytes);
    assert_memory_not_equal(hw_encoder_thaw(one, NULL), hw_encoder_thaw(other, NULL), bytes);
    hw_encoder_free(one);
    hw_encoder_free(two);
    hw_encoder_free(other);
    encoder_case_close(&c);
}

/* Everything that allocates, once. */
static bool open_and_use(const encoder_case *c) {
    bool done = false;
    const hw_encoder_source source = { .name = "file",
                                       .find = encoder_case_find,
                                       .context = c->weights };
    hw_encoder *encoder = hw_encoder_new(&c->config, &source, NULL, NULL);
    hw_encoder *small = encoder ? hw_encoder_quantize(encoder, &c->batch, NULL) : NULL;
    hw_encoder *fresh = small ? hw_encoder_init(&c->config, 1, NULL) : NULL;
    hw_encoder_scratch *scratch =
        fresh ? hw_encoder_scratch_new(&c->config, 4, 100, 80, true, NULL, NULL) : NULL;
    done = scratch && hw_encoder_thaw(encoder, NULL);
    hw_encoder_scratch_free(scratch);
    hw_encoder_free(fresh);
    hw_encoder_free(small);
    hw_encoder_free(encoder);
    return done;
}

static void test_lack_of_memory_is_a_failure_without_a_leak(void **state) {
    (void)state;
    const char *const names[] = { "distilbert", "deberta_v3" };
    for (size_t i = 0; i < 2; i++) {
        encoder_case c = encoder_case_open(names[i]);
        bool done = false;
        size_t failures = 0;
        while (!done) {
            hw_fault_arm(HW_FAULT_MEMORY, ++failures, false);
            done = open_and_use(&c);
            hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        }
        assert_true(failures > 20);
        encoder_case_close(&c);
    }
}

static void test_a_scratch_that_cannot_be_is_refused(void **state) {
    (void)state;
    encoder_case c = encoder_case_open("bert");
    hw_error err = { 0 };
    assert_null(hw_encoder_scratch_new(&c.config, 1, SIZE_MAX / 4, 100, true, NULL, &err));
    assert_int_equal(err.status, HW_ERROR_MEMORY);
    encoder_case_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logits_are_those_of_transformers),
        cmocka_unit_test(test_every_layers_states_are_those_of_transformers),
        cmocka_unit_test(test_a_head_that_is_off_writes_nothing),
        cmocka_unit_test(test_a_text_alone_has_the_bits_it_has_in_a_batch),
        cmocka_unit_test(test_packing_does_not_change_a_bit),
        cmocka_unit_test(test_blocks_do_not_change_a_bit),
        cmocka_unit_test(test_threads_do_not_change_a_bit),
        cmocka_unit_test(test_features_and_readout_make_forward),
        cmocka_unit_test(test_thawing_does_not_change_a_bit),
        cmocka_unit_test(test_int8_is_close),
        cmocka_unit_test(test_smoothing_helps_where_a_column_is_large),
        cmocka_unit_test(test_wrong_smoothing_is_refused),
        cmocka_unit_test(test_int8_tensors_are_read_back),
        cmocka_unit_test(test_int8_that_would_saturate_is_refused),
        cmocka_unit_test(test_a_missing_tensor_is_named),
        cmocka_unit_test(test_a_tensor_of_another_shape_is_refused),
        cmocka_unit_test(test_a_value_that_is_not_finite_is_refused),
        cmocka_unit_test(test_a_type_that_is_not_offered_is_refused),
        cmocka_unit_test(test_old_names_are_found),
        cmocka_unit_test(test_a_missing_readout_is_initialised_on_request),
        cmocka_unit_test(test_a_config_is_written_and_read_back),
        cmocka_unit_test(test_what_cannot_be_computed_is_named),
        cmocka_unit_test(test_values_out_of_range_are_refused),
        cmocka_unit_test(test_parameters_have_the_names_of_the_file),
        cmocka_unit_test(test_the_same_seed_gives_the_same_weights),
        cmocka_unit_test(test_lack_of_memory_is_a_failure_without_a_leak),
        cmocka_unit_test(test_a_scratch_that_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
