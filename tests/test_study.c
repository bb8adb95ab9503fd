/* Whole studies of some dozens of texts: one that was interrupted says the same as one that was
 * not, and numbers that are put into stored runs come out as the effects they are. */
#include "base/fault.h"
#include "base/memory.h"
#include "study_case.h"
#include "toy_data.h"

#include <glob.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SEEDS = 3, CHOICE_SEED = 1 << 20 };

static hw_error error;

/* A callback that says no at its limit-th call. */
typedef struct patience {
    int calls, limit; /* limit 0: never */
    double overall;
} patience;

static bool count_call(void *user, const hw_progress *progress) {
    patience *p = user;
    assert_true(progress->overall >= 0 && progress->overall <= 1);
    p->overall = progress->overall;
    return ++p->calls != p->limit;
}

static hw_study_options study_of(const char *output, const char *claims) {
    return (hw_study_options){ .input = "data",
                               .output = output,
                               .claims = claims,
                               .level = HW_STUDY_QUICK,
                               .seeds = SEEDS,
                               .threads = 1 };
}

static void run_study(const hw_study_options *options) {
    if (hw_study(options, &error) != HW_OK) fail_msg("%s", error.message);
}

static void assert_same_file(const char *a, const char *b) {
    size_t first, second;
    unsigned char *left = toy_read(a, &first), *right = toy_read(b, &second);
    assert_int_equal(first, second);
    assert_memory_equal(left, right, first);
    hw_free(left);
    hw_free(right);
}

static void test_an_interrupted_study_goes_on_and_says_the_same(void **state) {
    (void)state;
    patience whole = { 0 }, part = { .limit = 5 };
    hw_study_options options = study_of("whole", "a,b d e,g");
    options.progress = count_call;
    options.user = &whole;
    run_study(&options);
    assert_true(whole.overall == 1);
    options.output = "parts";
    options.threads = 2;
    options.user = &part;
    int sessions = 1;
    for (hw_status status; (status = hw_study(&options, &error)) != HW_OK; sessions++) {
        assert_int_equal(status, HW_ERROR_STOPPED);
        assert_int_equal(error.status, HW_ERROR_STOPPED);
        assert_int_not_equal(access("parts/study.json", F_OK), 0);
        assert_int_equal(part.calls, part.limit);
        part = (patience){ .limit = part.limit + 12 };
    }
    assert_true(sessions > 2);
    assert_same_file("whole/study.json", "parts/study.json");
    assert_same_file("whole/verdicts.md", "parts/verdicts.md");
    part = (patience){ 0 }; /* with nothing left to do */
    run_study(&options);
    assert_true(part.calls < whole.calls / 2);
    assert_same_file("whole/study.json", "parts/study.json");
}

/* Of a program whose user writes 0,5; where no such locale is installed nothing is tested. */
static void test_a_comma_locale_changes_no_file(void **state) {
    (void)state;
    static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8",
                                         "pl_PL.UTF-8" };
    hw_study_options options = study_of("points", "ae");
    options.threads = 4;
    run_study(&options);
    const char *set = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !set; i++)
        set = setlocale(LC_NUMERIC, names[i]);
    if (!set) skip();
    options.output = "commas";
    run_study(&options);
    char text[8];
    snprintf(text, sizeof text, "%g", 0.5);
    setlocale(LC_NUMERIC, "C");
    assert_string_equal(text, "0,5"); /* the program's own numbers are as before */
    glob_t found;
    assert_int_equal(glob("commas/runs/*,*", 0, NULL, &found), GLOB_NOMATCH);
    assert_same_file("points/study.json", "commas/study.json");
    assert_same_file("points/verdicts.md", "commas/verdicts.md");
}

static void test_options_of_no_study_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *input, *output, *claims;
        int32_t seeds;
        double epsilon;
        hw_status status;
        const char *why;
    } cases[] = {
        { NULL, "out", NULL, 2, 0, HW_ERROR_ARGUMENT, "input" },
        { "data", NULL, NULL, 2, 0, HW_ERROR_ARGUMENT, "output" },
        { "data", "out", "a,x", 2, 0, HW_ERROR_ARGUMENT, "a,x" },
        { "data", "out", "", 2, 0, HW_ERROR_ARGUMENT, "claims" },
        { "data", "out", ",", 2, 0, HW_ERROR_ARGUMENT, "claims" },
        { "data", "out", "a", 1, 0, HW_ERROR_ARGUMENT, "seeds" },
        { "data", "out", "a", 65, 0, HW_ERROR_ARGUMENT, "seeds" },
        { "data", "out", "a", -2, 0, HW_ERROR_ARGUMENT, "seeds" },
        { "data", "out", "a", 2, -1, HW_ERROR_ARGUMENT, "epsilon" },
        { "data", "out", "a", 2, (double)NAN, HW_ERROR_ARGUMENT, "epsilon" },
        { "missing", "out", "a", 2, 0, HW_ERROR_IO, "missing" },
        { "data", "data", "a", 2, 0, HW_ERROR_IO, "not a folder" },
        { "data", "none/out", "a", 2, 0, HW_ERROR_IO, "none/out" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        hw_study_options options = study_of(cases[i].output, cases[i].claims);
        options.input = cases[i].input;
        options.seeds = cases[i].seeds;
        options.epsilon = cases[i].epsilon;
        assert_int_equal(hw_study(&options, &error), cases[i].status);
        assert_int_equal(error.status, cases[i].status);
        if (!strstr(error.message, cases[i].why)) fail_msg("%d: %s", (int)i, error.message);
        assert_int_not_equal(access("out", F_OK), 0);
    }
    hw_study_options options = study_of("out", "a");
    options.level = (hw_study_level)9;
    assert_int_equal(hw_study(&options, NULL), HW_ERROR_ARGUMENT);
}

static void test_a_study_of_texts_with_several_labels(void **state) {
    (void)state;
    toy_write("multi", (toy_shape){ .rows = 60, .labels = 3, .multi_label = true, .seed = 2 });
    hw_study_options options = study_of("several", "abef");
    options.input = "multi";
    options.seeds = 2;
    run_study(&options);
}

/* Of a label that only the test part has, nothing can be right. */
static void test_a_study_with_a_label_that_cannot_be_learned(void **state) {
    (void)state;
    toy_write_text("strange", "pos\tgood1 the2\nneg\tbad1 the1\nodd\tgood1 the2\nodd\tbad2\n");
    hw_study_options options = study_of("unlearned", "a");
    options.test = "strange";
    options.seeds = 2;
    run_study(&options);
    json_t *study = study_read_json("unlearned/study.json");
    assert_true(study_number(json_array_get(json_object_get(study, "claims"), 0), "multi") <= 50);
    json_decref(study);
}

/* ---- Numbers that are put in -------------------------------------------------------------- */

static int32_t heads_of(const char *folder) {
    char path[64];
    snprintf(path, sizeof path, "%s/study.json", folder);
    json_t *study = study_read_json(path);
    const int32_t heads = (int32_t)study_number(study, "heads");
    json_decref(study);
    return heads;
}

/* A stored run of the studies below. */
typedef struct place {
    const char *arm;
    int32_t heads, seed;
} place;

static void path_of(char path[128], const char *folder, place at) {
    snprintf(path, 128, "%s/runs/%s-h%d-rate1-dropout0.5-plain0-seed%d.json", folder, at.arm,
             (int)at.heads, (int)at.seed);
}

static void put(const char *folder, place at, const char *key, json_t *value) {
    char path[128];
    path_of(path, folder, at);
    json_t *stored = study_read_json(path);
    json_object_set_new(json_object_get(stored, "run"), key, value);
    study_write_json(path, stored);
}

/* As many scores as the test part has rows, of which the first `right` are 1. */
static json_t *scores(const char *folder, place at, size_t right) {
    char path[128];
    path_of(path, folder, at);
    json_t *stored = study_read_json(path), *list = json_array();
    const size_t rows = json_array_size(json_object_get(json_object_get(stored, "run"), "scores"));
    for (size_t row = 0; row < rows; row++) json_array_append_new(list, json_real(row < right));
    json_decref(stored);
    return list;
}

/* The claim's part of study.json, done anew. */
static json_t *claim_of(const char *folder, const char *letter) {
    const hw_study_options options = study_of(folder, letter);
    run_study(&options);
    char path[64];
    snprintf(path, sizeof path, "%s/study.json", folder);
    json_t *study = study_read_json(path);
    json_t *claim = json_incref(json_array_get(json_object_get(study, "claims"), 0));
    assert_string_equal(json_string_value(json_object_get(claim, "claim")), letter);
    json_decref(study);
    return claim;
}

static void assert_claim(const char *folder, const char *letter, double single, double multi,
                         double effect) {
    json_t *claim = claim_of(folder, letter);
    assert_true(fabs(study_number(claim, "single") - single) < 1e-6);
    assert_true(fabs(study_number(claim, "multi") - multi) < 1e-6);
    assert_true(fabs(study_number(claim, "effect") - effect) < 1e-6);
    json_decref(claim);
}

static void test_claim_a_is_the_mean_of_the_paired_differences(void **state) {
    (void)state;
    json_decref(claim_of("claim_a", "a"));
    const int32_t heads = heads_of("claim_a");
    for (int32_t seed = 1; seed <= SEEDS; seed++) {
        const place mh = { "MH", heads, seed }, sh = { "SH-A", heads, seed };
        put("claim_a", mh, "scores", scores("claim_a", mh, 18));
        put("claim_a", sh, "scores", scores("claim_a", sh, 9));
    }
    assert_claim("claim_a", "a", 50, 100, 50);
    put("claim_a", (place){ "MH", heads, 1 }, "scores",
        scores("claim_a", (place){ "MH", heads, 1 }, 9));
    assert_claim("claim_a", "a", 50, 250. / 3, 100. / 3);
}

static bool file_has(const char *path, const char *part) {
    size_t size;
    unsigned char *bytes = toy_read(path, &size);
    const bool has = memmem(bytes, size, part, strlen(part)) != NULL;
    hw_free(bytes);
    return has;
}

/* Whether claim a gets a verdict if MH has so many % more than SH-A. */
static bool is_judged(int32_t heads, double parameters, double operations) {
    for (int32_t seed = 1; seed <= SEEDS; seed++) {
        const place mh = { "MH", heads, seed }, sh = { "SH-A", heads, seed };
        put("unfair", sh, "dense_parameters", json_integer(100000));
        put("unfair", sh, "operations", json_real(1000));
        put("unfair", mh, "dense_parameters",
            json_integer((json_int_t)(1000 * (100 + parameters))));
        put("unfair", mh, "operations", json_real(10 * (100 + operations)));
    }
    json_t *claim = claim_of("unfair", "a");
    const char *verdict = json_string_value(json_object_get(claim, "verdict"));
    const char *refusal = json_string_value(json_object_get(claim, "refusal"));
    const bool refused = strcmp(verdict, "NOT COMPARABLE") == 0;
    assert_int_equal(refused, *refusal != '\0');
    assert_int_equal(refused, file_has("unfair/verdicts.md", "**NOT COMPARABLE**; The sides"));
    assert_int_equal(refused, file_has("unfair/report.html", "id=\"claim-a\"") &&
                                  file_has("unfair/report.html", "The sides do not match: "));
    json_decref(claim);
    return !refused;
}

static void test_sides_that_do_not_match_get_no_verdict(void **state) {
    (void)state;
    json_decref(claim_of("unfair", "a"));
    const int32_t heads = heads_of("unfair");
    assert_true(is_judged(heads, 0.9, 7.9));
    assert_true(is_judged(heads, -0.9, -7.9));
    assert_false(is_judged(heads, 1.1, 0));
    assert_false(is_judged(heads, 0, 8.1));
    assert_false(is_judged(heads, 0, -8.1));
    assert_true(is_judged(heads, 0, 0));
}

/* Of two labels, h = 16 has 1.5 % more parameters than SH-A: however good it is it is not chosen,
 * unless it matches. */
static void test_only_an_h_that_matches_is_chosen(void **state) {
    (void)state;
    const place many = { "MH", 16, CHOICE_SEED }, single = { "SH-A", 1, CHOICE_SEED };
    char path[128];
    json_decref(claim_of("chosen", "e"));
    put("chosen", many, "dev", json_pack("[[i, f]]", 8, 0.001));
    json_decref(claim_of("chosen", "e"));
    assert_int_not_equal(heads_of("chosen"), 16);
    path_of(path, "chosen", single);
    json_t *stored = study_read_json(path), *run = json_object_get(stored, "run");
    put("chosen", many, "dense_parameters", json_incref(json_object_get(run, "dense_parameters")));
    json_decref(stored);
    json_decref(claim_of("chosen", "e"));
    assert_int_equal(heads_of("chosen"), 16);
}

static size_t files_like(const char *pattern) {
    glob_t found = { 0 };
    const size_t count = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
    globfree(&found);
    return count;
}

/* pattern: of the file that is waited for. */
static bool until_there_is(void *pattern, const hw_progress *progress) {
    (void)progress;
    return files_like(pattern) == 0;
}

/* The study of the test before chose 16 heads; its towers of two labels would not match. */
static void test_16_heads_are_8_on_the_order_task(void **state) {
    (void)state;
    hw_study_options options = study_of("chosen", "h");
    options.progress = until_there_is;
    options.user = "chosen/runs/MH-*-order*";
    assert_int_equal(hw_study(&options, &error), HW_ERROR_STOPPED);
    assert_true(files_like("chosen/runs/MH-h8-*-order*") > 0);
    assert_int_equal(files_like("chosen/runs/MH-h16-*-order*"), 0);
}

/* Puts a trial of the order task there whose loss on the dev part is given. */
static void put_order_trial(const char *folder, place at, double rate, double dropout,
                            double loss) {
    char path[128];
    path_of(path, "chosen", (place){ "SH-A", 1, CHOICE_SEED });
    json_t *stored = study_read_json(path), *run = json_object_get(stored, "run");
    json_t *job = json_pack("{s:s, s:i, s:f, s:f, s:s, s:i, s:i}", "arm", at.arm, "heads",
                            (int)at.heads, "rate", rate, "dropout", dropout, "variant", "order",
                            "level", 16, "seed", (int)at.seed);
    json_object_set(json_object_get(stored, "origin"), "job", job);
    json_object_set_new(run, "job", job);
    json_object_set_new(run, "dev", json_pack("[[i, f]]", 8, loss));
    snprintf(path, sizeof path, "%s/runs/%s-h%d-rate%g-dropout%g-order16-seed%d.json", folder,
             at.arm, (int)at.heads, rate, dropout, (int)at.seed);
    study_write_json(path, stored);
}

/* On the order task rate and dropout are those that were best there, whatever they are on the
 * data. */
static void test_the_order_task_has_choices_of_its_own(void **state) {
    (void)state;
    static const char *const arms[] = { "MH", "SH-A", "SH-C", "H0" };
    static const double rates[] = { 0.5, 1, 2 }, dropouts[] = { 0.5, 0.3 };
    assert_int_equal(mkdir("order", 0777) | mkdir("order/runs", 0777), 0);
    for (size_t arm = 0; arm < 4; arm++)
        for (int32_t heads = 2; heads <= 8; heads *= 2)
            for (size_t i = 0; i < 6; i++) {
                const double rate = rates[i / 2], dropout = dropouts[i % 2];
                const bool is_best = rate == 2 && dropout == 0.3;
                put_order_trial("order", (place){ arms[arm], heads, CHOICE_SEED }, rate, dropout,
                                is_best ? 0.1 : 0.5);
            }
    hw_study_options options = study_of("order", "h");
    options.level = HW_STUDY_STANDARD;
    options.progress = until_there_is;
    options.user = "order/runs/*-order4-*";
    assert_int_equal(hw_study(&options, &error), HW_ERROR_STOPPED);
    assert_true(files_like("order/runs/*-rate2-dropout0.3-order4-*") > 0);
    assert_int_equal(files_like("order/runs/*-order4-*"),
                     files_like("order/runs/*-rate2-dropout0.3-order4-*"));
}

static void test_a_seed_of_which_a_side_diverged_does_not_count(void **state) {
    (void)state;
    json_decref(claim_of("diverged", "a"));
    const int32_t heads = heads_of("diverged");
    for (int32_t seed = 1; seed <= SEEDS; seed++) {
        const place mh = { "MH", heads, seed }, sh = { "SH-A", heads, seed };
        put("diverged", mh, "scores", scores("diverged", mh, 18));
        put("diverged", sh, "scores", scores("diverged", sh, 9));
    }
    put("diverged", (place){ "SH-A", heads, 2 }, "diverged", json_true());
    put("diverged", (place){ "H0", heads, 1 }, "diverged", json_true());
    json_t *claim = claim_of("diverged", "a");
    assert_true(study_number(claim, "effect") == 50);
    assert_true(study_number(claim, "seeds") == SEEDS - 1);
    json_decref(claim);
    put("diverged", (place){ "MH", heads, 1 }, "diverged", json_true());
    const hw_study_options options = study_of("diverged", "a");
    assert_int_equal(hw_study(&options, &error), HW_ERROR_DIVERGED);
    assert_non_null(strstr(error.message, "only 1 of"));
}

/* Seed 1 of h = 4 was so lucky on the dev part that h = 4 is chosen for the other seeds, and with
 * all three seeds it would be for all; without seed 1, h = 16 is better. */
static void test_claim_f_takes_the_h_that_is_best_for_the_other_seeds(void **state) {
    (void)state;
    json_decref(claim_of("claim_f", "f"));
    static const int32_t counts[] = { 1, 2, 4, 8, 16 };
    for (size_t i = 0; i < 5; i++)
        for (int32_t seed = 1; seed <= SEEDS; seed++) {
            const place at = { "MH", counts[i], seed };
            const double loss = counts[i] == 4 && seed == 1 ? 0 : counts[i] == 16 ? 0.61 : 0.9;
            put("claim_f", at, "dev", json_pack("[[I, f]]", (json_int_t)8, loss));
            put("claim_f", at, "scores", scores("claim_f", at, counts[i] == 16 ? 18 : 0));
        }
    assert_claim("claim_f", "f", 0, 100. / 3, 100. / 3);
    for (int32_t seed = 1; seed <= SEEDS; seed++)
        put("claim_f", (place){ "MH", 16, seed }, "diverged", json_true());
    assert_claim("claim_f", "f", 0, 0, 0);
}

static json_t *alike(size_t count, double value) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_real(value));
    return list;
}

/* On the dev part rollout is best for MH and norm for SH-A; that others are better on the test part
 * must not count. */
static void test_claim_d_takes_the_explanation_that_is_best_on_the_dev_part(void **state) {
    (void)state;
    static const char *const keys[] = { "naopc_attention",      "naopc_rollout",    "naopc_norm",
                                        "naopc_grad_attention", "naopc_grad_input", "naopc_loo",
                                        "naopc_random" };
    static const double test[] = { 0.9, 0.6, 0.4, 0.9, 0.95, 0.99, 0.35 };
    static const char *const arms[] = { "MH", "SH-A", "HU" };
    json_decref(claim_of("claim_d", "d"));
    const int32_t heads = heads_of("claim_d");
    for (int32_t seed = 1; seed <= SEEDS; seed++)
        for (int arm = 0; arm < 3; arm++) {
            const place at = { arms[arm], heads, seed };
            json_t *dev =
                json_pack("[f,f,f,f,f,f,f]", 0.1, arm ? 0.2 : 0.8, 0.5, 0.3, 0.9, 0.95, 0.99);
            put("claim_d", at, "naopc_dev", dev);
            for (int i = 0; i < 7; i++) put("claim_d", at, keys[i], alike(18, test[i]));
        }
    assert_claim("claim_d", "d", 40, 60, 20);
    json_t *claim = claim_of("claim_d", "d");
    const char *caution = json_string_value(json_object_get(claim, "caution"));
    assert_non_null(strstr(caution, "+25.0"));
    assert_null(strstr(caution, "does not say why"));
    assert_true(study_number(claim, "epsilon") == 2);
    json_decref(claim);
}

/* Of the 18 rows 12 are right with the texts' own gates, 9 with their means: the seeds of MH-gate
 * alone count, and MH stands beside it. */
static void test_claim_g_is_what_the_means_of_gates_lose(void **state) {
    (void)state;
    json_decref(claim_of("claim_g", "g"));
    const int32_t heads = heads_of("claim_g");
    for (int32_t seed = 1; seed <= SEEDS; seed++) {
        const place gate = { "MH-gate", heads, seed }, mh = { "MH", heads, seed };
        put("claim_g", gate, "scores", scores("claim_g", gate, 12));
        put("claim_g", gate, "scores_mean_gates", scores("claim_g", gate, 9));
        put("claim_g", gate, "scores_other_gates", scores("claim_g", gate, 6));
        put("claim_g", mh, "scores", scores("claim_g", mh, seed == 1 ? 0 : 12));
    }
    assert_claim("claim_g", "g", 50, 200. / 3, 50. / 3);
    json_t *claim = claim_of("claim_g", "g"), *tables = json_object_get(claim, "tables");
    const json_t *rows = json_object_get(json_array_get(tables, 0), "rows");
    static const char *const minus[] = { "", "+16.67", "+33.33", "+22.22" };
    for (size_t i = 0; i < 4; i++) {
        const char *cell = json_string_value(json_array_get(json_array_get(rows, i), 3));
        assert_memory_equal(cell, minus[i], strlen(minus[i]));
    }
    assert_non_null(strstr(json_string_value(json_object_get(claim, "caution")), "+22.22"));
    json_decref(claim);
}

/* The target is 0.9 * 0.05 + 0.1 ln 2 = 0.1143, between the second and the third point. */
static json_t *descent(int step) {
    return json_pack("[[i, f], [i, f], [i, f]]", step, 0.6, 2 * step, 0.1, 3 * step, 0.05);
}

static void test_claim_i_counts_doublings_of_speed(void **state) {
    (void)state;
    static const char *const arms[] = { "MH", "SH-A" };
    json_decref(claim_of("claim_i", "i"));
    const int32_t heads = heads_of("claim_i");
    for (int32_t seed = 1; seed <= SEEDS; seed++)
        for (int i = 0; i < 2; i++)
            put("claim_i", (place){ arms[i], heads, seed }, "dev", descent(i ? 20 : 10));
    const double target = 0.9 * 0.05 + 0.1 * log(2), share = (0.6 - target) / 0.5;
    assert_claim("claim_i", "i", 20 + 20 * share, 10 + 10 * share, 1);
    /* As if it had run as long as the longest, 60 steps, in vain. */
    put("claim_i", (place){ "MH", heads, 1 }, "diverged", json_true());
    json_t *claim = claim_of("claim_i", "i");
    const double lost = log2(20 + 20 * share) - log2(60);
    assert_true(fabs(study_number(claim, "effect") - (2 + lost) / 3) < 1e-6);
    json_decref(claim);
}

static void test_an_a_a_study_has_no_effect_of_what_is_counted(void **state) {
    (void)state;
    hw_study_options options = study_of("twins", "abdefgij");
    options.twins = true;
    run_study(&options);
    assert_int_not_equal(access("twins/runs/MH-h1-rate1-dropout0.5-plain0-seed1.json", F_OK), 0);
    json_t *study = study_read_json("twins/study.json"), *claims = json_object_get(study, "claims");
    for (size_t i = 0; i < json_array_size(claims); i++) {
        const char *verdict =
            json_string_value(json_object_get(json_array_get(claims, i), "verdict"));
        assert_true(strcmp(verdict, "NO DIFFERENCE") == 0 || strcmp(verdict, "INCONCLUSIVE") == 0);
    }
    assert_int_equal(json_array_size(claims), 8);
    assert_true(study_number(json_array_get(claims, 3), "effect") == 0); /* e */
    json_decref(study);
}

/* ---- Faults ------------------------------------------------------------------------------- */

/* Whatever fails, a study that is done is done again: its files are those of before. */
static void sweep(hw_fault kind, hw_status expected, const hw_study_options *options,
                  uint64_t least) {
    uint64_t failed = 0;
    for (uint64_t at = 1;; at += at < 60 ? 1 : 1 + at / 16) {
        hw_fault_arm(kind, at, false);
        const hw_status status = hw_study(options, &error);
        const uint64_t calls = hw_fault_calls(kind);
        hw_fault_arm(kind, 0, false);
        if (status != HW_OK && (status != expected || error.status != expected || !*error.message))
            fail_msg("call %d: %d, \"%s\"", (int)at, status, error.message);
        failed += status != HW_OK;
        if (calls < at) break;
    }
    assert_true(failed >= least);
    run_study(options);
    assert_same_file("faults/study.json", "before.json");
}

static void test_failures_of_a_study_are_told(void **state) {
    (void)state;
    hw_study_options options = study_of("faults", "e");
    options.seeds = 2;
    run_study(&options);
    assert_int_equal(rename("faults/study.json", "before.json"), 0);
    sweep(HW_FAULT_IO, HW_ERROR_IO, &options, 5);
    json_set_alloc_funcs(hw_malloc, hw_free);
    sweep(HW_FAULT_MEMORY, HW_ERROR_MEMORY, &options, 20);
    json_set_alloc_funcs(malloc, free);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_interrupted_study_goes_on_and_says_the_same),
        cmocka_unit_test(test_a_comma_locale_changes_no_file),
        cmocka_unit_test(test_options_of_no_study_are_refused),
        cmocka_unit_test(test_a_study_of_texts_with_several_labels),
        cmocka_unit_test(test_a_study_with_a_label_that_cannot_be_learned),
        cmocka_unit_test(test_claim_a_is_the_mean_of_the_paired_differences),
        cmocka_unit_test(test_sides_that_do_not_match_get_no_verdict),
        cmocka_unit_test(test_only_an_h_that_matches_is_chosen),
        cmocka_unit_test(test_16_heads_are_8_on_the_order_task),
        cmocka_unit_test(test_the_order_task_has_choices_of_its_own),
        cmocka_unit_test(test_a_seed_of_which_a_side_diverged_does_not_count),
        cmocka_unit_test(test_claim_f_takes_the_h_that_is_best_for_the_other_seeds),
        cmocka_unit_test(test_claim_d_takes_the_explanation_that_is_best_on_the_dev_part),
        cmocka_unit_test(test_claim_g_is_what_the_means_of_gates_lose),
        cmocka_unit_test(test_claim_i_counts_doublings_of_speed),
        cmocka_unit_test(test_an_a_a_study_has_no_effect_of_what_is_counted),
        cmocka_unit_test(test_failures_of_a_study_are_told),
    };
    return cmocka_run_group_tests(tests, study_enter_folder, toy_leave_folder);
}
