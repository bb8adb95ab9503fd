/* hw_heads: a survey of what heads look at, trials without them, and the verdicts on both. */
#include "explain/head_survey.h"
#include "explain/head_worth.h"

#include "base/memory.h"
#include "statistics/tests.h"

#include <assert.h>
#include <math.h>

enum { MOST_TEXTS = 2000, FEWEST_TEXTS = 200, TRIALS = 20000 /* heads by texts */ };
enum { LOOK_COST = 8 /* a survey of a text, by the time of a trial of it */ };
static const double dead_below = 0.001, level = 0.05;

/* What hw_heads returns points to the first member. */
typedef struct heads_report {
    hw_head_report result;
    hw_dataset *loaded; /* holds the example */
    hw_head_worth *worth;
    hw_head_look *look;
    size_t *layer_heads;
    double *distance, *output_distance, *effective;
    hw_head_step *step;
} heads_report;

typedef struct task {
    heads_report *report;
    const hw_classifier *classifier;
    hw_heads_options options;
    hw_dataset some; /* the texts that are measured: a view of loaded */
    hw_corpus corpus;
    hw_head_survey survey;
    hw_head_trials trials;
    size_t heads;       /* of all layers, those that were pruned aside */
    uint64_t done, all; /* trials of a text, or as much work */
} task;

const char *hw_head_role_text(hw_head_role role) {
    static const char *const texts[] = {
#define X(name, text) text,
        HW_HEAD_ROLE_LIST(X)
#undef X
    };
    return (unsigned)role < HW_HEAD_ROLES ? texts[role] : NULL;
}

/* ---- Progress ------------------------------------------------------------------------------- */

static bool report_progress(const task *t, const char *stage, uint64_t done) {
    const hw_progress progress = { .stage = stage,
                                   .done = done,
                                   .total = t->all,
                                   .overall = (double)done / (double)t->all,
                                   .loss = (double)NAN,
                                   .learning_rate = (double)NAN,
                                   .texts_per_second = (double)NAN,
                                   .valid_score = (double)NAN,
                                   .valid_loss = (double)NAN };
    return !t->options.progress || t->options.progress(t->options.user, &progress);
}

static bool surveyed(void *context, size_t done) {
    return report_progress(context, "look", LOOK_COST * (uint64_t)done);
}

/* After a trial. */
static hw_status go_on(task *t, const char *stage, hw_error *err) {
    t->done += t->some.count;
    if (report_progress(t, stage, t->done)) return HW_OK;
    return hw_fail(err, HW_ERROR_STOPPED, "stopped while heads were switched off");
}

/* ---- Texts -------------------------------------------------------------------------------- */

static size_t most_texts(const task *t) {
    if (t->options.texts > 0) return (size_t)t->options.texts;
    const size_t affordable = TRIALS / t->heads;
    if (affordable > MOST_TEXTS) return MOST_TEXTS;
    return affordable > FEWEST_TEXTS ? affordable : FEWEST_TEXTS;
}

/* Evenly spread, because files are often sorted by label. */
static hw_status choose_texts(task *t, hw_error *err) {
    const hw_dataset *loaded = t->report->loaded;
    const size_t most = most_texts(t), count = loaded->count < most ? loaded->count : most;
    t->some = *loaded;
    t->some.examples = hw_calloc(count, sizeof *t->some.examples);
    if (!t->some.examples) return hw_fail_memory(err, count * sizeof *t->some.examples);
    t->some.count = count;
    for (size_t i = 0; i < count; i++)
        t->some.examples[i] = loaded->examples[i * loaded->count / count];
    t->report->result.available = loaded->count;
    t->report->result.texts = count;
    t->all = (LOOK_COST + 1 + 2 * (uint64_t)t->heads) * count;
    return hw_corpus_view(&t->corpus, t->classifier, &t->some, err);
}

/* ---- What heads look at ------------------------------------------------------------------- */

static void describe(hw_head_look *look, const hw_head_tally *tally) {
    const hw_head_sums *sums = &tally->sums;
    look->entropy = sums->entropy / sums->queries;
    look->confidence = sums->confidence / sums->queries;
    look->distance = sums->distance / sums->queries;
    look->distance_ratio = sums->distance / sums->uniform;
    look->sink = sums->sink / sums->queries;
    look->separators = sums->separators / sums->queries;
    for (int role = 0; role < HW_HEAD_ROLES; role++)
        look->tests[role] = (hw_role_test){ (double)NAN, (double)NAN, (double)NAN, (double)NAN };
    hw_role_tally_judge(look->tests, &look->offset, &tally->roles);
    look->tests[HW_ROLE_BROAD].score = look->entropy;
}

/* Over all tests of all heads. */
static hw_status adjust_roles(hw_head_look *looks, size_t count, hw_error *err) {
    const size_t most = count * HW_HEAD_ROLES;
    double *p = hw_calloc(most, sizeof *p);
    hw_ranked *order = hw_calloc(most, sizeof *order);
    const bool reserved = p && order;
    size_t tests = 0, next = 0;
    for (size_t i = 0; reserved && i < most; i++)
        if (hw_role_is_tested((hw_head_role)(i % HW_HEAD_ROLES)))
            p[tests++] = looks[i / HW_HEAD_ROLES].tests[i % HW_HEAD_ROLES].p;
    if (reserved) hw_adjust_holm(p, p, tests, order);
    for (size_t i = 0; reserved && i < most; i++)
        if (hw_role_is_tested((hw_head_role)(i % HW_HEAD_ROLES)))
            looks[i / HW_HEAD_ROLES].tests[i % HW_HEAD_ROLES].p_holm = p[next++];
    hw_free(p);
    hw_free(order);
    return reserved ? HW_OK : hw_fail_memory(err, most * (sizeof *p + sizeof *order));
}

static bool passes(const hw_head_look *look, hw_head_role role) {
    const hw_role_test *test = &look->tests[role];
    if (role == HW_ROLE_DEAD) return test->score < dead_below;
    if (hw_role_is_tested(role) && !(test->p_holm < level)) return false;
    return hw_role_reaches(role, test->score, test->base);
}

static void choose_role(hw_head_look *look, const hw_head_worth *worth) {
    look->tests[HW_ROLE_DEAD].score = worth->moved;
    look->role = HW_ROLE_DEAD;
    while (look->role < HW_ROLE_NONE && !passes(look, look->role)) look->role++;
}

static hw_status look_at_heads(task *t, hw_error *err) {
    heads_report *r = t->report;
    hw_head_survey *s = &t->survey;
    HW_TRY(hw_head_survey_take(s, &t->corpus, t->classifier, &t->options.session,
                               t->options.threads, surveyed, t, err));
    const size_t layers = s->towers * s->layers, heads = s->heads;
    hw_head_look *look = r->look = hw_calloc(s->towers * t->heads, sizeof *r->look);
    r->distance = hw_calloc(layers * heads * heads, sizeof *r->distance);
    r->output_distance = hw_calloc(layers * heads * heads, sizeof *r->output_distance);
    r->effective = hw_calloc(layers, sizeof *r->effective);
    if (!r->look || !r->distance || !r->output_distance || !r->effective)
        return hw_fail_memory(err, layers * heads * sizeof *r->look);
    for (size_t i = 0; i < layers; i++) {
        r->effective[i] =
            hw_head_diversity_finish(r->distance + i * heads * heads, &s->diversity[i]);
        hw_head_alignment_finish(r->output_distance + i * heads * heads, &s->alignment[i]);
        for (size_t head = 0; head < r->layer_heads[i % s->layers]; head++)
            describe(look++, &s->tally[i * heads + head]);
    }
    r->result.looked = s->looked;
    r->result.skipped = s->skipped;
    r->result.towers = s->towers;
    r->result.example = t->some.examples[s->example].text;
    t->done = LOOK_COST * (uint64_t)t->some.count;
    return adjust_roles(r->look, s->towers * t->heads, err);
}

/* ---- What heads are worth ----------------------------------------------------------------- */

static hw_status adjust_worth(hw_head_worth *worth, size_t count, hw_error *err) {
    double *p = hw_calloc(count, sizeof *p);
    hw_ranked *order = hw_calloc(count, sizeof *order);
    const bool reserved = p && order;
    for (size_t i = 0; reserved && i < count; i++) p[i] = worth[i].p;
    if (reserved) hw_adjust_holm(p, p, count, order);
    for (size_t i = 0; reserved && i < count; i++) worth[i].p_holm = p[i];
    hw_free(p);
    hw_free(order);
    return reserved ? HW_OK : hw_fail_memory(err, count * (sizeof *p + sizeof *order));
}

static void name_heads(heads_report *r) {
    hw_head_worth *worth = r->worth;
    for (size_t layer = 0; layer < r->result.layers; layer++)
        for (size_t head = 0; head < r->layer_heads[layer]; head++)
            (worth++)->head = (hw_head_id){ (int32_t)layer, (int32_t)head };
}

static hw_status try_each(task *t, hw_error *err) {
    heads_report *r = t->report;
    r->worth = hw_calloc(t->heads, sizeof *r->worth);
    if (!r->worth) return hw_fail_memory(err, t->heads * sizeof *r->worth);
    name_heads(r);
    HW_TRY(hw_head_trials_start(&t->trials, &t->corpus, t->classifier, &t->options.session,
                                t->options.threads, err));
    r->result.accuracy = t->trials.accuracy;
    r->result.loss = t->trials.loss;
    for (size_t i = 0; i < t->heads; i++) {
        HW_TRY(go_on(t, "one head off", err));
        HW_TRY(hw_head_worth_measure(&r->worth[i], &t->trials, err));
    }
    return adjust_worth(r->worth, t->heads, err);
}

static hw_status switch_off(task *t, const uint32_t *order, hw_error *err) {
    heads_report *r = t->report;
    for (size_t i = 0; i < t->heads; i++) t->trials.off[i] = r->worth[order[i]].head;
    for (size_t count = 1; count <= t->heads; count++) {
        HW_TRY(go_on(t, "several off", err));
        HW_TRY(hw_head_step_measure(&r->step[count - 1], &t->trials, count, err));
        r->result.steps = count;
        if (-r->step[count - 1].change > r->result.tolerance + 1e-12) break;
        r->result.removable = count;
    }
    return HW_OK;
}

static hw_status try_together(task *t, hw_error *err) {
    uint32_t *order = hw_calloc(t->heads, sizeof *order);
    hw_head_step *step = hw_calloc(t->heads, sizeof *step);
    t->report->step = step;
    const bool reserved = order && step;
    hw_status status = reserved ? HW_OK : hw_fail_memory(err, t->heads * sizeof *step);
    if (reserved) {
        hw_head_worth_order(order, t->report->worth, t->heads);
        status = switch_off(t, order, err);
    }
    hw_free(order);
    return status;
}

/* ---- All of it ---------------------------------------------------------------------------- */

static hw_status check(task *t, hw_error *err) {
    const hw_summary *summary = &t->classifier->summary;
    HW_TRY(hw_classifier_check_labels(t->classifier, err));
    if (summary->layers < 1 || summary->heads < 1)
        return hw_fail(err, HW_ERROR_ARGUMENT, "the model has no attention heads");
    hw_heads_options *o = &t->options;
    if (o->threads <= 0) o->threads = hw_cpu_count();
    o->session.masked_head_count = 0;
    o->session.threads = 0;
    hw_head_report *result = &t->report->result;
    result->multi_label = summary->multi_label;
    result->layers = (size_t)summary->layers;
    result->heads = (size_t)summary->heads;
    result->tolerance = o->tolerance < 0 ? 0 : o->tolerance > 0 ? o->tolerance : 0.005;
    return HW_OK;
}

static hw_status count_heads(task *t, hw_error *err) {
    heads_report *r = t->report;
    const size_t layers = r->result.layers;
    r->layer_heads = hw_calloc(layers, sizeof *r->layer_heads);
    if (!r->layer_heads) return hw_fail_memory(err, layers * sizeof *r->layer_heads);
    for (size_t layer = 0; layer < layers; layer++)
        t->heads += r->layer_heads[layer] =
            (size_t)hw_classifier_heads(t->classifier, (int32_t)layer);
    r->result.layer_heads = r->layer_heads;
    r->result.count = t->heads;
    return HW_OK;
}

static hw_status work(task *t, const char *path, hw_error *err) {
    heads_report *r = t->report;
    HW_TRY(check(t, err));
    HW_TRY(count_heads(t, err));
    if (!(r->loaded = hw_dataset_load(path, &t->options.reader, err))) return err->status;
    HW_TRY(choose_texts(t, err));
    HW_TRY(look_at_heads(t, err));
    HW_TRY(try_each(t, err));
    HW_TRY(try_together(t, err));
    for (size_t i = 0; i < r->result.towers * t->heads; i++)
        choose_role(&r->look[i], &r->worth[i % t->heads]);
    r->result.worth = r->worth;
    r->result.look = r->look;
    r->result.distance = r->distance;
    r->result.output_distance = r->output_distance;
    r->result.effective = r->effective;
    r->result.step = r->step;
    report_progress(t, "done", t->all);
    return HW_OK;
}

hw_head_report *hw_heads(const hw_classifier *classifier, const char *path,
                         const hw_heads_options *options, hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    assert(classifier && path);
    task t = { .report = hw_calloc(1, sizeof *t.report), .classifier = classifier };
    if (!t.report) {
        hw_fail_memory(err, sizeof *t.report);
        return NULL;
    }
    if (options) t.options = *options;
    const hw_status status = work(&t, path, err);
    hw_head_trials_free(&t.trials);
    hw_head_survey_free(&t.survey);
    hw_corpus_free(&t.corpus);
    hw_free(t.some.examples);
    if (status == HW_OK) return &t.report->result;
    hw_head_report_free(&t.report->result);
    return NULL;
}

void hw_head_report_free(hw_head_report *report) {
    heads_report *r = (heads_report *)report;
    if (!r) return;
    hw_dataset_free(r->loaded);
    hw_free(r->worth);
    hw_free(r->look);
    hw_free(r->layer_heads);
    hw_free(r->distance);
    hw_free(r->output_distance);
    hw_free(r->effective);
    hw_free(r->step);
    hw_free(r);
}
