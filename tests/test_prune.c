/* Classifiers without some of their heads: their probabilities are those with the heads switched
 * off, in memory and from files. How much heads matter, against the loss itself; which of them go.
 */
#include "base/fault.h"
#include "encoder_case.h"
#include "explain/importance.h"
#include "tiny_encoder.h"
#include "tiny_model.h"
#include "toy_data.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LABELS = 3, MOST_HEADS = 16 };

static hw_error error;

static void assert_close(const char *what, const float *x, const float *y, size_t count) {
    const double off = encoder_case_error(x, y, count);
    if (!(off <= 1e-6)) fail_msg("%s is off by %.3g of its spread", what, off);
}

/* ---- Classifiers ---------------------------------------------------------------------------- */

static hw_classifier *opened(const char *path) {
    hw_classifier *classifier = hw_classifier_open(path, &error);
    if (!classifier) fail_msg("%s", error.message);
    return classifier;
}

static hw_classifier *trained(hw_arch arch, bool multi_label) {
    toy_write("train",
              (toy_shape){ .rows = 60, .labels = LABELS, .multi_label = multi_label, .seed = 1 });
    hw_train_options options = toy_options("train");
    options.arch = arch;
    options.heads = 4;
    options.layers = 2;
    options.towers = 2;
    options.epochs = 3;
    return toy_train(&options);
}

/* A folder of Hugging Face's: two layers of two heads. */
static hw_classifier *tiny_bert(void) {
    if (system("rm -rf encoder") != 0) fail_msg("the folder stays");
    tiny_encoder_write_classifier("encoder", LABELS, false, 1);
    toy_write("train", (toy_shape){ .rows = 60, .labels = LABELS, .seed = 1 });
    return opened("encoder");
}

/* p: [TINY_SENTENCES][LABELS] */
static void classify(float *p, const hw_classifier *classifier, const hw_head_id *heads,
                     size_t count) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    hw_text texts[TINY_SENTENCES];
    for (size_t i = 0; i < TINY_SENTENCES; i++) texts[i] = hw_text_of(tiny_sentences[i]);
    hw_session *session = hw_session_new(classifier, &options, &error);
    if (!session) fail_msg("%s", error.message);
    assert_int_equal(hw_classify(session, texts, TINY_SENTENCES, p, &error), HW_OK);
    hw_session_free(session);
}

static hw_classifier *pruned_of(const hw_classifier *classifier, const hw_head_id *heads,
                                size_t count) {
    hw_classifier *pruned = hw_classifier_prune(classifier, heads, count, &error);
    if (!pruned) fail_msg("%s", error.message);
    return pruned;
}

static void check_classifier(hw_classifier *classifier, const hw_head_id *heads, size_t count) {
    float masked[TINY_SENTENCES * LABELS], left[TINY_SENTENCES * LABELS];
    hw_classifier *pruned = pruned_of(classifier, heads, count);
    classify(masked, classifier, heads, count);
    classify(left, pruned, NULL, 0);
    assert_close("a pruned classifier", left, masked, TINY_SENTENCES * LABELS);
    assert_true(hw_classifier_summary(pruned)->parameters <
                hw_classifier_summary(classifier)->parameters);
    assert_true(isnan(hw_classifier_summary(pruned)->held_back_score));
    assert_int_equal(hw_classifier_save(pruned, "pruned", &error), HW_OK);
    hw_classifier *again = opened("pruned");
    classify(masked, again, NULL, 0);
    assert_memory_equal(masked, left, sizeof left);
    for (int32_t l = 0; l < hw_classifier_summary(pruned)->layers; l++)
        assert_int_equal(hw_classifier_heads(pruned, l), hw_classifier_heads(again, l));
    assert_int_equal(toy_fingerprint(pruned), toy_fingerprint(again));
    hw_classifier_close(again);
    hw_classifier_close(pruned);
    hw_classifier_close(classifier);
}

static void test_classifiers_are_pruned_saved_and_opened(void **state) {
    (void)state;
    static const hw_head_id some[] = { { 0, 3 }, { 0, 0 }, { 1, 1 }, { 0, 1 }, { 1, 2 } };
    check_classifier(trained(HW_ARCH_ATTENTION, false), some, 5);
    check_classifier(trained(HW_ARCH_ATTENTION, true), some, 5);
    check_classifier(tiny_classifier((tiny_options){ .inner_width = 16 }, &error), some + 1, 1);
    static const hw_head_id first[] = { { 0, 3 }, { 0, 1 } };
    check_classifier(trained(HW_ARCH_CAPSULE, false), first, 2);
    static const hw_head_id of_bert[] = { { 0, 1 }, { 1, 0 } };
    check_classifier(tiny_bert(), of_bert, 2);
    hw_classifier *bert = tiny_bert();
    for (hw_quantization to = HW_QUANTIZED_INT8; to <= HW_QUANTIZED_BF16; to++) {
        hw_classifier *small = hw_classifier_quantize(bert, to, &error);
        assert_non_null(small);
        check_classifier(small, of_bert, 2);
    }
    hw_classifier_close(bert);
}

static void test_what_is_left_can_be_masked_and_looked_at(void **state) {
    (void)state;
    static const hw_head_id gone[] = { { 0, 0 }, { 0, 2 }, { 0, 3 } };
    hw_classifier *classifier = trained(HW_ARCH_ATTENTION, false);
    hw_classifier *pruned = pruned_of(classifier, gone, 3);
    float masked[TINY_SENTENCES * LABELS], left[TINY_SENTENCES * LABELS];
    static const hw_head_id one[] = { { 1, 2 } };
    static const hw_head_id all[] = { { 0, 0 }, { 0, 2 }, { 0, 3 }, { 1, 2 } };
    classify(masked, classifier, all, 4);
    classify(left, pruned, one, 1);
    assert_close("masked after pruning", left, masked, TINY_SENTENCES * LABELS);
    const hw_session_options missing = { .masked_heads = &gone[1], .masked_head_count = 1 };
    assert_null(hw_session_new(pruned, &missing, &error));
    assert_string_equal(error.message, "head 0.2 is not there: layer 0 has 0.0 to 0.0 left");
    hw_session *session = hw_session_new(pruned, NULL, &error);
    hw_attention_map *map = hw_attend(session, hw_text_of(tiny_sentences[0]), 0, &error);
    assert_non_null(map);
    assert_int_equal(map->heads, 4);
    assert_int_equal(map->layer_heads[0], 1);
    assert_int_equal(map->layer_heads[1], 4);
    for (size_t head = 0; head < 4; head++) {
        double sum = 0;
        for (size_t j = 0; j < map->count; j++)
            sum += (double)map->weights[head * map->count * map->count + j];
        assert_true(fabs(sum - (head == 0)) < 1e-5);
    }
    hw_attention_map_free(map);
    for (hw_explain_method method = HW_EXPLAIN_ATTENTION; method <= HW_EXPLAIN_GRAD_ATTENTION;
         method++) {
        const hw_explain_options options = { .method = method };
        hw_explanation *e = hw_explain(session, hw_text_of(tiny_sentences[0]), &options, &error);
        if (!e) fail_msg("%s", error.message);
        hw_explanation_free(e);
    }
    hw_session_free(session);
    hw_classifier_close(pruned);
    hw_classifier_close(classifier);
}

static void test_what_is_left_can_be_quantised_and_calibrated(void **state) {
    (void)state;
    hw_classifier *bert = tiny_bert(), *pruned = pruned_of(bert, &(hw_head_id){ 1, 0 }, 1);
    hw_classifier *small = hw_classifier_quantize(pruned, HW_QUANTIZED_INT8, &error);
    assert_non_null(small);
    hw_classifier *calibrated =
        hw_classifier_calibrate(small, "train", &(hw_reader_options){ 0 }, &error);
    assert_non_null(calibrated);
    assert_true(hw_classifier_summary(calibrated)->quantized);
    assert_int_equal(hw_classifier_heads(calibrated, 0), 2);
    assert_int_equal(hw_classifier_heads(calibrated, 1), 1);
    hw_classifier_close(small);
    hw_classifier_close(calibrated);
    hw_classifier_close(pruned);
    hw_classifier_close(bert);
}

static void test_a_pruned_encoder_is_not_exported(void **state) {
    (void)state;
    hw_classifier *bert = tiny_bert(), *pruned = pruned_of(bert, &(hw_head_id){ 0, 0 }, 1);
    assert_int_equal(hw_classifier_export(pruned, "exported", false, NULL, &error),
                     HW_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "export the model it was made from"));
    hw_classifier_close(pruned);
    hw_classifier_close(bert);
}

static void assert_not_pruned(hw_classifier *classifier, hw_head_id head, hw_status status,
                              const char *message) {
    const hw_head_id heads[] = { head, { 0, 0 } };
    assert_null(hw_classifier_prune(classifier, heads, 2, &error));
    assert_int_equal(error.status, status);
    if (!strstr(error.message, message)) fail_msg("%s", error.message);
    hw_classifier_close(classifier);
}

static void test_what_cannot_be_pruned_is_said(void **state) {
    (void)state;
    const tiny_options bag = { .arch = HW_ARCH_BAG }, small = { .labels = LABELS };
    const tiny_options talking = { .attention = HW_ATTENTION_TALKING };
    const tiny_options capsule = { .arch = HW_ARCH_CAPSULE };
    assert_not_pruned(tiny_classifier(bag, &error), (hw_head_id){ 0, 0 }, HW_ERROR_ARGUMENT,
                      "the model has no attention heads to prune");
    assert_not_pruned(tiny_classifier(small, &error), (hw_head_id){ 0, 1 }, HW_ERROR_ARGUMENT,
                      "layer 0 would have no head left");
    assert_not_pruned(tiny_classifier(small, &error), (hw_head_id){ 0, 2 }, HW_ERROR_ARGUMENT,
                      "head 0.2 is not there");
    assert_not_pruned(tiny_classifier(talking, &error), (hw_head_id){ 0, 0 }, HW_ERROR_UNSUPPORTED,
                      "talking heads cannot be pruned");
    assert_not_pruned(tiny_classifier(capsule, &error), (hw_head_id){ 0, 0 }, HW_ERROR_UNSUPPORTED,
                      "which capsules are made of");
}

/* ---- Damaged files -------------------------------------------------------------------------- */

/* pruned_heads of one of a model's strings, in an object of it or at its top. */
static void assert_refused(const hw_classifier *pruned, const char *key, const char *section,
                           const char *heads) {
    hw_bundle *bundle = hw_bundle_copy(pruned->bundle, NULL, 0, &error);
    assert_non_null(bundle);
    json_t *root = json_loads(hw_bundle_metadata(bundle, key), 0, NULL);
    json_t *object = section ? json_object_get(root, section) : root;
    json_t *value = json_loads(heads, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_non_null(json_object_get(object, "pruned_heads"));
    assert_int_equal(json_object_set_new(object, "pruned_heads", value), 0);
    char *text = json_dumps(root, 0);
    assert_int_equal(hw_bundle_set(bundle, key, text, &error), HW_OK);
    free(text);
    json_decref(root);
    error = (hw_error){ 0 };
    hw_classifier *opened = hw_classifier_from_bundle(bundle, "m", &error);
    if (opened) fail_msg("opens in spite of %s", heads);
    if (error.status != HW_ERROR_FORMAT) fail_msg("%d: %s", error.status, error.message);
}

static void test_damaged_numbers_of_heads_are_refused(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "{\"0\": [0, 1]}",
        "{\"0\": [1, 0]}",
        "{\"0\": [0, 0]}",
        "{\"0\": [4]}",
        "{\"0\": [-1]}",
        "{\"0\": [64]}",
        "{\"0\": 1}",
        "{\"0\": [\"1\"]}",
        "{\"0\": [0.0]}",
        "{\"2\": [0]}",
        "{\"-1\": [0]}",
        "{\"x\": [0]}",
        "{\"\": [0]}",
        "{\"0x\": [0]}",
        "{}",
        "[[0]]",
        "\"0\"",
        "7",
        "{\"1\": [0]}",
        "{\"0\": []}",
        "{\"0\": [0], \"1\": [0]}",
        "{\"99999999999999999999\": [0]}",
    };
    hw_classifier *towers = trained(HW_ARCH_ATTENTION, false), *bert = tiny_bert();
    hw_classifier *tower = pruned_of(towers, &(hw_head_id){ 0, 0 }, 1);
    hw_classifier *encoder = pruned_of(bert, &(hw_head_id){ 0, 0 }, 1);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(tower, "headwise", "tower", wrong[i]);
        assert_refused(encoder, "config", NULL, wrong[i]);
    }
    assert_refused(tower, "headwise", "tower", "{\"0\": [0, 1, 2, 3]}");
    hw_classifier_close(tower);
    hw_classifier_close(encoder);
    hw_classifier_close(towers);
    hw_classifier_close(bert);
}

/* ---- Importance ----------------------------------------------------------------------------- */

static hw_corpus corpus_of(const hw_classifier *classifier, const hw_head_id *heads, size_t count) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    hw_corpus corpus = { 0 };
    assert_int_equal(
        hw_corpus_load(&corpus, classifier, "train", &(hw_reader_options){ 0 }, &error), HW_OK);
    assert_int_equal(hw_corpus_run(&corpus, classifier, &options, 1, &error), HW_OK);
    return corpus;
}

/* importance: [layers][heads] */
static void importance_of(double *importance, const hw_classifier *classifier,
                          const hw_head_id *heads, size_t count, int32_t threads, bool normalize) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    hw_corpus corpus = corpus_of(classifier, heads, count);
    hw_session *session = hw_session_new(classifier, &options, &error);
    assert_non_null(session);
    if (hw_importance_measure(importance, session, &corpus, threads, normalize, &error) != HW_OK)
        fail_msg("%s", error.message);
    hw_session_free(session);
    hw_corpus_free(&corpus);
}

/* The columns of an encoder's layer that read its heads. */
static hw_encoder_parameter output_of(const hw_classifier *classifier, int32_t layer) {
    char name[96];
    hw_encoder_parameter p;
    snprintf(name, sizeof name, "bert.encoder.layer.%d.attention.output.dense.weight", (int)layer);
    for (size_t i = 0; hw_encoder_parameter_at(&p, &classifier->pretrained.config, i); i++)
        if (strcmp(p.name, name) == 0) return p;
    fail_msg("no %s", name);
    return p;
}

/* Multiplies the gate of a head, which need not be one of its own. */
static void scale_head(hw_classifier *classifier, int32_t layer, int32_t head, float factor) {
    for (int32_t tower = 0; tower < classifier->config.towers; tower++)
        classifier->towers[tower].layer[layer].attention_gate[head] *= factor;
    if (!classifier->encoder) return;
    float *weights = hw_encoder_thaw(classifier->encoder, &error);
    assert_non_null(weights);
    const hw_encoder_parameter output = output_of(classifier, layer);
    const size_t head_dim = (size_t)classifier->pretrained.config.head_dim;
    for (size_t row = 0; row < output.rows; row++)
        for (size_t i = 0; i < head_dim; i++)
            weights[output.offset + row * output.columns + (size_t)head * head_dim + i] *= factor;
    hw_encoder_pack(classifier->encoder, hw_kernels_select(), NULL);
}

/* losses: [rows] of the texts */
static void losses_of(double *losses, const hw_classifier *classifier) {
    hw_corpus corpus = corpus_of(classifier, NULL, 0);
    for (size_t row = 0; row < corpus.targets.rows; row++) {
        losses[row] = 0;
        for (size_t label = 0; label < LABELS; label++) {
            const double p = (double)corpus.probabilities[row * LABELS + label];
            bool right = false;
            for (uint32_t i = corpus.offsets[row]; i < corpus.offsets[row + 1]; i++)
                right |= corpus.labels[i] == label;
            if (right) losses[row] -= log(p);
            if (!right && classifier->config.multi_label) losses[row] -= log(1 - p);
        }
    }
    hw_corpus_free(&corpus);
}

enum { ROWS = 60 };

/* The mean of |L(1 + h) - L(1 - h)| / 2h. */
static double numeric(hw_classifier *classifier, int32_t layer, int32_t head) {
    static const float step = 1.0f / 64;
    double more[ROWS], less[ROWS], sum = 0;
    scale_head(classifier, layer, head, 1 + step);
    losses_of(more, classifier);
    scale_head(classifier, layer, head, (1 - step) / (1 + step));
    losses_of(less, classifier);
    scale_head(classifier, layer, head, 1 / (1 - step));
    for (size_t row = 0; row < ROWS; row++) sum += fabs(more[row] - less[row]) / 2 / (double)step;
    return sum / ROWS;
}

static void check_importance(hw_classifier *classifier) {
    const int32_t layers = hw_classifier_summary(classifier)->layers;
    const int32_t heads = hw_classifier_summary(classifier)->heads;
    double importance[MOST_HEADS], again[MOST_HEADS], normal[MOST_HEADS];
    importance_of(importance, classifier, NULL, 0, 1, false);
    importance_of(again, classifier, NULL, 0, 3, false);
    importance_of(normal, classifier, NULL, 0, 1, true);
    assert_memory_equal(again, importance, (size_t)(layers * heads) * sizeof *again);
    for (int32_t l = 0; l < layers; l++) {
        double squares = 0, norm = 0;
        for (int32_t head = 0; head < heads; head++)
            norm += importance[l * heads + head] * importance[l * heads + head];
        for (int32_t head = 0; head < heads; head++) {
            const int32_t i = l * heads + head;
            const double expected = numeric(classifier, l, head);
            if (!(fabs(importance[i] - expected) <= 0.01 * expected + 1e-5) || expected < 1e-4)
                fail_msg("head %d.%d: %g, not %g", (int)l, (int)head, importance[i], expected);
            assert_true(fabs(normal[i] - importance[i] / sqrt(norm)) < 1e-12);
            squares += normal[i] * normal[i];
        }
        assert_true(fabs(squares - 1) < 1e-9);
    }
    hw_classifier_close(classifier);
}

/* N-grams, two towers, and texts of words that they know. */
static hw_classifier *tiny_hybrid(void) {
    char lines[ROWS * 80], *at = lines;
    for (int row = 0; row < ROWS; row++)
        at += sprintf(at, "__label__%c %.60s\n", "abc"[row % LABELS],
                      tiny_sentences[row % TINY_SENTENCES]);
    toy_write_text("train", lines);
    hw_classifier *made = tiny_classifier((tiny_options){ .labels = LABELS }, &error);
    if (!made) fail_msg("%s", error.message);
    return made;
}

static void test_importance_is_the_slope_of_the_loss(void **state) {
    (void)state;
    check_importance(trained(HW_ARCH_ATTENTION, false));
    check_importance(trained(HW_ARCH_ATTENTION, true));
    check_importance(tiny_hybrid());
    check_importance(tiny_bert());
}

static void test_int8_has_no_importance(void **state) {
    (void)state;
    hw_classifier *bert = tiny_bert(),
                  *small = hw_classifier_quantize(bert, HW_QUANTIZED_INT8, &error);
    const hw_prune_options options = { .threads = 1 };
    assert_null(hw_prune_plan_make(small, "train", &options, &error));
    assert_int_equal(error.status, HW_ERROR_UNSUPPORTED);
    assert_non_null(strstr(error.message, "quantised"));
    hw_classifier_close(small);
    hw_classifier_close(bert);
}

/* ---- Plans -------------------------------------------------------------------------------- */

static hw_prune_plan *plan_of(const hw_classifier *classifier, hw_prune_options options) {
    hw_prune_plan *plan = hw_prune_plan_make(classifier, "train", &options, &error);
    if (!plan) fail_msg("%s", error.message);
    return plan;
}

static void check_steps(const hw_classifier *classifier, const hw_prune_plan *plan,
                        double tolerance) {
    hw_head_id gone[MOST_HEADS];
    size_t chosen = 0;
    assert_true(plan->score == toy_score_without(classifier, "train", NULL, 0));
    for (size_t i = 0; i < plan->count; i++) {
        gone[i] = plan->steps[i].head;
        assert_true(plan->steps[i].score == toy_score_without(classifier, "train", gone, i + 1));
        if (100 * (plan->score - plan->steps[i].score) <= tolerance + 1e-9) chosen = i + 1;
    }
    assert_int_equal(plan->chosen, chosen);
    for (size_t i = 0; i < chosen; i++)
        assert_memory_equal(&plan->heads[i], &gone[i], sizeof *gone);
}

/* Two heads whose gates are nearly shut go first, the more so the first. */
static void test_plans_begin_with_what_does_not_matter(void **state) {
    (void)state;
    hw_classifier *classifier = trained(HW_ARCH_ATTENTION, false);
    scale_head(classifier, 1, 2, 0);
    scale_head(classifier, 0, 3, 1e-6f);
    for (int order = HW_PRUNE_IMPORTANCE; order <= HW_PRUNE_GREEDY; order++) {
        const hw_prune_options options = { .order = (hw_prune_order)order,
                                           .tolerance = 2,
                                           .threads = 2 };
        hw_prune_plan *plan = plan_of(classifier, options);
        assert_int_equal(plan->examples, ROWS);
        assert_int_equal(plan->count, 6);
        assert_int_equal(plan->steps[0].head.layer, 1);
        assert_int_equal(plan->steps[0].head.head, 2);
        assert_true(plan->steps[0].importance == 0);
        assert_int_equal(plan->steps[1].head.layer, 0);
        assert_int_equal(plan->steps[1].head.head, 3);
        assert_true(plan->chosen >= 2);
        check_steps(classifier, plan, 2);
        hw_prune_plan_free(plan);
    }
    hw_classifier_close(classifier);
}

/* By importance: that of the whole. Greedy: that of what is left after the steps before. */
static void test_greedy_plans_measure_again(void **state) {
    (void)state;
    hw_classifier *classifier = trained(HW_ARCH_ATTENTION, false);
    hw_prune_plan *once = plan_of(classifier, (hw_prune_options){ .threads = 1 });
    hw_prune_plan *greedy =
        plan_of(classifier, (hw_prune_options){ .order = HW_PRUNE_GREEDY, .threads = 3 });
    hw_head_id gone[MOST_HEADS];
    double whole[MOST_HEADS], left[MOST_HEADS];
    importance_of(whole, classifier, NULL, 0, 1, true);
    bool differ = false;
    for (size_t i = 0; i < 6; i++) {
        const hw_prune_step *a = &once->steps[i], *b = &greedy->steps[i];
        importance_of(left, classifier, gone, i, 1, true);
        assert_true(a->importance == whole[a->head.layer * 4 + a->head.head]);
        assert_true(b->importance == left[b->head.layer * 4 + b->head.head]);
        for (size_t other = 0; other < i; other++)
            assert_true(left[gone[other].layer * 4 + gone[other].head] == 0);
        for (size_t head = 0; head < 8; head++) {
            size_t in_layer = 0;
            for (size_t other = 0; other < i; other++)
                in_layer += (size_t)gone[other].layer == head / 4;
            const bool can_go = left[head] > 0 && in_layer < 3;
            assert_true(!can_go || left[head] >= b->importance);
        }
        gone[i] = b->head;
        differ |= a->importance != b->importance;
    }
    assert_true(differ);
    hw_prune_plan_free(once);
    hw_prune_plan_free(greedy);
    hw_classifier_close(classifier);
}

static void test_plans_keep_what_they_are_told(void **state) {
    (void)state;
    hw_classifier *classifier = trained(HW_ARCH_ATTENTION, false), *bert = tiny_bert();
    for (int32_t keep = 2; keep <= 8; keep++) {
        hw_prune_plan *plan = plan_of(classifier, (hw_prune_options){ .keep = keep });
        assert_int_equal(plan->chosen, 8 - keep);
        assert_int_equal(plan->count, 8 - keep);
        hw_classifier *pruned = pruned_of(classifier, plan->heads, plan->chosen);
        assert_int_equal(hw_classifier_heads(pruned, 0) + hw_classifier_heads(pruned, 1), keep);
        hw_classifier_close(pruned);
        hw_prune_plan_free(plan);
    }
    hw_prune_plan *plan = plan_of(bert, (hw_prune_options){ .keep = 2, .order = HW_PRUNE_GREEDY });
    assert_int_equal(plan->chosen, 2);
    assert_int_not_equal(plan->heads[0].layer, plan->heads[1].layer);
    hw_prune_plan_free(plan);
    assert_null(hw_prune_plan_make(bert, "train", &(hw_prune_options){ .keep = 1 }, &error));
    assert_string_equal(error.message, "keep is 1; of the 4 heads 2 to 4 can be kept");
    assert_null(hw_prune_plan_make(bert, "train", &(hw_prune_options){ .tolerance = NAN }, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    hw_classifier_close(classifier);
    hw_classifier_close(bert);
}

static void test_plans_leave_the_heads_of_capsules(void **state) {
    (void)state;
    hw_classifier *classifier = trained(HW_ARCH_CAPSULE, false);
    hw_prune_plan *plan = plan_of(classifier, (hw_prune_options){ .tolerance = 100 });
    assert_int_equal(plan->count, 3);
    assert_int_equal(plan->chosen, 3);
    for (size_t i = 0; i < 3; i++) assert_int_equal(plan->heads[i].layer, 0);
    hw_prune_plan_free(plan);
    hw_classifier_close(classifier);
    classifier = tiny_classifier((tiny_options){ .arch = HW_ARCH_CAPSULE }, &error);
    assert_null(hw_prune_plan_make(classifier, "train", NULL, &error));
    assert_int_equal(error.status, HW_ERROR_ARGUMENT);
    hw_classifier_close(classifier);
}

/* ---- Faults ------------------------------------------------------------------------------- */

#ifdef HW_FAULTS

static hw_status plan_and_prune(const hw_classifier *classifier) {
    const hw_prune_options options = { .order = HW_PRUNE_GREEDY, .tolerance = 100, .threads = 2 };
    error = (hw_error){ 0 };
    hw_prune_plan *plan = hw_prune_plan_make(classifier, "few", &options, &error);
    if (!plan) return error.status;
    hw_classifier *pruned = hw_classifier_prune(classifier, plan->heads, plan->chosen, &error);
    hw_prune_plan_free(plan);
    hw_classifier_close(pruned);
    return pruned ? HW_OK : error.status;
}

static void check_faults(hw_classifier *classifier) {
    enum { EVERY_ONE_UP_TO = 200, THEN_EVERY = 11 };
    hw_status status = HW_ERROR_MEMORY;
    uint64_t at = 1;
    for (; status != HW_OK; at += at < EVERY_ONE_UP_TO ? 1 : THEN_EVERY) {
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        status = plan_and_prune(classifier);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        if (status != HW_OK && (status != HW_ERROR_MEMORY || error.status != HW_ERROR_MEMORY))
            fail_msg("allocation %d: %d, %d: %s", (int)at, status, error.status, error.message);
    }
    assert_true(at > 100);
    hw_classifier_close(classifier);
}

static void test_every_failing_allocation_is_survived(void **state) {
    (void)state;
    toy_write("few", (toy_shape){ .rows = 5, .labels = LABELS, .seed = 2 });
    check_faults(trained(HW_ARCH_ATTENTION, false));
    check_faults(tiny_bert());
}

#endif

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_classifiers_are_pruned_saved_and_opened,
                                        toy_enter_folder, toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_what_is_left_can_be_masked_and_looked_at,
                                        toy_enter_folder, toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_what_is_left_can_be_quantised_and_calibrated,
                                        toy_enter_folder, toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_a_pruned_encoder_is_not_exported, toy_enter_folder,
                                        toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_pruned_is_said, toy_enter_folder,
                                        toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_damaged_numbers_of_heads_are_refused, toy_enter_folder,
                                        toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_importance_is_the_slope_of_the_loss, toy_enter_folder,
                                        toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_int8_has_no_importance, toy_enter_folder,
                                        toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_plans_begin_with_what_does_not_matter,
                                        toy_enter_folder, toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_greedy_plans_measure_again, toy_enter_folder,
                                        toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_plans_keep_what_they_are_told, toy_enter_folder,
                                        toy_leave_folder),
        cmocka_unit_test_setup_teardown(test_plans_leave_the_heads_of_capsules, toy_enter_folder,
                                        toy_leave_folder),
#ifdef HW_FAULTS
        cmocka_unit_test_setup_teardown(test_every_failing_allocation_is_survived, toy_enter_folder,
                                        toy_leave_folder),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
