/* What a study could have found, and how large it would have to be. Of a study like the one seen:
 * its variances are as uncertain as its seeds and rows are few, and that is allowed for. */
#ifndef HW_STATISTICS_POWER_H
#define HW_STATISTICS_POWER_H

#include "statistics/crossed.h"

/* The effect whose p is below `level` in 80 % of repetitions. Infinite with one seed. */
double hw_detectable_effect(const hw_crossed *c, double level);
/* The epsilon within which the 90 % interval lies in 80 % of repetitions, if there is no effect. */
double hw_detectable_sameness(const hw_crossed *c);

/* The fewest seeds with these rows, and the fewest rows with these seeds, for both to be at most
 * epsilon; 0 if no number is enough, or beyond the limit. */
enum { HW_SEED_LIMIT = 100000, HW_ROW_LIMIT = 1000000000 };
size_t hw_needed_seeds(const hw_crossed *c, double level, double epsilon);
size_t hw_needed_rows(const hw_crossed *c, double level, double epsilon);

#endif
