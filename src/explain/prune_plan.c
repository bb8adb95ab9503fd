/* hw_prune_plan_make: heads go one after the other, the least important of those that can, and the
 * score without them is measured on the way. Invariant: a layer's last head never goes, nor does
 * one that cannot be taken out; equal importance goes by layer and head. */
#include "explain/importance.h"

#include "base/memory.h"
#include "classify/prune.h"

#include <assert.h>
#include <math.h>

typedef struct owned_plan {
    hw_prune_plan plan; /* first: what is given out */
    hw_prune_step *steps;
    hw_head_id *heads; /* [plan.count] */
} owned_plan;

typedef struct pruning {
    const hw_classifier *classifier;
    hw_prune_options options; /* with defaults */
    hw_corpus corpus;
    owned_plan *made;
    double *importance; /* [layers][heads] */
    bool *gone;         /* likewise */
    int32_t *left;      /* [layers]: heads that are still there */
    int32_t all;        /* the sum of them */
} pruning;

/* ---- What can go ---------------------------------------------------------------------------- */

static int32_t layer_count(const pruning *p) {
    return p->classifier->summary.layers;
}

static int32_t head_count(const pruning *p) {
    return p->classifier->summary.heads;
}

/* What can go of a layer that is whole; capsules are made of the last one. */
static int32_t removable(const pruning *p, int32_t layer) {
    const bool capsules = p->classifier->summary.capsule_dim > 0;
    return capsules && layer + 1 == layer_count(p) ? 0
                                                   : hw_classifier_heads(p->classifier, layer) - 1;
}

static bool can_go(const pruning *p, int32_t layer, int32_t head) {
    return head < hw_classifier_heads(p->classifier, layer) && removable(p, layer) > 0 &&
           !p->gone[layer * head_count(p) + head] && p->left[layer] > 1;
}

/* The least important that can go; false if there is none. */
static bool find_next(hw_head_id *next, const pruning *p) {
    bool found = false;
    double least = 0;
    for (int32_t l = 0; l < layer_count(p); l++)
        for (int32_t head = 0; head < head_count(p); head++) {
            const double importance = p->importance[l * head_count(p) + head];
            if (!can_go(p, l, head) || (found && importance >= least)) continue;
            found = true;
            least = importance;
            *next = (hw_head_id){ l, head };
        }
    return found;
}

/* ---- Measuring ------------------------------------------------------------------------------ */

/* The heads of the steps so far are switched off. */
static hw_session_options options_of(const pruning *p) {
    return (hw_session_options){ .masked_heads = p->made->heads,
                                 .masked_head_count = p->made->plan.count };
}

static hw_status run(pruning *p, hw_error *err) {
    const hw_session_options options = options_of(p);
    hw_corpus_clear(&p->corpus);
    return hw_corpus_run(&p->corpus, p->classifier, &options, p->options.threads, err);
}

static double score_of(const pruning *p) {
    return hw_metrics_score(p->corpus.probabilities, p->corpus.targets,
                            (size_t)p->classifier->summary.labels, p->classifier->thresholds);
}

/* After run. */
static hw_status measure_importance(pruning *p, hw_error *err) {
    const hw_session_options options = options_of(p);
    hw_session *session = hw_session_new(p->classifier, &options, err);
    if (!session) return HW_ERROR_MEMORY;
    const hw_status status =
        hw_importance_measure(p->importance, session, &p->corpus, p->options.threads, true, err);
    hw_session_free(session);
    return status;
}

/* ---- The steps ---------------------------------------------------------------------------- */

static void take_step(pruning *p, hw_head_id head) {
    owned_plan *made = p->made;
    const size_t at = (size_t)(head.layer * head_count(p) + head.head);
    made->heads[made->plan.count] = head;
    made->steps[made->plan.count++] =
        (hw_prune_step){ .head = head, .importance = p->importance[at], .score = NAN };
    p->gone[at] = true;
    p->left[head.layer]--;
    p->all--;
}

/* What has to be known after a step: the score, or the importance of what is left. */
static hw_status look_again(pruning *p, hw_error *err) {
    const bool greedy = p->options.order == HW_PRUNE_GREEDY, scored = p->options.keep == 0;
    owned_plan *made = p->made;
    if (!greedy && !scored) return HW_OK;
    HW_TRY(run(p, err));
    if (scored) made->steps[made->plan.count - 1].score = score_of(p);
    return greedy ? measure_importance(p, err) : HW_OK;
}

static void choose(pruning *p) {
    hw_prune_plan *plan = &p->made->plan;
    if (p->options.keep) {
        plan->chosen = plan->count;
        return;
    }
    static const double rounding = 1e-9;
    for (size_t i = 0; i < plan->count; i++)
        if (100 * (plan->score - plan->steps[i].score) <= p->options.tolerance + rounding)
            plan->chosen = i + 1;
}

static hw_status take_steps(pruning *p, hw_error *err) {
    hw_prune_plan *plan = &p->made->plan;
    hw_head_id next;
    HW_TRY(run(p, err));
    plan->examples = p->corpus.targets.rows;
    plan->score = score_of(p);
    HW_TRY(measure_importance(p, err));
    while (p->all > p->options.keep && find_next(&next, p)) {
        take_step(p, next);
        HW_TRY(look_again(p, err));
    }
    choose(p);
    return HW_OK;
}

/* ---- Making one --------------------------------------------------------------------------- */

static hw_status check_options(pruning *p, hw_error *err) {
    const hw_prune_options *o = &p->options;
    int32_t most = 0;
    for (int32_t l = 0; l < layer_count(p); l++) {
        p->all += hw_classifier_heads(p->classifier, l);
        most += removable(p, l);
    }
    if (most == 0)
        return hw_fail(err, HW_ERROR_ARGUMENT, "no head can go: %s",
                       p->classifier->summary.capsule_dim > 0
                           ? "capsules are made of the last layer's, and no other has two"
                       : p->all ? "no layer has more than one"
                                : "the model has no attention heads");
    if (o->keep && (o->keep < p->all - most || o->keep > p->all))
        return hw_fail(err, HW_ERROR_ARGUMENT, "keep is %d; of the %d heads %d to %d can be kept",
                       (int)o->keep, (int)p->all, (int)(p->all - most), (int)p->all);
    if (!(o->tolerance >= 0))
        return hw_fail(err, HW_ERROR_ARGUMENT, "tolerance is %g; it is not negative", o->tolerance);
    return HW_OK;
}

static hw_status reserve(pruning *p, hw_error *err) {
    const size_t layers = (size_t)layer_count(p), heads = layers * (size_t)head_count(p);
    p->importance = hw_calloc(heads, sizeof *p->importance);
    p->gone = hw_calloc(heads, sizeof *p->gone);
    p->left = hw_calloc(layers, sizeof *p->left);
    p->made = hw_calloc(1, sizeof *p->made);
    if (!p->importance || !p->gone || !p->left || !p->made)
        return hw_fail_memory(err, heads * sizeof *p->importance);
    p->made->steps = hw_calloc(heads, sizeof *p->made->steps);
    p->made->heads = hw_calloc(heads, sizeof *p->made->heads);
    if (!p->made->steps || !p->made->heads)
        return hw_fail_memory(err, heads * sizeof *p->made->steps);
    p->made->plan.steps = p->made->steps;
    p->made->plan.heads = p->made->heads;
    for (size_t l = 0; l < layers; l++) p->left[l] = hw_classifier_heads(p->classifier, (int32_t)l);
    return HW_OK;
}

static hw_status make(pruning *p, const char *path, hw_error *err) {
    HW_TRY(check_options(p, err));
    HW_TRY(reserve(p, err));
    HW_TRY(hw_classifier_check_prune(p->classifier, p->gone, err));
    HW_TRY(hw_corpus_load(&p->corpus, p->classifier, path, &p->options.reader, err));
    return take_steps(p, err);
}

hw_prune_plan *hw_prune_plan_make(const hw_classifier *classifier, const char *path,
                                  const hw_prune_options *options, hw_error *err) {
    assert(classifier && path);
    hw_error own;
    if (!err) err = &own;
    pruning p = { .classifier = classifier };
    if (options) p.options = *options;
    if (p.options.threads <= 0) p.options.threads = hw_cpu_count();
    const hw_status status = make(&p, path, err);
    hw_corpus_free(&p.corpus);
    hw_free(p.importance);
    hw_free(p.gone);
    hw_free(p.left);
    if (status == HW_OK) return &p.made->plan;
    if (p.made) hw_prune_plan_free(&p.made->plan);
    return NULL;
}

void hw_prune_plan_free(hw_prune_plan *plan) {
    if (!plan) return;
    owned_plan *made = (owned_plan *)plan;
    hw_free(made->steps);
    hw_free(made->heads);
    hw_free(made);
}
