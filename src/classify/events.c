/* Builds the list of events. */
#include "classify/events.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

size_t hw_largest_label(const float *probabilities, size_t labels) {
    size_t best = 0;
    for (size_t label = 1; label < labels; label++)
        if (probabilities[label] > probabilities[best]) best = label;
    return best;
}

bool hw_targets_have(hw_targets targets, size_t row, size_t label) {
    for (uint32_t i = targets.offsets[row]; i < targets.offsets[row + 1]; i++)
        if (targets.labels[i] == label) return true;
    return false;
}

uint32_t hw_targets_gold(hw_targets targets, size_t row, size_t predicted) {
    assert(targets.offsets[row] < targets.offsets[row + 1]);
    if (hw_targets_have(targets, row, predicted)) return (uint32_t)predicted;
    return targets.labels[targets.offsets[row]];
}

static int compare_uint32(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static hw_status collect_unknown(hw_events *events, hw_targets targets, size_t labels,
                                 hw_error *err) {
    const size_t end = targets.offsets[targets.rows];
    size_t found = 0;
    for (size_t i = targets.offsets[0]; i < end; i++) found += targets.labels[i] >= labels;
    events->unknown = hw_calloc(found + 1, sizeof *events->unknown);
    if (!events->unknown) return hw_fail_memory(err, (found + 1) * sizeof *events->unknown);
    found = 0;
    for (size_t i = targets.offsets[0]; i < end; i++)
        if (targets.labels[i] >= labels) events->unknown[found++] = targets.labels[i];
    qsort(events->unknown, found, sizeof *events->unknown, compare_uint32);
    for (size_t i = 0; i < found; i++)
        if (!i || events->unknown[i] != events->unknown[i - 1])
            events->unknown[events->unknowns++] = events->unknown[i];
    events->classes = labels + events->unknowns;
    return HW_OK;
}

static uint32_t class_of(const hw_events *events, uint32_t label, size_t labels) {
    if (label < labels) return label;
    const uint32_t *place =
        bsearch(&label, events->unknown, events->unknowns, sizeof *events->unknown, compare_uint32);
    return (uint32_t)(labels + (size_t)(place - events->unknown));
}

static hw_status add_event(hw_events *events, size_t row, hw_event e, hw_error *err) {
    size_t *end = &events->offsets[row + 1];
    if (!hw_grow((void **)&events->items, &events->capacity, *end + 1, sizeof e))
        return hw_fail_memory(err, (*end + 1) * sizeof e);
    events->items[(*end)++] = e;
    return HW_OK;
}

static hw_status add_single(hw_events *events, size_t row, const float *probabilities,
                            hw_targets targets, size_t labels, hw_error *err) {
    const size_t predicted = hw_largest_label(probabilities, labels);
    const uint32_t gold = hw_targets_gold(targets, row, predicted);
    if (gold == predicted) return add_event(events, row, (hw_event){ gold, 1, 1 }, err);
    HW_TRY(add_event(events, row, (hw_event){ class_of(events, gold, labels), 1, 0 }, err));
    return add_event(events, row, (hw_event){ (uint32_t)predicted, 0, 1 }, err);
}

static hw_status add_multi(hw_events *events, size_t row, const float *probabilities,
                           hw_targets targets, size_t labels, const float *thresholds,
                           hw_error *err) {
    for (uint32_t i = targets.offsets[row]; i < targets.offsets[row + 1]; i++) {
        const uint32_t label = targets.labels[i];
        const bool predicted = label < labels && probabilities[label] >= thresholds[label];
        HW_TRY(add_event(events, row, (hw_event){ class_of(events, label, labels), 1, predicted },
                         err));
    }
    for (size_t label = 0; label < labels; label++)
        if (probabilities[label] >= thresholds[label] && !hw_targets_have(targets, row, label))
            HW_TRY(add_event(events, row, (hw_event){ (uint32_t)label, 0, 1 }, err));
    return HW_OK;
}

hw_status hw_events_collect(hw_events *events, const float *probabilities, hw_targets targets,
                            size_t labels, const float *thresholds, hw_error *err) {
    HW_TRY(collect_unknown(events, targets, labels, err));
    events->rows = targets.rows;
    events->offsets = hw_calloc(targets.rows + 1, sizeof *events->offsets);
    if (!events->offsets) return hw_fail_memory(err, (targets.rows + 1) * sizeof *events->offsets);
    for (size_t row = 0; row < targets.rows; row++) {
        const float *p = probabilities + row * labels;
        events->offsets[row + 1] = events->offsets[row];
        HW_TRY(thresholds ? add_multi(events, row, p, targets, labels, thresholds, err)
                          : add_single(events, row, p, targets, labels, err));
    }
    return HW_OK;
}

bool hw_events_predict(const hw_events *events, size_t row, uint32_t label) {
    for (size_t i = events->offsets[row]; i < events->offsets[row + 1]; i++)
        if (events->items[i].class == label) return events->items[i].predicted;
    return false;
}

bool hw_events_match(const hw_events *events, size_t row) {
    for (size_t i = events->offsets[row]; i < events->offsets[row + 1]; i++)
        if (events->items[i].gold != events->items[i].predicted) return false;
    return true;
}

void hw_events_free(hw_events *events) {
    hw_free(events->items);
    hw_free(events->offsets);
    hw_free(events->unknown);
}
