/* hw_train: the order in which a training goes. */
#include "base/memory.h"
#include "train/fine_tune.h"

#include <math.h>

static hw_status encode(hw_training *t, hw_error *err) {
    HW_TRY(hw_training_set_build(&t->set, t->data.dataset, &t->plan.set, err));
    if (t->valid.dataset)
        HW_TRY(hw_training_set_encode(&t->valid_set, t->valid.dataset, &t->set, &t->plan.set, err));
    hw_plan_finish(&t->plan, t->options, &t->set, t->labels, t->data.count,
                   t->valid.dataset != NULL);
    if (t->plan.towers) HW_TRY(hw_tower_config_check(&t->plan.tower, err));
    return hw_training_hold_back(t, err);
}

static void stage(hw_training *t, double to) {
    t->stage_from = t->stage_to;
    t->stage_to = to;
}

/* Too few rows to hold any back: the branches are joined as they mostly are elsewhere. */
static void join_blindly(hw_training *t) {
    const bool bag = hw_arch_has_bag(t->plan.arch), tower = t->plan.towers > 0;
    t->join.tower_share = tower ? bag ? 0.3 : 1 : 0;
    t->join.join.bag = 2 * (1 - t->join.tower_share);
    t->join.join.tower = t->join.tower_share;
    t->join.score = t->join.bag_score = NAN;
    for (size_t i = 0; i < t->labels; i++) t->thresholds[i] = 0.5f;
}

static hw_status join(hw_training *t, hw_error *err) {
    t->thresholds = hw_calloc(t->labels, sizeof *t->thresholds);
    if (!t->thresholds) return hw_fail_memory(err, t->labels * sizeof *t->thresholds);
    if (!t->held_count) {
        join_blindly(t);
        return HW_OK;
    }
    const float *tower = t->best_steps ? t->held_tower : NULL;
    if (!tower && !t->held_bag)
        return hw_fail(err, HW_ERROR_STOPPED, "training was stopped before there was a model");
    return hw_join_fit(&t->join, t->thresholds, t->held_bag, tower, t->held_targets, t->labels,
                       t->plan.multi_label, err);
}

/* What the trials show: when the towers should stop, and how to join. */
static hw_status try_out(hw_training *t, hw_error *err) {
    const bool bag = hw_arch_has_bag(t->plan.arch);
    stage(t, !bag ? 0 : t->plan.towers ? 0.1 : 0.7);
    if (bag) HW_TRY(hw_training_try_bag(t, err));
    stage(t, t->plan.keeps_towers ? 0.9 : 0.7);
    if (t->plan.towers) HW_TRY(hw_training_try_towers(t, err));
    return join(t, err);
}

static hw_status learn_all(hw_training *t, hw_error *err) {
    const bool bag = hw_arch_has_bag(t->plan.arch);
    const bool towers = t->plan.towers && t->join.tower_share > 0;
    const bool learns_towers = towers && !t->plan.keeps_towers;
    stage(t, !learns_towers ? 1 : bag ? 0.75 : 0.7);
    if (bag) HW_TRY(hw_training_learn_bag(t, err));
    stage(t, 1);
    if (learns_towers) return hw_training_learn_towers(t, err);
    if (towers && !t->stopped) hw_training_keep_towers(t);
    return HW_OK;
}

static void branches_free(hw_branches *branches) {
    hw_free(branches->table);
    hw_free(branches->bias);
    for (int32_t i = 0; i < HW_TOWERS_LIMIT; i++) hw_free(branches->towers[i]);
    *branches = (hw_branches){ 0 };
}

static hw_status learn(hw_training *t, hw_error *err) {
    HW_TRY(encode(t, err));
    HW_TRY(try_out(t, err));
    if (t->stopped || t->valid.dataset) return HW_OK;
    const hw_status status = learn_all(t, err);
    if (t->stopped) branches_free(&t->final); /* what is whole is `first` */
    return t->stopped ? HW_OK : status;
}

void hw_training_free(hw_training *t) {
    branches_free(&t->first);
    branches_free(&t->final);
    hw_training_set_free(&t->set);
    hw_training_set_free(&t->valid_set);
    hw_learning_data_free(&t->data);
    hw_learning_data_free(&t->valid);
    hw_free(t->label_names);
    hw_free(t->label_of);
    for (size_t i = 0; i < HW_TRIALS_LIMIT; i++) hw_free(t->trials[i].learned);
    hw_free(t->held);
    hw_free(t->held_offsets);
    hw_free(t->held_labels);
    hw_free(t->held_bag);
    hw_free(t->held_tower);
    hw_free(t->thresholds);
    hw_pool_free(t->pool);
}

hw_status hw_training_start(hw_training *t, const hw_train_options *options, hw_error *err) {
    t->options = options;
    t->kernels = hw_kernels_select();
    t->pool = hw_pool_new(options->threads > 0 ? options->threads : hw_cpu_count(), err);
    return t->pool ? HW_OK : HW_ERROR_MEMORY;
}

hw_classifier *hw_train_on(const hw_train_options *options, const hw_dataset *dataset,
                           const hw_dataset *valid, hw_error *err) {
    if (options->base) return hw_fine_tune(options, dataset, valid, err);
    hw_training t = { 0 };
    hw_classifier *classifier = NULL;
    if (hw_training_start(&t, options, err) == HW_OK &&
        hw_training_choose(&t, dataset, valid, err) == HW_OK && learn(&t, err) == HW_OK)
        classifier = hw_training_assemble(&t, err);
    hw_training_free(&t);
    return classifier;
}

hw_classifier *hw_train(const hw_train_options *options, hw_error *err) {
    hw_dataset *dataset = hw_dataset_load(options->input, &options->reader, err), *valid = NULL;
    if (dataset && options->valid) valid = hw_dataset_load(options->valid, &options->reader, err);
    hw_classifier *classifier = NULL;
    if (dataset && (valid || !options->valid))
        classifier = hw_train_on(options, dataset, valid, err);
    hw_dataset_free(dataset);
    hw_dataset_free(valid);
    return classifier;
}
