/* hw_prune_curve_make: a plan beside the reverse order, random ones, and that of an oracle. */
#include "explain/pruning.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>

enum { PLAN, REVERSE, RANDOM /* and those after it; then the oracle's */ };
enum { RANDOM_ORDERS = 20, ORDERS_LIMIT = 10000 };

typedef struct owned_curve {
    hw_prune_curve curve; /* first: what is given out */
    hw_prune_plan *plans; /* [RANDOM + random_orders, and one more if there is an oracle] */
    hw_prune_step *steps; /* [those][heads that can go] */
    hw_head_id *heads;    /* likewise */
} owned_curve;

static hw_status check_options(hw_prune_options *o, hw_error *err) {
    if (o->random_orders == 0) o->random_orders = RANDOM_ORDERS;
    if (o->random_orders < 0) o->random_orders = 0;
    if (o->random_orders > ORDERS_LIMIT)
        return hw_fail(err, HW_ERROR_ARGUMENT, "random_orders is %d; it can be up to %d",
                       (int)o->random_orders, ORDERS_LIMIT);
    if (o->keep)
        return hw_fail(err, HW_ERROR_ARGUMENT, "keep is %d; a curve goes to its end", (int)o->keep);
    return HW_OK;
}

static hw_status reserve(owned_curve *made, size_t orders, size_t most, hw_error *err) {
    made->plans = hw_calloc(orders, sizeof *made->plans);
    made->steps = hw_calloc(orders * most, sizeof *made->steps);
    made->heads = hw_calloc(orders * most, sizeof *made->heads);
    if (made->plans && made->steps && made->heads) return HW_OK;
    return hw_fail_memory(err, orders * most * sizeof *made->steps);
}

/* The oracle comes last: much of what it tries has been measured by then. */
static hw_head_first first_of(const hw_pruning *p, size_t order) {
    if (order == PLAN) return HW_FIRST_LEAST;
    if (order == REVERSE) return HW_FIRST_MOST;
    return order < RANDOM + p->random_orders ? HW_FIRST_RANDOM : HW_FIRST_BEST;
}

static hw_status take_orders(owned_curve *made, hw_pruning *p, size_t orders, hw_error *err) {
    const size_t most = (size_t)p->most;
    p->plans = made->plans;
    for (size_t i = 0; i < orders; i++) {
        p->plan_count = i;
        hw_head_order order = { .plan = &made->plans[i],
                                .steps = made->steps + i * most,
                                .heads = made->heads + i * most,
                                .first = first_of(p, i),
                                .draw = i < RANDOM ? 0 : i - RANDOM };
        HW_TRY(hw_pruning_take(&order, p, err));
    }
    return HW_OK;
}

static void compare(hw_prune_curve *curve) {
    static const double rounding = 1e-9; /* of sums of the same scores in another order */
    const size_t draws = curve->random_orders;
    double mean = 0;
    for (size_t i = 0; i < draws; i++) {
        mean += curve->random[i].area / (double)draws;
        curve->as_good += curve->random[i].area >= curve->plan->area - rounding;
    }
    curve->gain = draws ? curve->plan->area - mean : (double)NAN;
}

static hw_status make(owned_curve *made, hw_pruning *p, const char *path, hw_error *err) {
    HW_TRY(check_options(&p->options, err));
    p->ranked_orders = RANDOM;
    p->random_orders = (size_t)p->options.random_orders;
    p->trial_orders = p->options.oracle;
    const size_t oracle = RANDOM + p->random_orders, orders = oracle + p->trial_orders;
    HW_TRY(hw_pruning_start(p, path, err));
    HW_TRY(reserve(made, orders, (size_t)p->most, err));
    HW_TRY(take_orders(made, p, orders, err));
    made->curve = (hw_prune_curve){ .plan = &made->plans[PLAN],
                                    .reverse = &made->plans[REVERSE],
                                    .random = made->plans + RANDOM,
                                    .random_orders = p->random_orders,
                                    .oracle = oracle < orders ? &made->plans[oracle] : NULL };
    compare(&made->curve);
    return HW_OK;
}

hw_prune_curve *hw_prune_curve_make(const hw_classifier *classifier, const char *path,
                                    const hw_prune_options *options, hw_error *err) {
    assert(classifier && path);
    hw_error own;
    if (!err) err = &own;
    owned_curve *made = hw_calloc(1, sizeof *made);
    if (!made) {
        hw_fail_memory(err, sizeof *made);
        return NULL;
    }
    hw_pruning p = { .classifier = classifier };
    if (options) p.options = *options;
    const hw_status status = make(made, &p, path, err);
    hw_pruning_free(&p);
    if (status == HW_OK) return &made->curve;
    hw_prune_curve_free(&made->curve);
    return NULL;
}

void hw_prune_curve_free(hw_prune_curve *curve) {
    if (!curve) return;
    owned_curve *made = (owned_curve *)curve;
    hw_free(made->plans);
    hw_free(made->steps);
    hw_free(made->heads);
    hw_free(made);
}
