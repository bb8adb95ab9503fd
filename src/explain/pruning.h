/* Heads of a classifier that go one after the other, and what is measured of the rest on the way.
 * Invariant: a layer's last head never goes, nor does one that cannot be taken out; so every order
 * has equally many steps. */
#ifndef HW_EXPLAIN_PRUNING_H
#define HW_EXPLAIN_PRUNING_H

#include "classify/corpus.h"

typedef struct hw_pruning {
    const hw_classifier *classifier;
    hw_prune_options options;   /* with defaults */
    size_t ranked_orders;       /* by importance, that will be taken: for progress */
    size_t random_orders;       /* likewise */
    size_t trial_orders;        /* likewise: of HW_FIRST_BEST */
    const hw_prune_plan *plans; /* made before: what they measured is not measured again */
    size_t plan_count;          /* of them */
    hw_corpus corpus;           /* the texts, run without what is gone */
    double score, log_loss;     /* of the whole classifier */
    double *importance;         /* [layers][heads] of what is left */
    double *whole;              /* likewise of the whole classifier */
    bool *gone;                 /* likewise */
    int32_t *left;              /* [layers]: heads that are still there */
    int32_t all, most;          /* heads that the classifier has, and that can go */
    uint64_t done, work;        /* runs over the texts, or as much work */
} hw_pruning;

/* Which head goes next: by importance, at random, or that without which the score is best, of equal
 * scores the smallest log-loss. */
typedef enum hw_head_first {
    HW_FIRST_LEAST,
    HW_FIRST_MOST,
    HW_FIRST_RANDOM,
    HW_FIRST_BEST
} hw_head_first;

/* An order that is being made. */
typedef struct hw_head_order {
    hw_prune_plan *plan;
    hw_prune_step *steps; /* [most], which become the plan's */
    hw_head_id *heads;    /* [most] likewise */
    hw_head_first first;
    uint64_t draw; /* which of the random orders */
} hw_head_order;

/* Reads the texts and measures the whole classifier. classifier, options as they were given, and
 * the numbers of orders are set before, all else is zero; to be freed also on failure. */
hw_status hw_pruning_start(hw_pruning *pruning, const char *path, hw_error *err);
void hw_pruning_free(hw_pruning *pruning);

/* Takes heads away until no other can go, or options.keep are left. */
hw_status hw_pruning_take(hw_head_order *order, hw_pruning *pruning, hw_error *err);

#endif
