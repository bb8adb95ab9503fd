/* Which of two classifiers is faster, and by how much. */
#ifndef APP_SPEED_H
#define APP_SPEED_H

#include "headwise.h"

typedef struct speeds {
    double before, after; /* texts/s on one thread: medians over the rounds */
    size_t texts, rounds; /* of each classifier */
} speeds;

/* Both read the same texts in turn, so that what else the machine does hits both alike; one round
 * of each goes before and is not counted. */
hw_status speed_compare(speeds *measured, const hw_classifier *before, const hw_classifier *after,
                        const hw_text *texts, size_t count, hw_error *err);

#endif
