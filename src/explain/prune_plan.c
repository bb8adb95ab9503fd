/* hw_prune_plan_make: the order in which the least important head goes first, and how far one may
 * follow it. */
#include "explain/pruning.h"

#include "base/memory.h"

#include <assert.h>

typedef struct owned_plan {
    hw_prune_plan plan; /* first: what is given out */
    hw_prune_step *steps;
    hw_head_id *heads;
} owned_plan;

static hw_status reserve(owned_plan *made, size_t most, hw_error *err) {
    made->steps = hw_calloc(most, sizeof *made->steps);
    made->heads = hw_calloc(most, sizeof *made->heads);
    return made->steps && made->heads ? HW_OK : hw_fail_memory(err, most * sizeof *made->steps);
}

static hw_status make(owned_plan *made, hw_pruning *p, const char *path, hw_error *err) {
    HW_TRY(hw_pruning_start(p, path, err));
    HW_TRY(reserve(made, (size_t)p->most, err));
    hw_head_order order = { &made->plan, made->steps, made->heads, HW_FIRST_LEAST, 0 };
    return hw_pruning_take(&order, p, err);
}

hw_prune_plan *hw_prune_plan_make(const hw_classifier *classifier, const char *path,
                                  const hw_prune_options *options, hw_error *err) {
    assert(classifier && path);
    hw_error own;
    if (!err) err = &own;
    owned_plan *made = hw_calloc(1, sizeof *made);
    if (!made) {
        hw_fail_memory(err, sizeof *made);
        return NULL;
    }
    hw_pruning p = { .classifier = classifier, .ranked_orders = 1 };
    if (options) p.options = *options;
    const hw_status status = make(made, &p, path, err);
    hw_pruning_free(&p);
    if (status == HW_OK) return &made->plan;
    hw_prune_plan_free(&made->plan);
    return NULL;
}

void hw_prune_plan_free(hw_prune_plan *plan) {
    if (!plan) return;
    owned_plan *made = (owned_plan *)plan;
    hw_free(made->steps);
    hw_free(made->heads);
    hw_free(made);
}
