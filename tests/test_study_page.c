/* The page of a study: whatever labels and file names are, it is one well-formed document that
 * fetches nothing, and what it says in English it says in Chinese. */
#include "base/fault.h"
#include "study/chinese.h"
#include "study/evidence.h"
#include "study/page.h"
#include "study/plot.h"
#include "study/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HOSTILE "<img src=x onerror=alert(1)>&\"'</script>"

static hw_error error;
static char folder[] = "/tmp/headwise-page-XXXXXX";

/* ---- A study without trainings ------------------------------------------------------------- */

typedef struct made_study {
    hw_study_options options;
    hw_experiment study;
    hw_results results;
    char data[sizeof folder + 16];
} made_study;

static hw_dataset *load(const char *path) {
    hw_dataset *dataset = hw_dataset_load(path, &(hw_reader_options){ 0 }, &error);
    assert_non_null(dataset);
    return dataset;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void add_tables(hw_claim_result *results) {
    json_t *table = hw_table_add(&results[HW_CLAIM_f], "Score by the number of heads",
                                 "h|width of a head|score");
    hw_table_row(table, &error, "%d|%d|%.2f +- %.2f", 1, 64, 80.0, 1.0);
    hw_table_row(table, &error, "%d|%d|%.2f +- %.2f", 4, 16, 82.0, 1.0);
    table = hw_table_add(&results[HW_CLAIM_b], "Score under corruption of 5 and 20 % of a text",
                         "corruption|MH, 5 %|SH-A, 5 %|MH, 20 %|SH-A, 20 %");
    hw_table_row(table, &error, "swap|80.10|79.00|70.00|nan");
    hw_table_row(table, &error, "word drop|81.10|79.50|71.00|60.00");
    table = hw_table_add(&results[HW_CLAIM_i], HOSTILE, "times the default rate|MH|SH-A|" HOSTILE);
    hw_table_row(table, &error, "0.1|0.5|0.6|0.7");
    hw_table_row(table, &error, "1|0.4|-|0.5");
    hw_table_row(table, &error, "10|0.6|0.9|inf");
}

/* Claim i is made of differences that say the i-th verdict, in the order of their list. */
static void judge_all(hw_results *results) {
    static const hw_crossed effects[HW_CLAIMS] = {
        { .seeds = 10, .rows = 100, .effect = 3, .by_seed = 0.01, .by_row = 0.01 },
        { .seeds = 10, .rows = 100, .effect = 0.4, .by_seed = 0.0001, .by_row = 0.0001 },
        { .seeds = 10, .rows = 100, .effect = -30, .by_seed = 0.01, .by_row = 0.01 },
        { .seeds = 10, .rows = 100, .effect = 0.1, .by_seed = 0.004, .by_row = 0.004 },
        { .seeds = 10, .rows = 100, .effect = 0.1, .by_seed = 0.5, .by_row = 0.01 },
        { .seeds = 1, .effect = 0.2 },
        { .seeds = 10, .effect = 0 },
        { .seeds = 10, .effect = 0 },
        { .seeds = 10, .effect = 0 },
        { .seeds = 10, .effect = 0 },
    };
    hw_finding findings[HW_CLAIMS];
    double epsilons[HW_CLAIMS];
    for (size_t i = 0; i < HW_CLAIMS; i++) epsilons[i] = 1;
    hw_findings_judge(findings, effects, epsilons, HW_CLAIMS);
    for (size_t i = 0; i < HW_CLAIMS; i++) {
        results->ids[i] = (hw_claim_id)i;
        results->items[i].finding = findings[i];
    }
    results->count = HW_CLAIMS;
}

static void make_study(made_study *made) {
    *made = (made_study){ 0 };
    snprintf(made->data, sizeof made->data, "%s/data.tsv", folder);
    write_file(made->data, HOSTILE "\ta text\n" HOSTILE "\tanother\nother\tthird\n");
    made->options = (hw_study_options){
        .input = HOSTILE, .valid = "b\x01\xff", .test = "http://test", .output = folder
    };
    made->study = (hw_experiment){ .options = &made->options, .seeds = 2, .heads = 4 };
    made->study.parts = (hw_parts){ load(made->data), load(made->data), load(made->data) };
    made->study.runs =
        hw_runs_new(&(hw_runs_options){ .parts = &made->study.parts, .folder = folder }, &error);
    assert_non_null(made->study.runs);
    judge_all(&made->results);
    add_tables(made->results.items);
    snprintf(made->results.items[0].caution, sizeof made->results.items[0].caution, HOSTILE);
}

static void free_study(made_study *made) {
    for (size_t i = 0; i < HW_CLAIMS; i++) json_decref(made->results.items[i].tables);
    hw_runs_free(made->study.runs);
    hw_parts_free(&made->study.parts);
}

/* The page that is there; allocated. */
static char *read_page(void) {
    char path[sizeof folder + 16];
    snprintf(path, sizeof path, "%s/report.html", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *page = calloc(1, 1 << 20);
    assert_non_null(page);
    assert_true(fread(page, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return page;
}

/* Allocated. */
static char *page_of_study(void) {
    static made_study made;
    make_study(&made);
    assert_int_equal(hw_report_html(&made.study, &made.results, &error), HW_OK);
    free_study(&made);
    return read_page();
}

/* ---- Reading the page ---------------------------------------------------------------------- */

typedef struct tag {
    char name[16];
    const char *text; /* of the whole tag, [length] */
    size_t length;
} tag;

/* The next tag at or after text; false: none is left. Every < begins one. */
static bool next_tag(tag *found, const char *text) {
    const char *start = strchr(text, '<'), *end = start ? strchr(start, '>') : NULL;
    assert_true(!start || end);
    if (!start) return false;
    *found = (tag){ .text = start, .length = (size_t)(end + 1 - start) };
    return sscanf(start, "<%15[!/a-z0-9]", found->name) == 1;
}

static bool has(const tag *t, const char *part) {
    return memmem(t->text, t->length, part, strlen(part)) != NULL;
}

static bool is_alone(const tag *t) {
    return has(t, "/>") || strcmp(t->name, "!doctype") == 0 || strcmp(t->name, "meta") == 0 ||
           strcmp(t->name, "input") == 0 || strcmp(t->name, "br") == 0;
}

static void test_page_closes_every_tag_it_opens(void **state) {
    (void)state;
    char *page = page_of_study(), open[32][16];
    size_t depth = 0, tags = 0;
    tag t;
    for (const char *text = page; next_tag(&t, text); text = t.text + t.length, tags++) {
        if (t.name[0] == '/') {
            assert_true(depth > 0);
            assert_string_equal(t.name + 1, open[--depth]);
        } else if (!is_alone(&t)) {
            assert_true(depth < 32);
            memcpy(open[depth++], t.name, sizeof t.name);
        }
    }
    assert_int_equal(depth, 0);
    assert_true(tags > 500);
    free(page);
}

static void test_page_fetches_nothing(void **state) {
    (void)state;
    static const char *const fetching[] = { "src=",    "srcset=", "url(",  "@import",
                                            "<link",   "<iframe", "<base", "<form",
                                            "<object", "<use",    "<image" };
    char *page = page_of_study();
    tag t;
    for (const char *text = page; next_tag(&t, text); text = t.text + t.length) {
        for (size_t i = 0; i < sizeof fetching / sizeof *fetching; i++)
            assert_false(has(&t, fetching[i]));
        if (has(&t, "href=")) assert_true(has(&t, "href=\"#claim-"));
    }
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "@import"));
    assert_non_null(strstr(page, "default-src 'none'"));
    free(page);
}

static void test_page_shows_hostile_names_as_text(void **state) {
    (void)state;
    char *page = page_of_study();
    size_t escaped = 0;
    const char *inert = "&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;&lt;/script&gt;";
    for (const char *at = page; (at = strstr(at, inert)); at++) escaped++;
    assert_int_equal(escaped, 6); /* file, label, caution, title, column; in the plot */
    assert_null(strstr(page, "<img"));
    assert_non_null(strstr(page, "b\xef\xbf\xbd\xef\xbf\xbd</bdi>"));
    free(page);
}

static void test_page_gives_every_claim_its_verdict(void **state) {
    (void)state;
    char *page = page_of_study();
    static const char *const verdicts[] = { "v0\"><span lang=\"en\">SUPPORTED<",
                                            "v1\"><span lang=\"en\">SUPPORTED-BUT-SMALL<",
                                            "v2\"><span lang=\"en\">REFUTED<",
                                            "v3\"><span lang=\"en\">NO DIFFERENCE<",
                                            "v4\"><span lang=\"en\">INCONCLUSIVE<" };
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        char section[40];
        snprintf(section, sizeof section, "id=\"claim-%c\"", hw_claims[i].letter);
        const char *start = strstr(page, section), *badge = start ? strstr(start, "badge") : NULL;
        assert_non_null(badge);
        assert_int_equal(strncmp(badge + strlen("badge "), verdicts[i], strlen(verdicts[i])), 0);
    }
    assert_non_null(strstr(page, "It would take "));
    free(page);
}

/* Each allocation fails in turn. */
static void test_page_stays_as_it_was_without_memory(void **state) {
    (void)state;
    static made_study made;
    make_study(&made);
    assert_int_equal(hw_report_html(&made.study, &made.results, &error), HW_OK);
    char *before = read_page();
    made.study.seeds++; /* is said in the page */
    hw_status status = HW_ERROR_MEMORY;
    for (uint64_t at = 1; status != HW_OK; at++) {
        char *after = read_page();
        assert_string_equal(after, before);
        free(after);
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        status = hw_report_html(&made.study, &made.results, &error);
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        assert_true(status == HW_OK || (status == HW_ERROR_MEMORY && at < 100));
    }
    char *after = read_page();
    assert_string_not_equal(after, before);
    free(after);
    free(before);
    free_study(&made);
}

/* ---- Chinese ------------------------------------------------------------------------------- */

static void assert_translated(const char *english) {
    char chinese[1024];
    if (!hw_chinese(chinese, sizeof chinese, english)) fail_msg("no Chinese of \"%s\"", english);
}

static void test_claims_and_arms_have_chinese(void **state) {
    (void)state;
    for (size_t i = 0; i < HW_CLAIMS; i++) {
        char title[100];
        snprintf(title, sizeof title, "Multi-head attention %s", hw_claims[i].title);
        assert_translated(title);
        assert_translated(hw_claims[i].title);
        assert_translated(hw_claims[i].measured);
        assert_translated(hw_claims[i].predicted);
        if (strcmp(hw_claims[i].unit, "%") != 0) assert_translated(hw_claims[i].unit);
    }
    for (hw_arm arm = 0; arm < HW_ARMS; arm++) assert_translated(hw_arm_what(arm));
}

static void test_chinese_keeps_numbers(void **state) {
    (void)state;
    char chinese[200], little[8];
    assert_true(hw_chinese(chinese, sizeof chinese, "It would take 37 seeds, or 5000 test texts."));
    assert_string_equal(chinese, "约需 37 个随机种子，或 5000 条测试文本。");
    assert_true(hw_chinese(chinese, sizeof chinese, "-0.50 to +1.25"));
    assert_string_equal(chinese, "-0.50 至 +1.25");
    assert_true(hw_chinese(chinese, sizeof chinese,
                           "The two sides are steps (geometric means); the target is a log-loss of "
                           "0.231."));
    assert_non_null(strstr(chinese, " 0.231。"));
    assert_true(hw_chinese(little, sizeof little, "It would take 123456789 seeds."));
    assert_int_equal(strlen(little), 7);
    assert_false(hw_chinese(chinese, sizeof chinese, "It would take many seeds."));
    assert_false(hw_chinese(chinese, sizeof chinese, "80.25"));
}

/* ---- Axes ---------------------------------------------------------------------------------- */

static void test_axis_places_values(void **state) {
    (void)state;
    const hw_axis linear = { .low = -2, .high = 2, .from = 100, .to = 500 };
    const hw_axis logarithmic = { .low = 1, .high = 16, .is_log = true, .from = 400, .to = 0 };
    assert_int_equal(hw_axis_at(&linear, -1), 200);
    assert_int_equal(hw_axis_at(&linear, 7), 500);
    assert_int_equal(hw_axis_at(&linear, -INFINITY), 100);
    assert_int_equal(hw_axis_at(&logarithmic, 4), 200);
    assert_int_equal(hw_axis_at(&logarithmic, 8), 100);
}

static void test_ticks_are_round_and_few(void **state) {
    (void)state;
    static const double ends[][2] = { { -2, 2 }, { 79.3, 82.1 }, { 0.0031, 0.0347 }, { 0, 100 } };
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const hw_axis axis = { .low = ends[i][0], .high = ends[i][1] };
        double ticks[HW_PLOT_TICKS];
        const size_t count = hw_axis_ticks(ticks, &axis);
        assert_in_range(count, 3, HW_PLOT_TICKS);
        assert_true(ticks[0] >= axis.low && ticks[count - 1] <= axis.high);
    }
    const hw_axis axis = { .low = -2, .high = 2 };
    double ticks[HW_PLOT_TICKS];
    assert_int_equal(hw_axis_ticks(ticks, &axis), 5);
    assert_float_equal(ticks[1], -1, 1e-9);
}

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const names[] = { "data.tsv", "report.html" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[sizeof folder + 16];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_closes_every_tag_it_opens),
        cmocka_unit_test(test_page_fetches_nothing),
        cmocka_unit_test(test_page_shows_hostile_names_as_text),
        cmocka_unit_test(test_page_gives_every_claim_its_verdict),
        cmocka_unit_test(test_page_stays_as_it_was_without_memory),
        cmocka_unit_test(test_claims_and_arms_have_chinese),
        cmocka_unit_test(test_chinese_keeps_numbers),
        cmocka_unit_test(test_axis_places_values),
        cmocka_unit_test(test_ticks_are_round_and_few),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
