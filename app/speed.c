/* Rounds go on until their time is up: five at least, and an odd number. */
#include "speed.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>

enum { FEWEST_ROUNDS = 5, MOST_ROUNDS = 51 };

static const double seconds = 4; /* of all rounds that are counted, unless they are the fewest */

typedef struct contestant {
    hw_session *session;
    double speed[MOST_ROUNDS];
} contestant;

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

static hw_status run(double *speed, contestant *c, const hw_text *texts, size_t count,
                     float *probabilities, hw_error *err) {
    const double began = hw_seconds_now();
    const hw_status status = hw_classify(c->session, texts, count, probabilities, err);
    *speed = (double)count / (hw_seconds_now() - began);
    return status;
}

/* Who begins changes from round to round. */
static hw_status run_round(contestant c[2], size_t round, const hw_text *texts, size_t count,
                           float *probabilities, hw_error *err) {
    for (size_t turn = 0; turn < 2; turn++) {
        contestant *next = &c[(turn + round) % 2];
        HW_TRY(run(&next->speed[round], next, texts, count, probabilities, err));
    }
    return HW_OK;
}

static hw_status run_rounds(speeds *measured, contestant c[2], const hw_text *texts, size_t count,
                            float *probabilities, hw_error *err) {
    HW_TRY(run_round(c, 0, texts, count, probabilities, err));
    const double began = hw_seconds_now();
    size_t round = 0;
    while (round < FEWEST_ROUNDS ||
           (round < MOST_ROUNDS && (round % 2 == 0 || hw_seconds_now() - began < seconds)))
        HW_TRY(run_round(c, round++, texts, count, probabilities, err));
    *measured = (speeds){ median(c[0].speed, round), median(c[1].speed, round), count, round };
    return HW_OK;
}

hw_status speed_compare(speeds *measured, const hw_classifier *before, const hw_classifier *after,
                        const hw_text *texts, size_t count, hw_error *err) {
    const size_t labels = (size_t)hw_classifier_summary(before)->labels;
    float *probabilities = hw_calloc(count * labels, sizeof *probabilities);
    contestant c[2] = { { hw_session_new(before, NULL, err), { 0 } }, { NULL, { 0 } } };
    if (c[0].session) c[1].session = hw_session_new(after, NULL, err);
    hw_status status = c[1].session ? HW_OK : HW_ERROR_MEMORY;
    if (status == HW_OK && !probabilities)
        status = hw_fail_memory(err, count * labels * sizeof *probabilities);
    if (status == HW_OK) status = run_rounds(measured, c, texts, count, probabilities, err);
    hw_session_free(c[0].session);
    hw_session_free(c[1].session);
    hw_free(probabilities);
    return status;
}
