/* Decides which labels and rows count, and holds some rows back. */
#include "base/file.h"
#include "base/memory.h"
#include "train/folds.h"
#include "train/training.h"

#include <jansson.h>
#include <string.h>

/* ---- Labels ------------------------------------------------------------------- */

/* Keeps the labels that are frequent enough. */
static hw_status choose_labels(hw_training *t, hw_error *err) {
    const hw_dataset *dataset = t->data.dataset;
    const int32_t least = t->options->min_count_label > 1 ? t->options->min_count_label : 1;
    t->label_names = hw_calloc(dataset->label_count, sizeof *t->label_names);
    t->label_of = hw_calloc(dataset->label_count, sizeof *t->label_of);
    if (!t->label_names || !t->label_of)
        return hw_fail_memory(err, dataset->label_count * sizeof(char *));
    for (size_t i = 0; i < dataset->label_count; i++) {
        const bool keep = dataset->label_examples[i] >= (uint32_t)least;
        t->label_of[i] = keep ? (int32_t)t->labels : -1;
        if (keep) t->label_names[t->labels++] = dataset->label_names[i];
    }
    if (t->labels >= 2) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s: %s; a classifier needs at least two labels%s",
                   t->options->input, t->labels ? "only one label" : "no label is left",
                   least > 1 ? " (see -minCountLabel)" : "");
}

/* ---- Targets and rows ------------------------------------------------------------ */

/* label_of: [data->dataset->label_count] index in the model, or -1. */
static hw_status set_targets(hw_learning_data *data, const int32_t *label_of, hw_error *err) {
    const hw_dataset *dataset = data->dataset;
    size_t total = 0;
    for (size_t row = 0; row < dataset->count; row++) total += dataset->examples[row].labels;
    data->offsets = hw_calloc(dataset->count + 1, sizeof *data->offsets);
    data->labels = hw_calloc(total, sizeof *data->labels);
    data->weights = hw_calloc(dataset->count, sizeof *data->weights);
    data->rows = hw_calloc(dataset->count, sizeof *data->rows);
    if (!data->offsets || !data->labels || !data->weights || !data->rows)
        return hw_fail_memory(err, (total + 3 * dataset->count) * sizeof(uint32_t));
    size_t used = 0;
    for (size_t row = 0; row < dataset->count; row++) {
        const hw_example *example = &dataset->examples[row];
        for (uint32_t i = 0; i < example->labels; i++) {
            const int32_t label = label_of[dataset->label_index[example->first_label + i]];
            if (label >= 0) data->labels[used++] = (uint32_t)label;
        }
        data->offsets[row + 1] = (uint32_t)used;
        data->weights[row] = example->weight;
        if (data->offsets[row + 1] > data->offsets[row] && example->weight > 0)
            data->rows[data->count++] = (uint32_t)row;
    }
    data->targets = (hw_targets){ data->offsets, data->labels, dataset->count };
    return HW_OK;
}

void hw_learning_data_free(hw_learning_data *data) {
    hw_free(data->offsets);
    hw_free(data->labels);
    hw_free(data->weights);
    hw_free(data->label_weights);
    hw_free(data->rows);
    *data = (hw_learning_data){ 0 };
}

/* ---- Class weights ----------------------------------------------------------------- */

/* rows / (labels * examples of the label), as scikit-learn's class_weight="balanced". */
static void balance(float *label_weights, const hw_training *t) {
    for (size_t i = 0; i < t->data.count; i++)
        for (uint32_t j = t->data.offsets[t->data.rows[i]];
             j < t->data.offsets[t->data.rows[i] + 1]; j++)
            label_weights[t->data.labels[j]] += 1;
    for (size_t label = 0; label < t->labels; label++)
        if (label_weights[label] > 0)
            label_weights[label] =
                (float)((double)t->data.count / ((double)t->labels * (double)label_weights[label]));
}

/* A weight of a label that the data lacks is most likely a label that is misspelt. */
static hw_status check_names(json_t *weights, const hw_training *t, const char *path,
                             hw_error *err) {
    const char *name;
    json_t *weight;
    json_object_foreach(weights, name, weight) {
        if (hw_dataset_find_label(t->data.dataset, hw_text_of(name)) < 0)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: there is no label \"%.100s\" in %s", path,
                           name, t->options->input);
    }
    return HW_OK;
}

static hw_status read_weights(float *label_weights, const hw_training *t, const char *path,
                              hw_error *err) {
    hw_mapping mapping;
    HW_TRY(hw_file_map(&mapping, path, 1 << 24, err));
    json_error_t why;
    json_t *weights =
        json_loadb((const char *)mapping.data, mapping.size, JSON_REJECT_DUPLICATES, &why);
    hw_file_unmap(&mapping);
    hw_status status = HW_OK;
    if (!json_is_object(weights))
        status =
            hw_fail(err, HW_ERROR_FORMAT, "%s:%d: not a JSON object of {\"label\": weight}: %s",
                    path, why.line, weights ? "" : why.text);
    if (status == HW_OK) status = check_names(weights, t, path, err);
    for (size_t label = 0; label < t->labels && status == HW_OK; label++) {
        const json_t *value = json_object_get(weights, t->label_names[label]);
        const double weight = value ? json_number_value(value) : 1;
        if (value && (!json_is_number(value) || !(weight > 0 && weight <= 1e6)))
            status = hw_fail(err, HW_ERROR_FORMAT, "%s: the weight of \"%s\" must be above 0", path,
                             t->label_names[label]);
        label_weights[label] = (float)weight;
    }
    json_decref(weights);
    return status;
}

/* Single-label: a label's weight multiplies its examples' weights. Multi-label: it
 * multiplies what the label's positive examples count in the label's own problem. */
static hw_status weigh_labels(hw_training *t, hw_error *err) {
    const char *choice = t->options->class_weight;
    if (!choice) return HW_OK;
    float *label_weights = hw_calloc(t->labels, sizeof *label_weights);
    if (!label_weights) return hw_fail_memory(err, t->labels * sizeof *label_weights);
    hw_status status = HW_OK;
    if (strcmp(choice, "balanced") == 0)
        balance(label_weights, t);
    else
        status = read_weights(label_weights, t, choice, err);
    if (status == HW_OK && t->plan.multi_label) {
        t->data.label_weights = label_weights;
        return HW_OK;
    }
    for (size_t i = 0; i < t->data.count && status == HW_OK; i++)
        t->data.weights[t->data.rows[i]] *=
            label_weights[t->data.labels[t->data.offsets[t->data.rows[i]]]];
    hw_free(label_weights);
    return status;
}

/* ---- Choosing ------------------------------------------------------------------------ */

static void note_reading(hw_training *t, const hw_learning_data *data, const char *path) {
    char note[512];
    if (data->dataset->bad_lines) {
        snprintf(note, sizeof note, "%zu bad lines left out; the first: %s",
                 data->dataset->bad_lines, data->dataset->first_bad);
        hw_training_note(t, note);
    }
    snprintf(note, sizeof note, "read %s: %zu texts, %zu labels%s", path, data->count, t->labels,
             t->plan.multi_label ? ", multi-label" : "");
    hw_training_note(t, note);
}

static hw_status choose_valid(hw_training *t, hw_error *err) {
    const hw_dataset *valid = t->valid.dataset;
    int32_t *label_of = hw_calloc(valid->label_count, sizeof *label_of);
    if (!label_of) return hw_fail_memory(err, valid->label_count * sizeof *label_of);
    for (size_t i = 0; i < valid->label_count; i++) {
        const hw_text name = hw_text_of(valid->label_names[i]);
        const int32_t known = hw_dataset_find_label(t->data.dataset, name);
        label_of[i] = known < 0 ? -1 : t->label_of[known];
    }
    hw_status status = set_targets(&t->valid, label_of, err);
    hw_free(label_of);
    if (status == HW_OK && !t->valid.count)
        status = hw_fail(err, HW_ERROR_FORMAT, "%s: none of its labels is in %s", t->options->valid,
                         t->options->input);
    if (status == HW_OK) note_reading(t, &t->valid, t->options->valid);
    return status;
}

hw_status hw_training_choose(hw_training *t, const hw_dataset *dataset, const hw_dataset *valid,
                             hw_error *err) {
    t->data.dataset = dataset;
    t->valid.dataset = valid;
    HW_TRY(hw_plan_make(&t->plan, t->options, dataset, err));
    HW_TRY(choose_labels(t, err));
    HW_TRY(set_targets(&t->data, t->label_of, err));
    if (!t->data.count)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: too few texts to learn from", t->options->input);
    HW_TRY(weigh_labels(t, err));
    note_reading(t, &t->data, t->options->input);
    return valid ? choose_valid(t, err) : HW_OK;
}

/* ---- Holding back ---------------------------------------------------------------------- */

static hw_status set_held_targets(hw_training *t, hw_error *err) {
    const hw_targets all = t->valid.dataset ? t->valid.targets : t->data.targets;
    size_t total = 0;
    for (size_t i = 0; i < t->held_count; i++)
        total += all.offsets[t->held[i] + 1] - all.offsets[t->held[i]];
    t->held_offsets = hw_calloc(t->held_count + 1, sizeof *t->held_offsets);
    t->held_labels = hw_calloc(total, sizeof *t->held_labels);
    if (!t->held_offsets || !t->held_labels) return hw_fail_memory(err, total * sizeof(uint32_t));
    size_t used = 0;
    for (size_t i = 0; i < t->held_count; i++) {
        for (uint32_t j = all.offsets[t->held[i]]; j < all.offsets[t->held[i] + 1]; j++)
            t->held_labels[used++] = all.labels[j];
        t->held_offsets[i + 1] = (uint32_t)used;
    }
    t->held_targets = (hw_targets){ t->held_offsets, t->held_labels, t->held_count };
    return HW_OK;
}

/* Rows without a label of the model are in neither part. */
static size_t only_usable(uint32_t *rows, size_t count, const hw_learning_data *data) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (data->offsets[rows[i] + 1] > data->offsets[rows[i]] && data->weights[rows[i]] > 0)
            rows[kept++] = rows[i];
    return kept;
}

static hw_status deal(hw_training *t, hw_error *err) {
    const size_t rows = t->data.dataset->count;
    uint32_t *fold = hw_calloc(rows, sizeof *fold);
    if (!fold) return hw_fail_memory(err, rows * sizeof *fold);
    hw_status status = hw_folds_deal(fold, t->data.dataset, t->plan.folds, t->options->seed, err);
    for (size_t i = 0; i < t->plan.trials && status == HW_OK; i++) {
        hw_trial *trial = &t->trials[i];
        uint32_t *held = t->held + t->held_count;
        hw_folds_hold(held, &trial->held_count, trial->learned, &trial->learned_count, fold,
                      (uint32_t)i, t->data.dataset);
        trial->first_held = t->held_count;
        trial->held_count = only_usable(held, trial->held_count, &t->data);
        trial->learned_count = only_usable(trial->learned, trial->learned_count, &t->data);
        t->held_count += trial->held_count;
        if (!trial->learned_count)
            status =
                hw_fail(err, HW_ERROR_FORMAT, "%s: too few texts to learn from", t->options->input);
    }
    hw_free(fold);
    return status;
}

static void take_valid(hw_training *t) {
    memcpy(t->held, t->valid.rows, t->valid.count * sizeof *t->held);
    memcpy(t->trials[0].learned, t->data.rows, t->data.count * sizeof *t->data.rows);
    t->held_count = t->trials[0].held_count = t->valid.count;
    t->trials[0].learned_count = t->data.count;
}

hw_status hw_training_hold_back(hw_training *t, hw_error *err) {
    const size_t rows = t->data.dataset->count;
    const size_t held = t->valid.dataset ? t->valid.count : rows;
    t->held = hw_calloc(held, sizeof *t->held);
    if (!t->held) return hw_fail_memory(err, held * sizeof *t->held);
    for (size_t i = 0; i < t->plan.trials; i++) {
        t->trials[i].learned = hw_calloc(rows, sizeof(uint32_t));
        if (!t->trials[i].learned) return hw_fail_memory(err, rows * sizeof(uint32_t));
    }
    if (t->valid.dataset)
        take_valid(t);
    else
        HW_TRY(deal(t, err));
    return set_held_targets(t, err);
}

const hw_training_set *hw_training_held_set(const hw_training *t) {
    return t->valid.dataset ? &t->valid_set : &t->set;
}
