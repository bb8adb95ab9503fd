/* At each step goes what has the least rank of all that can, or in an order of trials that without
 * which the rest is best; what is equal goes by layer and head. */
#include "explain/pruning.h"

#include "base/memory.h"
#include "base/random.h"
#include "classify/prune.h"
#include "explain/importance.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PURPOSE_ORDER = 63 };
enum { IMPORTANCE_COST = 3 /* a backward pass costs about two forward ones */ };

/* ---- What can go ---------------------------------------------------------------------------- */

static int32_t layer_count(const hw_pruning *p) {
    return p->classifier->summary.layers;
}

static int32_t head_count(const hw_pruning *p) {
    return p->classifier->summary.heads;
}

static size_t place_count(const hw_pruning *p) {
    return (size_t)layer_count(p) * (size_t)head_count(p);
}

static size_t place_of(const hw_pruning *p, hw_head_id head) {
    return (size_t)head.layer * (size_t)head_count(p) + (size_t)head.head;
}

/* What can go of a layer that is whole; capsules are made of the last one. */
static int32_t removable(const hw_pruning *p, int32_t layer) {
    const bool capsules = p->classifier->summary.capsule_dim > 0;
    return capsules && layer + 1 == layer_count(p) ? 0
                                                   : hw_classifier_heads(p->classifier, layer) - 1;
}

/* Still there, of a layer that heads can go of. */
static bool is_left(const hw_pruning *p, hw_head_id id) {
    return id.head < hw_classifier_heads(p->classifier, id.layer) && removable(p, id.layer) > 0 &&
           !p->gone[place_of(p, id)];
}

static bool can_go(const hw_pruning *p, hw_head_id id) {
    return is_left(p, id) && p->left[id.layer] > 1;
}

/* The least goes first. */
static double rank_of(const hw_pruning *p, const hw_head_order *order, size_t place) {
    if (order->first == HW_FIRST_RANDOM)
        return (double)hw_random_bits(p->options.seed, PURPOSE_ORDER,
                                      order->draw * place_count(p) + place);
    return order->first == HW_FIRST_MOST ? -p->importance[place] : p->importance[place];
}

/* There is one: an order has as many steps as heads can go. */
static hw_head_id find_next(const hw_pruning *p, const hw_head_order *order) {
    bool found = false;
    double least = 0;
    hw_head_id next = { 0 };
    for (int32_t l = 0; l < layer_count(p); l++)
        for (int32_t head = 0; head < head_count(p); head++) {
            const hw_head_id id = { l, head };
            const double rank = rank_of(p, order, place_of(p, id));
            if (!can_go(p, id) || (found && rank >= least)) continue;
            found = true;
            least = rank;
            next = id;
        }
    assert(found);
    return next;
}

/* ---- Measuring ------------------------------------------------------------------------------ */

static hw_status advance(hw_pruning *p, const char *stage, uint64_t work, hw_error *err) {
    p->done += work;
    const hw_progress progress = { .stage = stage,
                                   .done = p->done,
                                   .total = p->work,
                                   .overall = (double)p->done / (double)p->work,
                                   .loss = (double)NAN,
                                   .learning_rate = (double)NAN,
                                   .texts_per_second = (double)NAN,
                                   .valid_score = (double)NAN,
                                   .valid_loss = (double)NAN };
    if (!p->options.progress || p->options.progress(p->options.user, &progress)) return HW_OK;
    return hw_fail(err, HW_ERROR_STOPPED, "stopped while heads were taken away");
}

/* The score and the log-loss without the first `count` heads. */
static hw_status measure_quality(hw_prune_step *step, hw_pruning *p, const hw_head_id *heads,
                                 size_t count, hw_error *err) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    const size_t labels = (size_t)p->classifier->summary.labels;
    const float *thresholds = p->classifier->thresholds;
    hw_corpus *c = &p->corpus;
    hw_corpus_clear(c);
    HW_TRY(hw_corpus_run(c, p->classifier, &options, p->options.threads, err));
    step->score = hw_metrics_score(c->probabilities, c->targets, labels, thresholds);
    step->log_loss = hw_metrics_log_loss(c->probabilities, c->targets, labels, thresholds);
    return HW_OK;
}

/* After measure_quality of the same heads. */
static hw_status measure_importance(hw_pruning *p, const hw_head_id *heads, size_t count,
                                    hw_error *err) {
    const hw_session_options options = { .masked_heads = heads, .masked_head_count = count };
    hw_session *session = hw_session_new(p->classifier, &options, err);
    if (!session) return err->status;
    const hw_status status =
        hw_importance_measure(p->importance, session, &p->corpus, p->options.threads, true, err);
    hw_session_free(session);
    return status;
}

/* Whether a plan made before took away the same heads first, in whatever order. */
static bool find_quality(hw_prune_step *step, const hw_pruning *p, size_t count) {
    for (size_t i = 0; i < p->plan_count; i++) {
        const hw_prune_step *steps = p->plans[i].steps;
        size_t same = 0;
        while (same < count && p->gone[place_of(p, steps[same].head)]) same++;
        if (same < count) continue;
        step->score = steps[count - 1].score;
        step->log_loss = steps[count - 1].log_loss;
        return true;
    }
    return false;
}

/* ---- A step --------------------------------------------------------------------------------- */

static void take_step(hw_head_order *order, hw_pruning *p, hw_head_id head) {
    const size_t at = place_of(p, head);
    order->heads[order->plan->count] = head;
    order->steps[order->plan->count++] = (hw_prune_step){
        .head = head, .importance = p->importance[at], .score = (double)NAN, .log_loss = (double)NAN
    };
    p->gone[at] = true;
    p->left[head.layer]--;
}

static void take_step_back(hw_head_order *order, hw_pruning *p) {
    const hw_head_id head = order->heads[--order->plan->count];
    p->gone[place_of(p, head)] = false;
    p->left[head.layer]++;
}

/* What has to be known after a step: the score, or the importance of what is left. */
static hw_status look_again(hw_head_order *order, hw_pruning *p, hw_error *err) {
    static const char *const stages[] = { "heads", "reverse", "random" };
    const bool greedy = p->options.order == HW_PRUNE_GREEDY && order->first != HW_FIRST_RANDOM;
    const bool scored = p->options.keep == 0;
    const size_t count = order->plan->count;
    hw_prune_step *step = &order->steps[count - 1], measured = *step;
    if (!greedy && !scored) return HW_OK;
    if (greedy || !find_quality(&measured, p, count))
        HW_TRY(measure_quality(&measured, p, order->heads, count, err));
    if (scored) *step = measured;
    if (greedy) HW_TRY(measure_importance(p, order->heads, count, err));
    return advance(p, stages[order->first], greedy ? 1 + IMPORTANCE_COST : 1, err);
}

static hw_status take_by_rank(hw_head_order *order, hw_pruning *p, hw_error *err) {
    take_step(order, p, find_next(p, order));
    return look_again(order, p, err);
}

static bool is_better(const hw_prune_step *a, const hw_prune_step *b) {
    return a->score > b->score || (a->score == b->score && a->log_loss < b->log_loss);
}

static hw_status try_step(hw_prune_step *best, hw_head_order *order, hw_pruning *p, hw_head_id head,
                          hw_error *err) {
    take_step(order, p, head);
    const size_t count = order->plan->count;
    hw_prune_step *tried = &order->steps[count - 1];
    if (!find_quality(tried, p, count)) HW_TRY(measure_quality(tried, p, order->heads, count, err));
    if (is_better(tried, best)) *best = *tried;
    take_step_back(order, p);
    return HW_OK;
}

/* Tries every head that can go. A layer's last counts as tried: so the work is known before. */
static hw_status take_by_trial(hw_head_order *order, hw_pruning *p, hw_error *err) {
    hw_prune_step best = { .score = -1 };
    for (int32_t l = 0; l < layer_count(p); l++)
        for (int32_t head = 0; head < head_count(p); head++) {
            const hw_head_id id = { l, head };
            if (!is_left(p, id)) continue;
            if (can_go(p, id)) HW_TRY(try_step(&best, order, p, id, err));
            HW_TRY(advance(p, "oracle", 1, err));
        }
    take_step(order, p, best.head);
    order->steps[order->plan->count - 1] = best;
    return HW_OK;
}

/* ---- One order ------------------------------------------------------------------------------ */

static void choose(hw_prune_plan *plan, const hw_prune_options *options) {
    if (options->keep) {
        plan->chosen = plan->count;
        return;
    }
    static const double rounding = 1e-9;
    for (size_t i = 0; i < plan->count; i++)
        if (100 * (plan->score - plan->steps[i].score) <= options->tolerance + rounding)
            plan->chosen = i + 1;
}

static void measure_area(hw_prune_plan *plan) {
    double sum = plan->score;
    for (size_t i = 0; i < plan->count; i++) sum += plan->steps[i].score;
    plan->area = plan->score > 0 ? sum / (double)(plan->count + 1) / plan->score : (double)NAN;
}

static void put_back(hw_pruning *p) {
    const size_t heads = place_count(p);
    memcpy(p->importance, p->whole, heads * sizeof *p->importance);
    memset(p->gone, 0, heads * sizeof *p->gone);
    for (int32_t l = 0; l < layer_count(p); l++) p->left[l] = hw_classifier_heads(p->classifier, l);
}

hw_status hw_pruning_take(hw_head_order *order, hw_pruning *p, hw_error *err) {
    const size_t steps = (size_t)(p->options.keep ? p->all - p->options.keep : p->most);
    *order->plan = (hw_prune_plan){ .examples = p->corpus.targets.rows,
                                    .score = p->score,
                                    .log_loss = p->log_loss,
                                    .steps = order->steps,
                                    .heads = order->heads };
    put_back(p);
    while (order->plan->count < steps)
        HW_TRY(order->first == HW_FIRST_BEST ? take_by_trial(order, p, err)
                                             : take_by_rank(order, p, err));
    choose(order->plan, &p->options);
    measure_area(order->plan);
    return HW_OK;
}

/* ---- The whole classifier ------------------------------------------------------------------- */

static hw_status count_heads(hw_pruning *p, hw_error *err) {
    const bool capsules = p->classifier->summary.capsule_dim > 0;
    for (int32_t l = 0; l < layer_count(p); l++) {
        p->all += hw_classifier_heads(p->classifier, l);
        p->most += removable(p, l);
    }
    if (p->most > 0) return HW_OK;
    return hw_fail(err, HW_ERROR_ARGUMENT, "no head can go: %s",
                   capsules ? "capsules are made of the last layer's, and no other has two"
                   : p->all ? "no layer has more than one"
                            : "the model has no attention heads");
}

static hw_status check_options(const hw_pruning *p, hw_error *err) {
    const hw_prune_options *o = &p->options;
    const int32_t fewest = p->all - p->most;
    if (o->keep && (o->keep < fewest || o->keep > p->all))
        return hw_fail(err, HW_ERROR_ARGUMENT, "keep is %d; of the %d heads %d to %d can be kept",
                       (int)o->keep, (int)p->all, (int)fewest, (int)p->all);
    if (!(o->tolerance >= 0))
        return hw_fail(err, HW_ERROR_ARGUMENT, "tolerance is %g; it is not negative", o->tolerance);
    return HW_OK;
}

static hw_status reserve(hw_pruning *p, hw_error *err) {
    const size_t heads = place_count(p);
    p->importance = hw_calloc(heads, sizeof *p->importance);
    p->whole = hw_calloc(heads, sizeof *p->whole);
    p->gone = hw_calloc(heads, sizeof *p->gone);
    p->left = hw_calloc((size_t)layer_count(p), sizeof *p->left);
    if (p->importance && p->whole && p->gone && p->left) return HW_OK;
    return hw_fail_memory(err, heads * sizeof *p->importance);
}

/* Those of an order of trials: at each step of all heads that are left. */
static uint64_t trial_count(const hw_pruning *p) {
    const uint64_t steps = (uint64_t)p->most;
    uint64_t left = 0;
    for (int32_t l = 0; l < layer_count(p); l++)
        if (removable(p, l) > 0) left += (uint64_t)hw_classifier_heads(p->classifier, l);
    return steps * left - steps * (steps - 1) / 2;
}

static uint64_t work_of(const hw_pruning *p) {
    const bool greedy = p->options.order == HW_PRUNE_GREEDY;
    const uint64_t steps = (uint64_t)(p->options.keep ? p->all - p->options.keep : p->most);
    const uint64_t run = p->options.keep == 0 || greedy ? 1 : 0;
    const uint64_t ranked = run + (greedy ? IMPORTANCE_COST : 0);
    const uint64_t rest = p->random_orders * run * steps + p->trial_orders * trial_count(p);
    return 1 + IMPORTANCE_COST + p->ranked_orders * ranked * steps + rest;
}

static hw_status measure_whole(hw_pruning *p, hw_error *err) {
    hw_prune_step none = { 0 };
    p->work = work_of(p);
    HW_TRY(advance(p, "importance", 0, err));
    HW_TRY(measure_quality(&none, p, NULL, 0, err));
    p->score = none.score;
    p->log_loss = none.log_loss;
    HW_TRY(measure_importance(p, NULL, 0, err));
    memcpy(p->whole, p->importance, place_count(p) * sizeof *p->whole);
    return advance(p, "importance", 1 + IMPORTANCE_COST, err);
}

hw_status hw_pruning_start(hw_pruning *p, const char *path, hw_error *err) {
    if (p->options.threads <= 0) p->options.threads = hw_cpu_count();
    HW_TRY(count_heads(p, err));
    HW_TRY(check_options(p, err));
    HW_TRY(reserve(p, err));
    HW_TRY(hw_classifier_check_prune(p->classifier, p->gone, err));
    HW_TRY(hw_corpus_load(&p->corpus, p->classifier, path, &p->options.reader, err));
    return measure_whole(p, err);
}

void hw_pruning_free(hw_pruning *p) {
    hw_corpus_free(&p->corpus);
    hw_free(p->importance);
    hw_free(p->whole);
    hw_free(p->gone);
    hw_free(p->left);
}
