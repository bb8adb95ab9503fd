/* Masking, and pretraining from a file of texts to a folder. */
#include "base/fault.h"
#include "base/memory.h"
#include "base/random.h"
#include "classify/pretrained.h"
#include "toy_data.h"
#include "train/masking.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Masking --------------------------------------------------------------------------- */

enum { VOCABULARY = 100, SPECIALS = 5, MASK = 4, LENGTH = 50, TEXTS = 400 };

static const bool specials[VOCABULARY] = { true, true, true, true, true };
static const hw_masking masking = {
    .share = 0.15, .mask = MASK, .vocabulary = VOCABULARY, .is_special = specials, .seed = 7
};

/* What became of the texts: [CLS] and [SEP] around ordinary tokens. */
typedef struct outcome {
    uint32_t before[LENGTH], after[LENGTH], places[LENGTH], targets[LENGTH];
    size_t count;
} outcome;

static outcome mask_text(uint64_t step, uint64_t text, size_t length) {
    outcome o = { 0 };
    for (size_t at = 0; at < length; at++)
        o.before[at] = SPECIALS + (uint32_t)hw_random_below(1, text, at, VOCABULARY - SPECIALS);
    o.before[0] = 2;
    o.before[length - 1] = 3;
    memcpy(o.after, o.before, sizeof o.after);
    hw_masked masked = { o.places, o.targets, 0 };
    hw_masking_apply(&masked, o.after, 0, length, &masking, step, text);
    o.count = masked.count;
    return o;
}

static void test_masking_chooses_the_share_and_keeps_what_stood_there(void **state) {
    (void)state;
    size_t chosen = 0, masks = 0, kept = 0;
    for (uint64_t text = 0; text < TEXTS; text++) {
        const outcome o = mask_text(3, text, LENGTH);
        for (size_t i = 0; i < o.count; i++) {
            const uint32_t place = o.places[i];
            assert_true(place > 0 && place < LENGTH - 1 && (!i || place > o.places[i - 1]));
            assert_int_equal(o.targets[i], o.before[place]);
            masks += o.after[place] == MASK;
            kept += o.after[place] == o.before[place];
        }
        for (size_t at = 0, i = 0; at < LENGTH; at++) {
            if (i < o.count && o.places[i] == at)
                i++;
            else
                assert_int_equal(o.after[at], o.before[at]);
        }
        chosen += o.count;
    }
    const double all = TEXTS * (LENGTH - 2), of = (double)chosen;
    assert_true(fabs(of / all - masking.share) < 0.01);
    assert_true(fabs((double)masks / of - 0.8) < 0.04); /* some random tokens become it, too */
    assert_true(fabs((double)kept / of - 0.1) < 0.03);
}

static void test_masking_chooses_at_least_one_token(void **state) {
    (void)state;
    for (uint64_t text = 0; text < TEXTS; text++) assert_int_equal(mask_text(0, text, 3).count, 1);
}

static void test_masking_of_special_tokens_alone_chooses_none(void **state) {
    (void)state;
    assert_int_equal(mask_text(0, 0, 2).count, 0);
}

static void test_masking_differs_from_step_to_step(void **state) {
    (void)state;
    size_t same = 0;
    for (uint64_t text = 0; text < TEXTS; text++) {
        const outcome a = mask_text(1, text, LENGTH), b = mask_text(2, text, LENGTH);
        same += a.count == b.count && memcmp(a.places, b.places, sizeof a.places) == 0;
    }
    assert_true(same < TEXTS / 20);
}

static void test_masking_stays_within_its_limit(void **state) {
    (void)state;
    for (size_t length = 3; length <= LENGTH; length++)
        for (uint64_t text = 0; text < TEXTS; text++)
            assert_true(mask_text(5, text, length).count <= hw_masking_limit(&masking, length, 1));
}

/* ---- Pretraining ------------------------------------------------------------------------- */

/* Subject, verb and object always go together, so that each can be told from the others. */
static void write_texts(const char *path, int lines) {
    static const char *const texts[] = { "the cat drinks milk", "the dog eats bones",
                                         "the bird sings songs", "the fish swims home" };
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int line = 0; line < lines; line++)
        fprintf(file, "%s every %s\n", texts[line % 4], line % 3 ? "day" : "night");
    assert_int_equal(fclose(file), 0);
}

static hw_pretrain_options tiny_options(const char *output) {
    return (hw_pretrain_options){ .input = "texts",
                                  .output = output,
                                  .layers = 1,
                                  .heads = 2,
                                  .width = 32,
                                  .inner_width = 32,
                                  .vocabulary = 80,
                                  .max_tokens = 16,
                                  .epochs = 2,
                                  .batch = 8,
                                  .learning_rate = 1e-2,
                                  .threads = 1 };
}

static void pretrain(const hw_pretrain_options *options) {
    hw_error err;
    if (hw_pretrain(options, &err) != HW_OK) fail_msg("%s", err.message);
}

static void assert_same_file(const char *a, const char *b) {
    size_t a_size, b_size;
    unsigned char *a_bytes = toy_read(a, &a_size), *b_bytes = toy_read(b, &b_size);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a_bytes, b_bytes, a_size);
    hw_free(a_bytes);
    hw_free(b_bytes);
}

static void remove_folder(const char *name) {
    char command[80];
    snprintf(command, sizeof command, "rm -rf %s", name);
    assert_int_equal(system(command), 0);
}

typedef struct losses {
    double first, last;
    uint64_t stop_at; /* steps; 0: never */
    uint64_t steps;
} losses;

static bool note_loss(void *user, const hw_progress *progress) {
    losses *l = user;
    if (!isfinite(progress->loss)) return true;
    if (!l->steps++) l->first = progress->loss;
    l->last = progress->loss;
    return l->steps != l->stop_at;
}

static void test_loss_falls(void **state) {
    (void)state;
    write_texts("texts", 400);
    losses seen = { 0 };
    hw_pretrain_options options = tiny_options("fallen");
    options.epochs = 6;
    options.progress = note_loss;
    options.user = &seen;
    pretrain(&options);
    assert_int_equal(seen.steps, 300);
    assert_true(seen.first > 3);
    assert_true(seen.last < 0.6 * seen.first);
}

static void test_threads_do_not_change_a_byte(void **state) {
    (void)state;
    write_texts("texts", 60);
    const char *const outputs[] = { "one", "two", "three" };
    for (int32_t i = 0; i < 3; i++) {
        hw_pretrain_options options = tiny_options(outputs[i]);
        options.threads = i + 1;
        pretrain(&options);
    }
    assert_same_file("one/model.safetensors", "two/model.safetensors");
    assert_same_file("one/model.safetensors", "three/model.safetensors");
    assert_same_file("one/tokenizer.json", "three/tokenizer.json");
    assert_same_file("one/config.json", "three/config.json");
}

static void test_folder_opens_as_a_base(void **state) {
    (void)state;
    write_texts("texts", 60);
    const hw_pretrain_options options = tiny_options("opened");
    pretrain(&options);
    hw_error err;
    hw_pretrained pretrained = { 0 };
    if (hw_pretrained_open(&pretrained, "opened", &err) != HW_OK) fail_msg("%s", err.message);
    assert_int_equal(pretrained.config.family, HW_FAMILY_BERT);
    assert_int_equal(pretrained.config.layers, 1);
    assert_int_equal(pretrained.config.max_tokens, 16);
    assert_int_equal(hw_tokenizer_size(pretrained.tokenizer), pretrained.config.vocabulary);
    hw_pretrained_close(&pretrained);
}

static void test_base_goes_on_from_its_weights(void **state) {
    (void)state;
    write_texts("texts", 400);
    losses first = { 0 }, second = { 0 };
    hw_pretrain_options options = tiny_options("base");
    options.progress = note_loss;
    options.user = &first;
    pretrain(&options);
    options = tiny_options("further");
    options.base = "base";
    options.learning_rate = 0;
    options.progress = note_loss;
    options.user = &second;
    pretrain(&options);
    assert_true(second.first < 0.8 * first.first);
    assert_same_file("base/tokenizer.json", "further/tokenizer.json");
}

static void test_labelled_files_are_read_as_texts(void **state) {
    (void)state;
    toy_write("texts", (toy_shape){ .rows = 40, .labels = 2, .seed = 1 });
    const hw_pretrain_options options = tiny_options("labelled");
    pretrain(&options);
}

static void test_stopping_writes_what_there_is(void **state) {
    (void)state;
    write_texts("texts", 60);
    losses seen = { .stop_at = 3 };
    hw_pretrain_options options = tiny_options("stopped");
    options.progress = note_loss;
    options.user = &seen;
    pretrain(&options);
    assert_int_equal(seen.steps, 3);
    assert_int_equal(access("stopped/model.safetensors", R_OK), 0);
}

static bool stop_at_once(void *user, const hw_progress *progress) {
    (void)user;
    (void)progress;
    return false;
}

static void test_stopping_before_there_is_anything_writes_nothing(void **state) {
    (void)state;
    hw_error err;
    write_texts("texts", 60);
    hw_pretrain_options options = tiny_options("nothing");
    options.progress = stop_at_once;
    assert_int_equal(hw_pretrain(&options, &err), HW_ERROR_STOPPED);
    assert_int_equal(access("nothing", F_OK), -1);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static void assert_refused(const hw_pretrain_options *options, hw_status status,
                           const char *message) {
    hw_error err = { 0 };
    assert_int_equal(hw_pretrain(options, &err), status);
    if (!strstr(err.message, message)) fail_msg("\"%s\" is not in \"%s\"", message, err.message);
}

static void test_options_out_of_range_are_named(void **state) {
    (void)state;
    write_texts("texts", 60);
    hw_pretrain_options options = tiny_options("refused");
    options.heads = 3;
    assert_refused(&options, HW_ERROR_ARGUMENT, "width is 32");
    options = tiny_options("refused");
    options.mask_share = 1.5;
    assert_refused(&options, HW_ERROR_ARGUMENT, "mask_share");
    options = tiny_options("refused");
    options.layers = -1;
    assert_refused(&options, HW_ERROR_ARGUMENT, "layers is -1");
}

static void test_full_output_folder_is_refused_before_work(void **state) {
    (void)state;
    assert_int_equal(system("mkdir -p full && touch full/file"), 0);
    const hw_pretrain_options options = tiny_options("full");
    assert_refused(&options, HW_ERROR_IO, "full");
}

static void test_texts_without_a_token_are_refused(void **state) {
    (void)state;
    toy_write_text("texts", "\n\n \n");
    const hw_pretrain_options options = tiny_options("refused");
    assert_refused(&options, HW_ERROR_FORMAT, "texts");
    assert_int_equal(access("refused", F_OK), -1);
}

static void test_each_allocation_may_fail(void **state) {
    (void)state;
    write_texts("texts", 12);
    hw_pretrain_options options = tiny_options("swept");
    options.epochs = 1;
    options.threads = 2;
    uint64_t tried = 0;
    for (uint64_t at = 1;; at += at < 100 ? 1 : 13, tried++) {
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        const hw_status status = hw_pretrain(&options, &err);
        const uint64_t calls = hw_fault_calls(HW_FAULT_MEMORY);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (calls < at) {
            assert_int_equal(status, HW_OK);
            break;
        }
        if (status != HW_ERROR_MEMORY || err.status != HW_ERROR_MEMORY)
            fail_msg("call %d of %d: status %d, \"%s\"", (int)at, (int)calls, status, err.message);
        assert_int_equal(access("swept", F_OK), -1);
    }
    assert_true(tried > 100);
    remove_folder("swept");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_masking_chooses_the_share_and_keeps_what_stood_there),
        cmocka_unit_test(test_masking_chooses_at_least_one_token),
        cmocka_unit_test(test_masking_of_special_tokens_alone_chooses_none),
        cmocka_unit_test(test_masking_differs_from_step_to_step),
        cmocka_unit_test(test_masking_stays_within_its_limit),
        cmocka_unit_test(test_loss_falls),
        cmocka_unit_test(test_threads_do_not_change_a_byte),
        cmocka_unit_test(test_folder_opens_as_a_base),
        cmocka_unit_test(test_base_goes_on_from_its_weights),
        cmocka_unit_test(test_labelled_files_are_read_as_texts),
        cmocka_unit_test(test_stopping_writes_what_there_is),
        cmocka_unit_test(test_stopping_before_there_is_anything_writes_nothing),
        cmocka_unit_test(test_options_out_of_range_are_named),
        cmocka_unit_test(test_full_output_folder_is_refused_before_work),
        cmocka_unit_test(test_texts_without_a_token_are_refused),
        cmocka_unit_test(test_each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, toy_enter_folder, toy_leave_folder);
}
