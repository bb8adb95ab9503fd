/* base: memory, messages, growing text, random numbers, checksums, threads, CPU count. */
#include "base/checksum.h"
#include "base/dropout.h"
#include "base/error.h"
#include "base/fault.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text_buffer.h"
#include "base/threads.h"

#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* ---- Memory ---- */

static void test_mul_size_refuses_overflow(void **state) {
    (void)state;
    size_t product = 7;
    assert_true(hw_mul_size(&product, 6, 7));
    assert_int_equal(product, 42);
    assert_true(hw_mul_size(&product, SIZE_MAX, 0));
    assert_int_equal(product, 0);
    assert_true(hw_mul_size(&product, SIZE_MAX, 1));
    product = 7;
    assert_false(hw_mul_size(&product, SIZE_MAX / 2 + 1, 2));
    assert_false(hw_mul_size(&product, (size_t)1 << 32, (size_t)1 << 32));
    assert_int_equal(product, 7);
}

static void test_malloc_aligns_large_blocks(void **state) {
    (void)state;
    for (size_t bytes = 0; bytes < 300; bytes++) {
        char *block = hw_malloc(bytes);
        assert_non_null(block);
        if (bytes >= 64) assert_int_equal((uintptr_t)block % 64, 0);
        memset(block, 1, bytes);
        hw_free(block);
    }
    hw_free(NULL);
}

static void test_calloc_zeroes_and_refuses_overflow(void **state) {
    (void)state;
    unsigned char *block = hw_calloc(100, 3);
    assert_non_null(block);
    for (int i = 0; i < 300; i++) assert_int_equal(block[i], 0);
    hw_free(block);
    assert_null(hw_calloc(SIZE_MAX / 2, 3));
}

static void test_realloc_keeps_content_and_alignment(void **state) {
    (void)state;
    unsigned char *block = hw_realloc(NULL, 0, 10);
    assert_non_null(block);
    for (unsigned char i = 0; i < 10; i++) block[i] = i;
    block = hw_realloc(block, 10, 1000);
    assert_non_null(block);
    assert_int_equal((uintptr_t)block % 64, 0);
    for (unsigned char i = 0; i < 10; i++) assert_int_equal(block[i], i);
    block = hw_realloc(block, 1000, 5);
    assert_non_null(block);
    for (unsigned char i = 0; i < 5; i++) assert_int_equal(block[i], i);
    hw_free(block);
}

static void test_strndup_ends_in_nul(void **state) {
    (void)state;
    char *copy = hw_strndup("headwise", 4);
    assert_string_equal(copy, "head");
    hw_free(copy);
    copy = hw_strndup(NULL, 0);
    assert_string_equal(copy, "");
    hw_free(copy);
    assert_null(hw_strndup("", SIZE_MAX));
}

static void test_grow_doubles_or_changes_nothing(void **state) {
    (void)state;
    void *block = NULL;
    size_t capacity = 0;
    assert_true(hw_grow(&block, &capacity, 3, 8));
    assert_int_equal(capacity, 3);
    memcpy(block, "abcdefghijklmnopqrstuvw", 24);
    assert_true(hw_grow(&block, &capacity, 4, 8));
    assert_int_equal(capacity, 6);
    assert_memory_equal(block, "abcdefghijklmnopqrstuvw", 24);
    assert_true(hw_grow(&block, &capacity, 6, 8));
    assert_int_equal(capacity, 6);

    const void *before = block;
    assert_false(hw_grow(&block, &capacity, SIZE_MAX / 4, 8));
    hw_fault_arm(HW_FAULT_MEMORY, 1, false);
    assert_false(hw_grow(&block, &capacity, 7, 8));
    hw_fault_arm(HW_FAULT_MEMORY, 0, false);
    assert_ptr_equal(block, before);
    assert_int_equal(capacity, 6);
    hw_free(block);
}

static void test_fault_hits_once_or_persistently(void **state) {
    (void)state;
    hw_fault_arm(HW_FAULT_MEMORY, 2, false);
    const bool once[4] = { false, true, false, false };
    for (int i = 0; i < 4; i++) assert_int_equal(hw_fault_hits(HW_FAULT_MEMORY), once[i]);
    assert_int_equal(hw_fault_calls(HW_FAULT_MEMORY), 4);

    hw_fault_arm(HW_FAULT_MEMORY, 3, true);
    const bool persistent[4] = { false, false, true, true };
    for (int i = 0; i < 4; i++) assert_int_equal(hw_fault_hits(HW_FAULT_MEMORY), persistent[i]);
    hw_fault_arm(HW_FAULT_MEMORY, 0, false);
}

/* ---- Errors ---- */

static void test_fail_fills_one_line(void **state) {
    (void)state;
    hw_error err;
    assert_int_equal(hw_fail(&err, HW_ERROR_FORMAT, "%s: line %d", "a\nb\x1b[2J", 3),
                     HW_ERROR_FORMAT);
    assert_int_equal(err.status, HW_ERROR_FORMAT);
    assert_string_equal(err.message, "a?b?[2J: line 3");
    assert_int_equal(hw_fail(NULL, HW_ERROR_IO, "nobody reads this"), HW_ERROR_IO);
}

static void test_fail_cuts_between_characters(void **state) {
    (void)state;
    char text[1024] = "";
    for (int shift = 0; shift < 4; shift++) {
        memset(text, 'x', (size_t)shift);
        for (size_t i = (size_t)shift; i + 4 < sizeof text; i += 4) memcpy(text + i, "😀", 5);
        hw_error err;
        hw_fail(&err, HW_ERROR_FORMAT, "%s", text);
        const size_t length = strlen(err.message);
        assert_in_range(length, sizeof err.message - 4, sizeof err.message - 1);
        assert_int_equal((length - (size_t)shift) % 4, 0);
    }
    memset(text, 'y', sizeof text - 1);
    hw_error err;
    hw_fail(&err, HW_ERROR_FORMAT, "%s", text);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

static void test_status_text_names_every_status(void **state) {
    (void)state;
    assert_string_equal(hw_status_text(HW_OK), "success");
    assert_string_equal(hw_status_text(HW_ERROR_MEMORY), "out of memory");
    assert_string_equal(hw_status_text((hw_status)999), "unknown status");
    assert_string_equal(hw_version(), HW_VERSION);
}

/* ---- Growing text ---- */

static void test_text_buffer_appends(void **state) {
    (void)state;
    hw_text_buffer text = { 0 };
    hw_text_append(&text, NULL, 0);
    assert_string_equal(text.bytes, "");
    for (int i = 0; i < 1000; i++) hw_text_printf(&text, "%d,", i);
    hw_text_append(&text, "a\0b", 3);
    assert_false(text.failed);
    assert_int_equal(text.length, 3893);
    assert_memory_equal(text.bytes, "0,1,2,3,", 8);
    assert_memory_equal(text.bytes + text.length - 7, "999,a\0b", 8);
    hw_text_buffer_free(&text);
    assert_null(text.bytes);
}

static void test_markup_has_entities(void **state) {
    (void)state;
    assert_string_equal(hw_html_entity('&'), "&amp;");
    assert_string_equal(hw_html_entity('<'), "&lt;");
    assert_string_equal(hw_html_entity('>'), "&gt;");
    assert_string_equal(hw_html_entity('"'), "&quot;");
    assert_string_equal(hw_html_entity('\''), "&#39;");
    assert_null(hw_html_entity('a'));
    assert_null(hw_html_entity('\n'));
    assert_null(hw_html_entity(0x1f600));
}

static void test_text_buffer_keeps_text_on_failure(void **state) {
    (void)state;
    hw_text_buffer text = { 0 };
    hw_text_append(&text, "kept", 4);
    hw_fault_arm(HW_FAULT_MEMORY, 1, false);
    hw_text_printf(&text, "%s", "more than there is room for");
    hw_fault_arm(HW_FAULT_MEMORY, 0, false);
    hw_text_append(&text, "!", 1);
    assert_true(text.failed);
    assert_string_equal(text.bytes, "kept");
    hw_text_buffer_free(&text);
}

/* ---- Random numbers ---- */

static void test_random_values_are_pinned(void **state) {
    (void)state;
    /* SplitMix64 from state 0 gives this first (Vigna's reference program). */
    assert_true(hw_mix64(0) == 0xe220a8397b1dcdafu);
    assert_true(hw_random_bits(1, 2, 3) != hw_random_bits(1, 2, 4));
    assert_true(hw_random_bits(1, 2, 3) != hw_random_bits(1, 3, 3));
    assert_true(hw_random_bits(1, 2, 3) != hw_random_bits(2, 2, 3));
}

static void test_random_normal_agrees_with_libm(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        const uint64_t bits = hw_random_bits(5, 6, i);
        const double u = (double)((bits >> 11) + 1) * 0x1p-53;
        const double turn = (double)(hw_mix64(bits) >> 11) * 0x1p-53;
        const double expected = sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * turn);
        const double error = fabs((double)hw_random_normal(5, 6, i) - expected);
        assert_true(error <= 6e-8 * fabs(expected) + 1e-14);
    }
}

static void test_random_normal_has_normal_moments(void **state) {
    (void)state;
    enum { DRAWS = 200000 };
    double sum = 0, squares = 0, fourths = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        const double x = (double)hw_random_normal(7, 8, i);
        sum += x;
        squares += x * x;
        fourths += x * x * x * x;
    }
    assert_true(fabs(sum / DRAWS) < 0.01);
    assert_true(fabs(squares / DRAWS - 1) < 0.015);
    assert_true(fabs(fourths / DRAWS - 3) < 0.12);
}

static void test_random_uniform_and_below_stay_in_range(void **state) {
    (void)state;
    uint32_t counts[7] = { 0 };
    for (uint64_t i = 0; i < 70000; i++) {
        const float x = hw_random_uniform(1, 1, i);
        assert_true(x >= 0 && x < 1);
        counts[hw_random_below(1, 2, i, 7)]++;
    }
    for (int i = 0; i < 7; i++) assert_in_range(counts[i], 9600, 10400);
}

static void test_shuffle_permutes_every_order(void **state) {
    (void)state;
    uint32_t seen[6] = { 0 };
    for (uint64_t seed = 0; seed < 6000; seed++) {
        uint32_t order[3] = { 0, 1, 2 };
        hw_random_shuffle(order, 3, seed, 9);
        assert_int_equal(order[0] + order[1] + order[2], 3);
        assert_true(order[0] != order[1] && order[1] != order[2]);
        seen[order[0] * 2 + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++) assert_in_range(seen[i], 850, 1150);
    hw_random_shuffle(NULL, 0, 1, 1);
}

/* ---- Checksums ---- */

static void test_crc32c_gives_published_values(void **state) {
    (void)state;
    unsigned char bytes[32];
    assert_int_equal(hw_crc32c(0, "123456789", 9), 0xe3069283u);
    assert_int_equal(hw_crc32c_by_table(0, "123456789", 9), 0xe3069283u);
    memset(bytes, 0, sizeof bytes); /* RFC 3720 B.4 */
    assert_int_equal(hw_crc32c(0, bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(hw_crc32c(0, bytes, 32), 0x62a8ab43u);
    for (unsigned char i = 0; i < 32; i++) bytes[i] = i;
    assert_int_equal(hw_crc32c(0, bytes, 32), 0x46dd794eu);
    assert_int_equal(hw_crc32c(0, NULL, 0), 0);
}

static void test_crc32c_agrees_with_table_at_any_length_and_place(void **state) {
    (void)state;
    enum { BYTES = 100000 };
    unsigned char *bytes = hw_malloc(BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < BYTES; i++) bytes[i] = (unsigned char)hw_random_bits(1, 2, i);
    for (size_t length = 0; length < 300; length++) {
        assert_int_equal(hw_crc32c(3, bytes + 1, length), hw_crc32c_by_table(3, bytes + 1, length));
    }
    for (size_t length = 16300; length < BYTES - 8; length += 977) {
        const size_t start = length % 8, half = length / 3;
        const uint32_t whole = hw_crc32c(0, bytes + start, length);
        assert_int_equal(whole, hw_crc32c_by_table(0, bytes + start, length));
        const uint32_t first = hw_crc32c(0, bytes + start, half);
        assert_int_equal(whole, hw_crc32c(first, bytes + start + half, length - half));
    }
    hw_free(bytes);
}

/* ---- Threads ---- */

typedef struct tally {
    int32_t threads;
    unsigned char *runs;    /* [tasks] */
    size_t *sums_by_worker; /* [threads] */
} tally;

static void count_task(void *context, size_t task, int32_t worker) {
    tally *all = context;
    if (worker < 0 || worker >= all->threads) return; /* shows as a task that did not run */
    all->runs[task]++;
    all->sums_by_worker[worker] += task;
}

static void run_and_check(hw_pool *pool, size_t tasks) {
    const int32_t threads = hw_pool_threads(pool);
    tally all = { threads, calloc(tasks + 1, 1), calloc((size_t)threads, sizeof(size_t)) };
    hw_pool_run(pool, tasks, count_task, &all);
    size_t sum = 0;
    for (int32_t i = 0; i < threads; i++) sum += all.sums_by_worker[i];
    for (size_t i = 0; i < tasks; i++) assert_int_equal(all.runs[i], 1);
    if (tasks > 0) assert_int_equal(sum, tasks * (tasks - 1) / 2);
    free(all.runs);
    free(all.sums_by_worker);
}

static void test_pool_runs_every_task_once(void **state) {
    (void)state;
    for (int32_t threads = 1; threads <= 8; threads++) {
        hw_pool *pool = hw_pool_new(threads, NULL);
        assert_non_null(pool);
        assert_int_equal(hw_pool_threads(pool), threads);
        for (size_t tasks = 0; tasks < 40; tasks++) run_and_check(pool, tasks);
        run_and_check(pool, 5000);
        hw_pool_free(pool);
    }
    assert_int_equal(hw_pool_threads(NULL), 1);
    run_and_check(NULL, 10);
    hw_pool_free(NULL);
}

/* Ends when another thread runs the other task, or after two seconds. */
static void meet(void *context, size_t task, int32_t worker) {
    (void)task;
    (void)worker;
    atomic_int *arrived = context;
    atomic_fetch_add(arrived, 1);
    for (int i = 0; i < 2000 && atomic_load(arrived) % 2 != 0; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    if (atomic_load(arrived) % 2 != 0) atomic_fetch_add(arrived, 1000);
}

static void test_pool_wakes_sleeping_workers(void **state) {
    (void)state;
    hw_pool *pool = hw_pool_new(2, NULL);
    assert_non_null(pool);
    atomic_int arrived = 0;
    for (int i = 1; i <= 20; i++) {
        nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
        hw_pool_run(pool, 2, meet, &arrived);
        assert_int_equal(arrived, 2 * i);
    }
    hw_pool_free(pool);
}

/* A long task on one worker: the caller must sleep and be woken. */
static void sleep_in_first_task(void *context, size_t task, int32_t worker) {
    (void)worker;
    if (task == 0) nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
    atomic_fetch_add((atomic_int *)context, 1);
}

static void test_pool_waits_for_slow_tasks(void **state) {
    (void)state;
    hw_pool *pool = hw_pool_new(3, NULL);
    assert_non_null(pool);
    for (int i = 0; i < 50; i++) {
        atomic_int done = 0;
        hw_pool_run(pool, 4, sleep_in_first_task, &done);
        assert_int_equal(done, 4);
    }
    hw_pool_free(pool);
}

static void add_one(void *context, size_t task, int32_t worker) {
    (void)worker;
    ((uint32_t *)context)[task]++;
}

static void test_pool_survives_many_short_jobs(void **state) {
    (void)state;
    enum { JOBS = 20000, TASKS = 5 };
    hw_pool *pool = hw_pool_new(2, NULL);
    assert_non_null(pool);
    uint32_t counts[TASKS] = { 0 };
    for (int i = 0; i < JOBS; i++) hw_pool_run(pool, TASKS, add_one, counts);
    for (int i = 0; i < TASKS; i++) assert_int_equal(counts[i], JOBS);
    hw_pool_free(pool);
}

static void test_pool_that_cannot_start_fails_cleanly(void **state) {
    (void)state;
    for (uint64_t at = 1; at <= 5; at++) { /* two blocks, three threads */
        hw_error err = { 0 };
        hw_fault_arm(HW_FAULT_MEMORY, at, false);
        assert_null(hw_pool_new(4, &err));
        hw_fault_arm(HW_FAULT_MEMORY, 0, false);
        assert_int_equal(err.status, HW_ERROR_MEMORY);
    }
}

/* ---- CPUs ---- */

static void test_cpu_count_follows_affinity(void **state) {
    (void)state;
    cpu_set_t all, one;
    assert_true(hw_cpu_count() >= 1);
    if (sched_getaffinity(0, sizeof all, &all) != 0) skip();
    assert_true(hw_cpu_count() <= CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &one);
    }
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(hw_cpu_count(), 1);
    sched_setaffinity(0, sizeof all, &all);
}

static void test_dropout_of_four_is_that_of_each(void **state) {
    (void)state;
    static const float rates[] = { 0, 0.1f, 0.5f, 0.9f };
    size_t dropped = 0;
    for (size_t i = 0; i < 4000; i++) {
        const hw_dropout dropout = hw_dropout_of(rates[i % 4]);
        uint64_t bits = hw_random_bits(1, 2, i);
        if (i % 3 == 0) bits = (bits & ~(uint64_t)0xffff) | dropout.threshold; /* the least kept */
        if (i % 3 == 1 && dropout.threshold) bits = (bits << 16) | (dropout.threshold - 1);
        float x[4] = { -1, 0.3f, (float)i, -0.0f }, y[4];
        memcpy(y, x, sizeof y);
        hw_drop_some(x, 4, &dropout, bits);
        hw_drop_four(y, &dropout, bits);
        assert_memory_equal(x, y, sizeof x);
        dropped += y[0] == 0;
    }
    assert_true(dropped > 1000 && dropped < 3000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mul_size_refuses_overflow),
        cmocka_unit_test(test_malloc_aligns_large_blocks),
        cmocka_unit_test(test_calloc_zeroes_and_refuses_overflow),
        cmocka_unit_test(test_realloc_keeps_content_and_alignment),
        cmocka_unit_test(test_strndup_ends_in_nul),
        cmocka_unit_test(test_grow_doubles_or_changes_nothing),
        cmocka_unit_test(test_fault_hits_once_or_persistently),
        cmocka_unit_test(test_fail_fills_one_line),
        cmocka_unit_test(test_fail_cuts_between_characters),
        cmocka_unit_test(test_status_text_names_every_status),
        cmocka_unit_test(test_text_buffer_appends),
        cmocka_unit_test(test_markup_has_entities),
        cmocka_unit_test(test_text_buffer_keeps_text_on_failure),
        cmocka_unit_test(test_dropout_of_four_is_that_of_each),
        cmocka_unit_test(test_random_values_are_pinned),
        cmocka_unit_test(test_random_normal_agrees_with_libm),
        cmocka_unit_test(test_random_normal_has_normal_moments),
        cmocka_unit_test(test_random_uniform_and_below_stay_in_range),
        cmocka_unit_test(test_shuffle_permutes_every_order),
        cmocka_unit_test(test_crc32c_gives_published_values),
        cmocka_unit_test(test_crc32c_agrees_with_table_at_any_length_and_place),
        cmocka_unit_test(test_pool_runs_every_task_once),
        cmocka_unit_test(test_pool_wakes_sleeping_workers),
        cmocka_unit_test(test_pool_waits_for_slow_tasks),
        cmocka_unit_test(test_pool_survives_many_short_jobs),
        cmocka_unit_test(test_pool_that_cannot_start_fails_cleanly),
        cmocka_unit_test(test_cpu_count_follows_affinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
