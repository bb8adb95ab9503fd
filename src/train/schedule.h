/* The learning rate step by step: a linear warm-up, then a linear decay that would reach 0 one step
 * after the last (Devlin et al. 2019, appendix A.2). */
#ifndef HW_TRAIN_SCHEDULE_H
#define HW_TRAIN_SCHEDULE_H

#include <stddef.h>

typedef struct hw_schedule {
    double rate; /* the highest */
    size_t steps, warm_up;
} hw_schedule;

/* step: from 0; past the last it is 0. */
static inline double hw_schedule_rate(const hw_schedule *schedule, size_t step) {
    if (step >= schedule->steps) return 0;
    if (step < schedule->warm_up)
        return schedule->rate * (double)(step + 1) / (double)(schedule->warm_up + 1);
    return schedule->rate * (double)(schedule->steps - step) /
           (double)(schedule->steps - schedule->warm_up);
}

#endif
