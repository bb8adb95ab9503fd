/* The texts that two classifiers see differently, with all names. Invariant: names are counted
 * before they are stored, so that no flip's names ever move. */
#include "classify/comparison.h"

#include "base/memory.h"

static size_t count_predictions(const hw_events *events, size_t row) {
    size_t count = 0;
    for (size_t i = events->offsets[row]; i < events->offsets[row + 1]; i++)
        count += events->items[i].predicted;
    return count;
}

static bool is_flip(const hw_events events[2], size_t row) {
    if (count_predictions(&events[0], row) != count_predictions(&events[1], row)) return true;
    for (size_t i = events[0].offsets[row]; i < events[0].offsets[row + 1]; i++) {
        const hw_event *e = &events[0].items[i];
        if (e->predicted && !hw_events_predict(&events[1], row, e->class)) return true;
    }
    return false;
}

static hw_status reserve(hw_compared *c, hw_error *err) {
    size_t flips = 0, names = 0;
    for (size_t row = 0; row < c->corpus.dataset->count; row++) {
        if (!is_flip(c->events, row)) continue;
        flips++;
        names += c->corpus.dataset->examples[row].labels;
        for (int i = 0; i < 2; i++) names += count_predictions(&c->events[i], row);
    }
    c->result.flip = hw_calloc(flips + 1, sizeof *c->result.flip);
    c->names = hw_calloc(names + 1, sizeof *c->names);
    if (c->result.flip && c->names) return HW_OK;
    return hw_fail_memory(err, (flips + 1) * sizeof *c->result.flip + names * sizeof *c->names);
}

/* Stores the names at *name, which it moves on. */
static void name_predictions(hw_flip *flip, int i, const char ***name, const hw_events *events,
                             size_t row, const hw_classifier *first) {
    flip->predicted[i] = *name;
    for (size_t e = events->offsets[row]; e < events->offsets[row + 1]; e++)
        if (events->items[e].predicted)
            *(*name)++ = hw_classifier_label(first, (int32_t)events->items[e].class);
    flip->predictions[i] = (size_t)(*name - (const char **)flip->predicted[i]);
}

static hw_flip make_flip(const hw_compared *c, const char ***name, size_t row,
                         const hw_classifier *first) {
    const hw_dataset *dataset = c->corpus.dataset;
    const hw_example *example = &dataset->examples[row];
    hw_flip flip = {
        .text = example->text, .line = example->line, .truth = *name, .truths = example->labels
    };
    for (uint32_t i = 0; i < example->labels; i++)
        *(*name)++ = dataset->label_names[dataset->label_index[example->first_label + i]];
    for (int i = 0; i < 2; i++) {
        flip.right[i] = hw_events_match(&c->events[i], row);
        name_predictions(&flip, i, name, &c->events[i], row, first);
    }
    return flip;
}

hw_status hw_flips_collect(hw_compared *compared, const hw_classifier *first, hw_error *err) {
    HW_TRY(reserve(compared, err));
    const char **name = compared->names;
    for (size_t row = 0; row < compared->corpus.dataset->count; row++)
        if (is_flip(compared->events, row))
            compared->result.flip[compared->result.flips++] =
                make_flip(compared, &name, row, first);
    return HW_OK;
}
