/* Dealing a file into parts, and making variants of them. Every row that is made goes through
 * hw_dataset_add, so a variant is a data set like any other. */
#include "study/parts.h"

#include "base/memory.h"
#include "base/random.h"
#include "study/order_task.h"
#include "text/dataset_builder.h"
#include "train/folds.h"

#include <string.h>

enum { FOLDS = 10, DEV_FOLD = 2 /* the folds below it are the test part */ };
enum { PURPOSE_KEEP = 0x7374, PURPOSE_NOISE, PURPOSE_LABEL, PURPOSE_PARTNER };

const char *hw_variant_name(hw_variant variant) {
    static const char *const names[] = {
#define X(id, name) name,
        HW_VARIANT_LIST(X)
#undef X
    };
    return names[variant];
}

/* ---- Copying rows ------------------------------------------------------------------------- */

/* A row on its way from one data set into another. */
typedef struct copied_row {
    const hw_dataset *from;
    size_t row;
    hw_record record;
    hw_text *names; /* [labels of the row, at least 2] record.labels */
    char *text;     /* what record.text may point into; owned */
} copied_row;

/* Changes the record; *keep is false if the row is to be left out. */
typedef hw_status change_fn(copied_row *copied, bool *keep, const void *context, hw_error *err);

static hw_text label_name(const hw_dataset *dataset, size_t row, uint32_t i) {
    const hw_example *example = &dataset->examples[row];
    return hw_text_of(dataset->label_names[dataset->label_index[example->first_label + i]]);
}

static hw_status begin_row(copied_row *copied, size_t row, hw_error *err) {
    const hw_example *example = &copied->from->examples[row];
    const size_t names = example->labels > 2 ? example->labels : 2;
    copied->row = row;
    copied->names = hw_calloc(names, sizeof *copied->names);
    if (!copied->names) return hw_fail_memory(err, names * sizeof *copied->names);
    for (uint32_t i = 0; i < example->labels; i++)
        copied->names[i] = label_name(copied->from, row, i);
    copied->record = (hw_record){ .text = example->text,
                                  .labels = copied->names,
                                  .label_count = example->labels,
                                  .weight = (double)example->weight,
                                  .line = example->line };
    return HW_OK;
}

static hw_status copy_row(hw_dataset_builder *builder, const hw_dataset *from, size_t row,
                          change_fn *change, const void *context, hw_error *err) {
    copied_row copied = { .from = from };
    bool keep = true;
    hw_status status = begin_row(&copied, row, err);
    if (status == HW_OK && change) status = change(&copied, &keep, context, err);
    if (status == HW_OK && keep) status = hw_dataset_add(builder, &copied.record, err);
    hw_free(copied.names);
    hw_free(copied.text);
    return status;
}

/* *to: a data set of its own. change may be NULL. */
static hw_status copy_rows(hw_dataset **to, const hw_dataset *from, change_fn *change,
                           const void *context, hw_error *err) {
    hw_dataset_builder builder;
    HW_TRY(hw_dataset_begin(&builder, "the study's data", err));
    *to = builder.dataset;
    for (size_t row = 0; row < from->count; row++)
        HW_TRY(copy_row(&builder, from, row, change, context, err));
    if (from->count && !builder.dataset->count)
        return hw_fail(err, HW_ERROR_ARGUMENT, "too few texts for a study: a part has none");
    return HW_OK;
}

/* ---- Loading ------------------------------------------------------------------------------ */

typedef enum part { TRAIN, DEV, TEST } part;

/* Which part the folds of the input go to. */
typedef struct dealing {
    const uint32_t *fold_of; /* [rows] */
    bool has_dev, has_test;  /* in files of their own */
    part wanted;
} dealing;

static part part_of(const dealing *d, size_t row) {
    const uint32_t fold = d->fold_of[row];
    if (fold < DEV_FOLD && !d->has_test) return TEST;
    return fold == DEV_FOLD && !d->has_dev ? DEV : TRAIN;
}

static hw_status keep_part(copied_row *copied, bool *keep, const void *context, hw_error *err) {
    (void)err;
    const dealing *d = context;
    *keep = part_of(d, copied->row) == d->wanted;
    return HW_OK;
}

static hw_status take_part(hw_dataset **to, const hw_dataset *all, dealing d, part wanted,
                           hw_error *err) {
    d.wanted = wanted;
    return copy_rows(to, all, keep_part, &d, err);
}

/* Fills the parts that have no file. */
static hw_status deal(hw_parts *parts, const hw_dataset *all, hw_error *err) {
    uint32_t *fold_of = hw_calloc(all->count, sizeof *fold_of);
    if (!fold_of) return hw_fail_memory(err, all->count * sizeof *fold_of);
    const dealing d = { fold_of, parts->dev != NULL, parts->test != NULL, TRAIN };
    hw_status status = hw_folds_deal(fold_of, all, FOLDS, 0, err);
    if (status == HW_OK) status = take_part(&parts->train, all, d, TRAIN, err);
    if (status == HW_OK && !d.has_dev) status = take_part(&parts->dev, all, d, DEV, err);
    if (status == HW_OK && !d.has_test) status = take_part(&parts->test, all, d, TEST, err);
    hw_free(fold_of);
    return status;
}

static hw_status load_part(hw_dataset **loaded, const char *path, const hw_study_options *options,
                           hw_error *err) {
    if (!path) return HW_OK;
    *loaded = hw_dataset_load(path, &options->reader, err);
    return *loaded ? HW_OK : err->status;
}

static hw_status load_all(hw_parts *parts, const hw_study_options *options, hw_error *err) {
    hw_dataset *all = NULL;
    HW_TRY(load_part(&parts->dev, options->valid, options, err));
    HW_TRY(load_part(&parts->test, options->test, options, err));
    HW_TRY(load_part(&all, options->input, options, err));
    if (parts->dev && parts->test) {
        parts->train = all;
        return HW_OK;
    }
    const hw_status status = deal(parts, all, err);
    hw_dataset_free(all);
    return status;
}

/* What no training and no interval can do without. */
static hw_status check(const hw_parts *parts, const hw_study_options *options, hw_error *err) {
    if (parts->train->label_count < 2)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: only one label to learn; a study needs at least two", options->input);
    if (parts->test->count < 2)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: only one text to test with; a study needs at least two",
                       options->test ? options->test : options->input);
    return HW_OK;
}

hw_status hw_parts_load(hw_parts *parts, const hw_study_options *options, hw_error *err) {
    HW_TRY(load_all(parts, options, err));
    return check(parts, options, err);
}

void hw_parts_free(hw_parts *parts) {
    hw_dataset_free(parts->train);
    hw_dataset_free(parts->dev);
    hw_dataset_free(parts->test);
    *parts = (hw_parts){ 0 };
}

/* ---- Variants ----------------------------------------------------------------------------- */

typedef struct draw {
    uint64_t seed;
    int32_t level; /* % of the rows */
} draw;

/* Rows that are left at a level are left at every higher one. */
static bool is_drawn(const draw *d, uint64_t purpose, size_t row) {
    return hw_random_below(d->seed, purpose, row, 100) < (uint64_t)d->level;
}

static hw_status keep_fraction(copied_row *copied, bool *keep, const void *context, hw_error *err) {
    (void)err;
    *keep = is_drawn(context, PURPOSE_KEEP, copied->row);
    return HW_OK;
}

/* Another label, each of the others alike. */
static hw_status mislabel(copied_row *copied, bool *keep, const void *context, hw_error *err) {
    (void)keep;
    (void)err;
    const draw *d = context;
    const hw_dataset *from = copied->from;
    if (!is_drawn(d, PURPOSE_NOISE, copied->row) || from->label_count < 2) return HW_OK;
    const uint32_t own = from->label_index[from->examples[copied->row].first_label];
    const uint64_t others = from->label_count - 1;
    uint64_t label = hw_random_below(d->seed, PURPOSE_LABEL, copied->row, others);
    if (label >= own) label++;
    copied->names[0] = hw_text_of(from->label_names[label]);
    copied->record.label_count = 1;
    return HW_OK;
}

/* The next row, from a random one on, whose first label differs; the row itself if none does. */
static size_t partner_of(const hw_dataset *dataset, size_t row, uint64_t seed) {
    const uint32_t own = dataset->label_index[dataset->examples[row].first_label];
    const size_t start = (size_t)hw_random_below(seed, PURPOSE_PARTNER, row, dataset->count);
    for (size_t i = 0; i < dataset->count; i++) {
        const size_t other = (start + i) % dataset->count;
        if (dataset->label_index[dataset->examples[other].first_label] != own) return other;
    }
    return row;
}

/* The text, a space, and a text of another label. */
static hw_status pair_up(copied_row *copied, bool *keep, const void *context, hw_error *err) {
    const draw *d = context;
    const size_t other = partner_of(copied->from, copied->row, d->seed);
    const hw_text first = copied->record.text, second = copied->from->examples[other].text;
    *keep = other != copied->row;
    copied->text = hw_malloc(first.length + second.length + 1);
    if (!copied->text) return hw_fail_memory(err, first.length + second.length + 1);
    memcpy(copied->text, first.bytes, first.length);
    copied->text[first.length] = ' ';
    memcpy(copied->text + first.length + 1, second.bytes, second.length);
    copied->record.text = (hw_text){ copied->text, first.length + second.length + 1 };
    copied->names[1] = label_name(copied->from, other, 0);
    copied->record.label_count = 2;
    return HW_OK;
}

hw_status hw_parts_vary(hw_parts *made, const hw_parts *parts, hw_variant variant, int32_t level,
                        uint64_t seed, hw_error *err) {
    static change_fn *const of_train[HW_VARIANTS] = {
        [HW_VARIANT_FRACTION] = keep_fraction, [HW_VARIANT_NOISE] = mislabel
    };
    const draw d = { seed, level };
    if (variant == HW_VARIANT_ORDER)
        return hw_order_task_make(made, parts->train, (size_t)level, seed, err);
    HW_TRY(copy_rows(&made->train, parts->train, of_train[variant], &d, err));
    HW_TRY(copy_rows(&made->dev, parts->dev, NULL, NULL, err));
    return copy_rows(&made->test, parts->test, variant == HW_VARIANT_PAIRS ? pair_up : NULL, &d,
                     err);
}
