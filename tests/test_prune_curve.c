/* A plan beside the reverse order, random ones and the one of an oracle: each of their scores is
 * what hw_evaluate says of the classifier with the same heads switched off. */
#include "base/fault.h"
#include "classify/classifier.h"
#include "tiny_encoder.h"
#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LABELS = 3, ROWS = 60, HEADS = 4, MOST_HEADS = 8 };

static hw_error error;

/* ---- Classifiers ---------------------------------------------------------------------------- */

static hw_classifier *trained(int32_t layers, hw_arch arch, bool multi_label, int32_t epochs) {
    toy_write("train",
              (toy_shape){ .rows = ROWS, .labels = LABELS, .multi_label = multi_label, .seed = 1 });
    hw_train_options options = toy_options("train");
    options.arch = arch;
    options.heads = HEADS;
    options.layers = layers;
    options.epochs = epochs;
    return toy_train(&options);
}

/* A folder of Hugging Face's: two layers of two heads. */
static hw_classifier *tiny_bert(void) {
    tiny_encoder_write_classifier("encoder", LABELS, false, 1);
    toy_write("train", (toy_shape){ .rows = ROWS, .labels = LABELS, .seed = 1 });
    hw_classifier *classifier = hw_classifier_open("encoder", &error);
    if (!classifier) fail_msg("%s", error.message);
    return classifier;
}

static void scale_head(hw_classifier *classifier, int32_t layer, int32_t head, float factor) {
    for (int32_t tower = 0; tower < classifier->config.towers; tower++)
        classifier->towers[tower].layer[layer].attention_gate[head] *= factor;
}

static hw_prune_curve *curve_of(const hw_classifier *classifier, hw_prune_options options) {
    hw_prune_curve *curve = hw_prune_curve_make(classifier, "train", &options, &error);
    if (!curve) fail_msg("%s", error.message);
    return curve;
}

/* ---- One order ------------------------------------------------------------------------------ */

/* Every head goes once, and one of each layer stays. */
static void check_heads(const hw_classifier *classifier, const hw_prune_plan *plan) {
    int32_t left[MOST_HEADS] = { 0 }, stay = 0;
    bool gone[MOST_HEADS] = { false };
    const int32_t layers = hw_classifier_summary(classifier)->layers;
    const int32_t heads = hw_classifier_summary(classifier)->heads;
    for (int32_t l = 0; l < layers; l++) left[l] = hw_classifier_heads(classifier, l);
    for (size_t i = 0; i < plan->count; i++) {
        const hw_head_id head = plan->steps[i].head;
        assert_true(head.layer >= 0 && head.layer < layers && head.head < heads);
        assert_false(gone[head.layer * heads + head.head]);
        gone[head.layer * heads + head.head] = true;
        left[head.layer]--;
    }
    for (int32_t l = 0; l < layers; l++) {
        assert_true(left[l] >= 1);
        stay += left[l];
    }
    assert_int_equal(stay, layers);
}

static void check_order(const hw_classifier *classifier, const hw_prune_plan *plan,
                        double tolerance) {
    hw_head_id gone[MOST_HEADS];
    size_t chosen = 0;
    double sum = plan->score;
    assert_true(plan->examples == ROWS &&
                plan->score == toy_score_without(classifier, "train", NULL, 0));
    assert_true(plan->log_loss == toy_loss_without(classifier, "train", NULL, 0));
    check_heads(classifier, plan);
    for (size_t i = 0; i < plan->count; i++) {
        gone[i] = plan->steps[i].head;
        assert_true(plan->steps[i].score == toy_score_without(classifier, "train", gone, i + 1));
        assert_true(plan->steps[i].log_loss == toy_loss_without(classifier, "train", gone, i + 1));
        if (100 * (plan->score - plan->steps[i].score) <= tolerance + 1e-9) chosen = i + 1;
        sum += plan->steps[i].score;
    }
    assert_int_equal(plan->chosen, chosen);
    assert_memory_equal(plan->heads, gone, chosen * sizeof *gone);
    const double area = sum / ((double)plan->count + 1) / plan->score;
    if (!(fabs(plan->area - area) < 1e-12)) fail_msg("area %g, not %g", plan->area, area);
}

static void assert_same_order(const hw_prune_plan *a, const hw_prune_plan *b) {
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->chosen, b->chosen);
    assert_memory_equal(a->steps, b->steps, a->count * sizeof *a->steps);
    assert_memory_equal(&a->area, &b->area, sizeof a->area);
}

static void assert_same_curve(const hw_prune_curve *a, const hw_prune_curve *b) {
    assert_same_order(a->plan, b->plan);
    assert_same_order(a->reverse, b->reverse);
    assert_int_equal(a->random_orders, b->random_orders);
    for (size_t i = 0; i < a->random_orders; i++) assert_same_order(&a->random[i], &b->random[i]);
    assert_same_order(a->oracle, b->oracle);
    assert_memory_equal(&a->gain, &b->gain, sizeof a->gain);
    assert_int_equal(a->as_good, b->as_good);
}

/* ---- The order of an oracle ---------------------------------------------------------------- */

/* gone[count] is none of those before it, nor the last of its layer. */
static bool may_go(const hw_classifier *classifier, const hw_head_id *gone, size_t count) {
    int32_t left = hw_classifier_heads(classifier, gone[count].layer);
    for (size_t i = 0; i < count; i++) {
        if (gone[i].layer != gone[count].layer) continue;
        if (gone[i].head == gone[count].head) return false;
        left--;
    }
    return left > 1;
}

/* Of all heads that can go after gone[count], which has room for one more. */
static hw_head_id best_to_go(const hw_classifier *classifier, hw_head_id *gone, size_t count) {
    hw_head_id best = { -1, -1 };
    double best_score = -1, best_loss = 0;
    for (int32_t l = 0; l < hw_classifier_summary(classifier)->layers; l++)
        for (int32_t head = 0; head < hw_classifier_heads(classifier, l); head++) {
            gone[count] = (hw_head_id){ l, head };
            if (!may_go(classifier, gone, count)) continue;
            const double score = toy_score_without(classifier, "train", gone, count + 1);
            const double loss = toy_loss_without(classifier, "train", gone, count + 1);
            if (score < best_score || (score == best_score && loss >= best_loss)) continue;
            best = gone[count];
            best_score = score;
            best_loss = loss;
        }
    return best;
}

static void check_oracle(const hw_classifier *classifier, const hw_prune_curve *curve) {
    const hw_prune_plan *oracle = curve->oracle;
    hw_head_id gone[MOST_HEADS];
    check_order(classifier, oracle, 2);
    for (size_t i = 0; i < oracle->count; i++) {
        gone[i] = best_to_go(classifier, gone, i);
        assert_memory_equal(&gone[i], &oracle->steps[i].head, sizeof *gone);
    }
    assert_true(oracle->steps[0].score >= curve->plan->steps[0].score);
    for (size_t i = 0; i < curve->random_orders; i++)
        assert_true(oracle->steps[0].score >= curve->random[i].steps[0].score);
}

/* ---- Curves --------------------------------------------------------------------------------- */

static void check_curve(const hw_classifier *classifier, hw_prune_order order) {
    hw_prune_options options = {
        .order = order, .tolerance = 2, .random_orders = 7, .oracle = true, .seed = 5, .threads = 1
    };
    hw_prune_curve *curve = curve_of(classifier, options);
    hw_prune_plan *plan = hw_prune_plan_make(classifier, "train", &options, &error);
    assert_non_null(plan);
    assert_same_order(curve->plan, plan);
    check_order(classifier, curve->plan, 2);
    check_order(classifier, curve->reverse, 2);
    check_oracle(classifier, curve);
    size_t as_good = 0;
    double sum = 0;
    assert_int_equal(curve->random_orders, 7);
    for (size_t i = 0; i < 7; i++) {
        check_order(classifier, &curve->random[i], 2);
        as_good += curve->random[i].area > plan->area - 1e-9;
        sum += curve->random[i].area;
    }
    assert_int_equal(curve->as_good, as_good);
    assert_true(fabs(curve->gain - (plan->area - sum / 7)) < 1e-12);
    options.threads = 3;
    hw_prune_curve *again = curve_of(classifier, options);
    assert_same_curve(again, curve);
    hw_prune_curve_free(again);
    hw_prune_plan_free(plan);
    hw_prune_curve_free(curve);
}

static void check_curves(hw_classifier *classifier) {
    check_curve(classifier, HW_PRUNE_IMPORTANCE);
    check_curve(classifier, HW_PRUNE_GREEDY);
    hw_classifier_close(classifier);
}

static void test_every_score_is_that_of_the_masked_classifier(void **state) {
    (void)state;
    check_curves(trained(2, HW_ARCH_ATTENTION, false, 3));
    check_curves(trained(2, HW_ARCH_ATTENTION, true, 3));
    check_curves(tiny_bert());
}

static void test_heads_of_capsules_stay_in_every_order(void **state) {
    (void)state;
    hw_classifier *classifier = trained(2, HW_ARCH_CAPSULE, false, 3);
    hw_prune_curve *curve =
        curve_of(classifier, (hw_prune_options){ .random_orders = 9, .oracle = true });
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(curve->random[i].count, HEADS - 1);
        for (size_t step = 0; step < HEADS - 1; step++) {
            assert_int_equal(curve->random[i].steps[step].head.layer, 0);
            assert_int_equal(curve->reverse->steps[step].head.layer, 0);
            assert_int_equal(curve->oracle->steps[step].head.layer, 0);
        }
    }
    hw_prune_curve_free(curve);
    hw_classifier_close(classifier);
}

/* Importance once: what the plan leaves in a layer is what it values most there, and goes first. */
static void test_the_reverse_begins_with_what_matters_most(void **state) {
    (void)state;
    hw_classifier *classifier = trained(2, HW_ARCH_ATTENTION, false, 3);
    scale_head(classifier, 1, 2, 0);
    for (int order = HW_PRUNE_IMPORTANCE; order <= HW_PRUNE_GREEDY; order++) {
        const hw_prune_options options = { .order = (hw_prune_order)order, .random_orders = -1 };
        hw_prune_curve *curve = curve_of(classifier, options);
        const hw_prune_step *up = curve->plan->steps, *down = curve->reverse->steps;
        assert_true(up[0].importance == 0);
        for (size_t i = 0; i < curve->plan->count; i++) {
            assert_true(down[i].head.layer != 1 || down[i].head.head != 2);
            if (order == HW_PRUNE_GREEDY) continue;
            assert_memory_not_equal(&down[0].head, &up[i].head, sizeof up[i].head);
            assert_true(down[0].importance >= up[i].importance);
            assert_true(i == 0 || up[i].importance >= up[i - 1].importance);
            assert_true(i == 0 || down[i].importance <= down[i - 1].importance);
        }
        hw_prune_curve_free(curve);
    }
    hw_classifier_close(classifier);
}

/* Greedy: it is measured again on the way, so the second has another importance than at first. */
static void test_a_greedy_reverse_measures_again(void **state) {
    (void)state;
    hw_classifier *classifier = trained(2, HW_ARCH_ATTENTION, false, 3);
    hw_prune_curve *once = curve_of(classifier, (hw_prune_options){ .random_orders = 3 });
    hw_prune_curve *greedy =
        curve_of(classifier, (hw_prune_options){ .order = HW_PRUNE_GREEDY, .random_orders = 3 });
    assert_true(once->reverse->steps[0].importance == greedy->reverse->steps[0].importance);
    assert_true(once->reverse->steps[1].importance != greedy->reverse->steps[1].importance);
    for (size_t i = 0; i < 3; i++) assert_same_order(&once->random[i], &greedy->random[i]);
    hw_prune_curve_free(once);
    hw_prune_curve_free(greedy);
    hw_classifier_close(classifier);
}

/* ---- Random orders -------------------------------------------------------------------------- */

static void test_random_orders_depend_on_the_seed_and_on_nothing_else(void **state) {
    (void)state;
    hw_classifier *classifier = trained(2, HW_ARCH_ATTENTION, false, 3);
    hw_prune_curve *some = curve_of(classifier, (hw_prune_options){ .random_orders = 5 });
    hw_prune_curve *many = curve_of(classifier, (hw_prune_options){ .seed = 0 });
    hw_prune_curve *other = curve_of(classifier, (hw_prune_options){ .seed = 1 });
    bool differ_by_seed = false, differ = false;
    assert_int_equal(many->random_orders, 20);
    for (size_t i = 0; i < 5; i++) assert_same_order(&some->random[i], &many->random[i]);
    for (size_t step = 0; step < many->plan->count; step++) {
        const hw_head_id first = many->random[0].steps[step].head;
        differ_by_seed |= memcmp(&first, &other->random[0].steps[step].head, sizeof first) != 0;
        differ |= memcmp(&first, &many->random[1].steps[step].head, sizeof first) != 0;
    }
    assert_true(differ && differ_by_seed);
    hw_prune_curve_free(some);
    hw_prune_curve_free(many);
    hw_prune_curve_free(other);
    hw_classifier_close(classifier);
}

/* Each of the 24 orders of four heads is drawn about equally often: the statistic is that of
 * chi-square with 23 degrees of freedom, of which one in 100,000 is above 63. */
static void test_random_orders_are_equally_likely(void **state) {
    (void)state;
    enum { DRAWS = 2400, ORDERS = HEADS * HEADS * HEADS };
    hw_classifier *classifier = trained(1, HW_ARCH_ATTENTION, false, 3);
    hw_prune_curve *curve = curve_of(classifier, (hw_prune_options){ .random_orders = DRAWS });
    int drawn[ORDERS] = { 0 }, kinds = 0;
    double chi = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        const hw_prune_step *steps = curve->random[i].steps;
        drawn[(steps[0].head.head * HEADS + steps[1].head.head) * HEADS + steps[2].head.head]++;
    }
    for (size_t i = 0; i < ORDERS; i++) {
        kinds += drawn[i] > 0;
        if (drawn[i]) chi += pow(drawn[i] - DRAWS / 24.0, 2) / (DRAWS / 24.0);
    }
    assert_int_equal(kinds, 24);
    if (!(chi < 63)) fail_msg("chi-square %g", chi);
    hw_prune_curve_free(curve);
    hw_classifier_close(classifier);
}

/* ---- What they are for ---------------------------------------------------------------------- */

static bool takes(const hw_prune_plan *plan, int32_t head) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->steps[i].head.head == head) return true;
    return false;
}

/* One head does all the work: only orders that leave it for the end are as good as the plan. */
static void test_orders_that_take_the_one_head_are_worse(void **state) {
    (void)state;
    hw_classifier *classifier = trained(1, HW_ARCH_ATTENTION, false, 40);
    for (int32_t head = 0; head < HEADS; head++)
        if (head != 2) scale_head(classifier, 0, head, 1e-6f);
    hw_prune_curve *curve = curve_of(classifier, (hw_prune_options){ .seed = 3, .oracle = true });
    size_t without = 0;
    for (size_t i = 0; i < curve->random_orders; i++) without += !takes(&curve->random[i], 2);
    assert_true(curve->plan->area == 1 && curve->plan->chosen == HEADS - 1);
    assert_true(curve->reverse->area < 1 && curve->reverse->chosen == 0);
    assert_true(without > 0 && without < curve->random_orders);
    assert_int_equal(curve->as_good, without);
    assert_true(curve->gain > 0 && curve->oracle->area >= 1 && !takes(curve->oracle, 2));
    hw_prune_curve_free(curve);
    hw_classifier_close(classifier);
}

/* No head does anything: all orders are as good, and an oracle takes one after the other. */
static void test_heads_that_do_nothing_are_interchangeable(void **state) {
    (void)state;
    hw_classifier *classifier = trained(2, HW_ARCH_ATTENTION, false, 3);
    for (int32_t i = 0; i < 2 * HEADS; i++) scale_head(classifier, i / HEADS, i % HEADS, 0);
    hw_prune_curve *curve = curve_of(classifier, (hw_prune_options){ .oracle = true });
    assert_int_equal(curve->as_good, 20);
    assert_true(fabs(curve->gain) < 1e-12);
    assert_int_equal(curve->reverse->chosen, curve->plan->count);
    for (int32_t i = 0; i < 2 * (HEADS - 1); i++) {
        const hw_head_id head = curve->oracle->steps[i].head;
        assert_true(head.layer == i / (HEADS - 1) && head.head == i % (HEADS - 1));
    }
    hw_prune_curve_free(curve);
    hw_classifier_close(classifier);
}

static void test_without_random_orders_or_right_answers_nothing_is_claimed(void **state) {
    (void)state;
    hw_classifier *classifier = trained(1, HW_ARCH_ATTENTION, false, 3);
    hw_prune_curve *curve = curve_of(classifier, (hw_prune_options){ .random_orders = -1 });
    assert_true(curve->random_orders == 0 && !curve->oracle);
    assert_true(isnan(curve->gain) && curve->as_good == 0 && !isnan(curve->plan->area));
    hw_prune_curve_free(curve);
    toy_write_text("train", "__label__unknown one text\n__label__unheard another\n");
    curve = curve_of(classifier, (hw_prune_options){ .random_orders = 4, .oracle = true });
    assert_true(curve->plan->score == 0 && isnan(curve->plan->area));
    assert_true(isnan(curve->oracle->area) && curve->oracle->chosen == HEADS - 1);
    assert_true(isnan(curve->gain) && curve->as_good == 0);
    hw_prune_curve_free(curve);
    hw_classifier_close(classifier);
}

/* ---- Options and progress ------------------------------------------------------------------- */

static void assert_refused(const hw_classifier *classifier, hw_prune_options options,
                           const char *message) {
    assert_null(hw_prune_curve_make(classifier, "train", &options, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    assert_string_equal(error.message, message);
}

static void test_what_a_curve_is_not_made_of_is_said(void **state) {
    (void)state;
    hw_classifier *classifier = trained(1, HW_ARCH_ATTENTION, false, 3);
    assert_refused(classifier, (hw_prune_options){ .keep = 2 },
                   "keep is 2; a curve goes to its end");
    assert_refused(classifier, (hw_prune_options){ .random_orders = 10001 },
                   "random_orders is 10001; it can be up to 10000");
    assert_refused(classifier, (hw_prune_options){ .tolerance = -1 },
                   "tolerance is -1; it is not negative");
    hw_classifier_close(classifier);
}

typedef struct watch {
    uint64_t calls, done, stop_at;
    double overall;
} watch;

static bool watched(void *user, const hw_progress *progress) {
    watch *w = user;
    assert_true(progress->done >= w->done && progress->done <= progress->total);
    w->done = progress->done;
    w->overall = progress->overall;
    return ++w->calls != w->stop_at;
}

static void test_progress_ends_at_the_end_and_may_stop(void **state) {
    (void)state;
    enum { TRIALS = 8 + 7 + 6 + 5 + 4 + 3 };
    hw_classifier *classifier = trained(2, HW_ARCH_ATTENTION, false, 3);
    for (int order = HW_PRUNE_IMPORTANCE; order <= HW_PRUNE_GREEDY; order++) {
        watch w = { 0 };
        hw_prune_options options = { .order = (hw_prune_order)order,
                                     .random_orders = 3,
                                     .oracle = true,
                                     .progress = watched,
                                     .user = &w };
        hw_prune_curve_free(curve_of(classifier, options));
        assert_true(w.overall == 1 && w.calls == 2 + 5 * 6 + TRIALS);
        w = (watch){ 0 };
        hw_prune_plan_free(hw_prune_plan_make(classifier, "train", &options, &error));
        assert_true(w.overall == 1 && w.calls == 2 + 6);
        options.keep = 3;
        w = (watch){ 0 };
        hw_prune_plan_free(hw_prune_plan_make(classifier, "train", &options, &error));
        assert_true(w.overall == 1);
        options.keep = 0;
        w = (watch){ .stop_at = 11 };
        assert_null(hw_prune_curve_make(classifier, "train", &options, &error));
        assert_int_equal(error.status, HW_ERROR_STOPPED);
        assert_int_equal(w.calls, 11);
        w = (watch){ .stop_at = 2 + 5 * 6 + 3 };
        assert_null(hw_prune_curve_make(classifier, "train", &options, &error));
        assert_int_equal(error.status, HW_ERROR_STOPPED);
    }
    hw_classifier_close(classifier);
}

/* ---- Faults ------------------------------------------------------------------------------- */

#ifdef HW_FAULTS

static hw_status try_curve(const hw_classifier *classifier) {
    const hw_prune_options options = {
        .order = HW_PRUNE_GREEDY, .random_orders = 2, .oracle = true, .threads = 2
    };
    error = (hw_error){ 0 };
    hw_prune_curve *curve = hw_prune_curve_make(classifier, "few", &options, &error);
    hw_prune_curve_free(curve);
    return curve ? HW_OK : error.status;
}

static void test_every_failing_allocation_is_survived(void **state) {
    (void)state;
    enum { EVERY_ONE_UP_TO = 200, THEN_EVERY = 11 };
    hw_classifier *classifier = trained(1, HW_ARCH_ATTENTION, false, 3);
    toy_write("few", (toy_shape){ .rows = 5, .labels = LABELS, .seed = 2 });
    hw_status status = HW_ERROR_MEMORY;
    uint64_t at = 1;
    for (; status != HW_OK; at += at < EVERY_ONE_UP_TO ? 1 : THEN_EVERY) {
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        status = try_curve(classifier);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (status != HW_OK && (status != HW_ERROR_MEMORY || error.status != HW_ERROR_MEMORY))
            fail_msg("allocation %d: %d, %d: %s", (int)at, status, error.status, error.message);
    }
    assert_true(at > 100);
    hw_classifier_close(classifier);
}

#endif

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, toy_enter_folder, toy_leave_folder)

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_every_score_is_that_of_the_masked_classifier),
        IN_FOLDER(test_heads_of_capsules_stay_in_every_order),
        IN_FOLDER(test_the_reverse_begins_with_what_matters_most),
        IN_FOLDER(test_a_greedy_reverse_measures_again),
        IN_FOLDER(test_random_orders_depend_on_the_seed_and_on_nothing_else),
        IN_FOLDER(test_random_orders_are_equally_likely),
        IN_FOLDER(test_orders_that_take_the_one_head_are_worse),
        IN_FOLDER(test_heads_that_do_nothing_are_interchangeable),
        IN_FOLDER(test_without_random_orders_or_right_answers_nothing_is_claimed),
        IN_FOLDER(test_what_a_curve_is_not_made_of_is_said),
        IN_FOLDER(test_progress_ends_at_the_end_and_may_stop),
#ifdef HW_FAULTS
        IN_FOLDER(test_every_failing_allocation_is_survived),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
