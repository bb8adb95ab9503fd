/* The whole report as one JSON object. */
#include "head_report.h"

#include "json_text.h"

static json_t *interval_json(hw_interval interval) {
    return json_pack("[o, o]", json_number(interval.low), json_number(interval.high));
}

static json_t *test_json(const hw_role_test *test) {
    return json_pack("{s:o, s:o, s:o, s:o}", "score", json_number(test->score), "base",
                     json_number(test->base), "p", json_number(test->p), "p_holm",
                     json_number(test->p_holm));
}

static json_t *look_json(const hw_head_look *look) {
    json_t *tests = json_object();
    for (int role = 0; role < HW_ROLE_NONE; role++)
        json_object_set_new(tests, hw_head_role_text((hw_head_role)role),
                            test_json(&look->tests[role]));
    return json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "role",
                     hw_head_role_text(look->role), "offset", (int)look->offset, "entropy",
                     json_number(look->entropy), "confidence", json_number(look->confidence),
                     "distance", json_number(look->distance), "distance_ratio",
                     json_number(look->distance_ratio), "first", json_number(look->sink), "marks",
                     json_number(look->separators), "tests", tests);
}

static json_t *towers_json(const hw_head_report *r, size_t head) {
    json_t *towers = json_array();
    for (size_t tower = 0; tower < r->towers; tower++)
        json_array_append_new(towers, look_json(&r->look[tower * r->count + head]));
    return towers;
}

/* The number that the table shows. */
static int original(const head_report_view *view, hw_head_id head) {
    return (int)hw_classifier_original_head(view->classifier, head.layer, head.head);
}

static json_t *head_json(const head_report_view *view, size_t head) {
    const hw_head_worth *w = &view->report->worth[head];
    return json_pack("{s:i, s:i, s:i, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "layer",
                     (int)w->head.layer, "head", original(view, w->head), "now", (int)w->head.head,
                     "accuracy_off", json_number(w->accuracy), "change", json_number(w->change),
                     "interval", interval_json(w->interval), "gained", (json_int_t)w->gained,
                     "lost", (json_int_t)w->lost, "p", json_number(w->p), "p_holm",
                     json_number(w->p_holm), "loss_change", json_number(w->loss_change), "moved",
                     json_number(w->moved), "towers", towers_json(view->report, head));
}

/* [heads][heads] */
static json_t *matrix_json(const double *values, size_t n) {
    json_t *rows = json_array();
    for (size_t i = 0; i < n; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < n; j++) json_array_append_new(row, json_number(values[i * n + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *layer_json(const hw_head_report *r, size_t i) {
    const size_t at = i * r->heads * r->heads, heads = r->layer_heads[i % r->layers];
    return json_pack("{s:I, s:I, s:o, s:o, s:o}", "tower", (json_int_t)(i / r->layers), "layer",
                     (json_int_t)(i % r->layers), "effective_heads", json_number(r->effective[i]),
                     "divergence", matrix_json(r->distance + at, heads), "output_distance",
                     matrix_json(r->output_distance + at, heads));
}

static json_t *layers_json(const hw_head_report *r) {
    json_t *layers = json_array();
    for (size_t i = 0; i < r->towers * r->layers; i++)
        json_array_append_new(layers, layer_json(r, i));
    return layers;
}

static json_t *steps_json(const head_report_view *view) {
    json_t *steps = json_array();
    for (size_t i = 0; i < view->report->steps; i++) {
        const hw_head_step *step = &view->report->step[i];
        json_array_append_new(
            steps, json_pack("{s:i, s:i, s:i, s:o, s:o, s:o}", "layer", (int)step->head.layer,
                             "head", original(view, step->head), "now", (int)step->head.head,
                             "accuracy", json_number(step->accuracy), "change",
                             json_number(step->change), "interval", interval_json(step->interval)));
    }
    return steps;
}

hw_status head_report_print_json(const head_report_view *view, hw_error *err) {
    const hw_head_report *r = view->report;
    json_t *heads = json_array();
    for (size_t head = 0; head < r->count; head++)
        json_array_append_new(heads, head_json(view, head));
    json_t *object = json_pack(
        "{s:o, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:o, s:o, s:o, s:I, s:o}", "model",
        json_text(hw_text_of(view->model)), "multi_label", (int)r->multi_label, "available",
        (json_int_t)r->available, "texts", (json_int_t)r->texts, "looked", (json_int_t)r->looked,
        "skipped", (json_int_t)r->skipped, "accuracy", json_number(r->accuracy), "loss",
        json_number(r->loss), "towers", (json_int_t)r->towers, "heads", heads, "layers",
        layers_json(r), "tolerance", json_number(r->tolerance), "removable",
        (json_int_t)r->removable, "steps", steps_json(view));
    return json_print_line(object, err);
}
