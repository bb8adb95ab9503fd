/* JSON by jansson. Invariant: texts and labels of the draft are strings of the tree that
 * *json holds; a label that is no string is replaced by one in the tree. */
#include "text/jsonl.h"

#include "base/json.h"

enum { FLAGS = JSON_ALLOW_NUL }; /* \u0000 in a text is an ordinary character */

static const double GREATEST_WEIGHT = 1e6;

static json_t *tree(hw_json *json) {
    return (json_t *)json;
}

void hw_json_free(hw_json *json) {
    json_decref(tree(json));
}

static json_t *find_member(const json_t *object, const char *const *names) {
    json_t *found = NULL;
    for (; *names && !found; ++names) found = json_object_get(object, *names);
    return found;
}

static hw_text text_of(const json_t *string) {
    return (hw_text){ json_string_value(string), json_string_length(string) };
}

/* Numbers and booleans as they are written in JSON; 15 digits, so that 0.1 stays 0.1. */
static json_t *string_of(const json_t *value) {
    char digits[64];
    const size_t length =
        json_dumpb(value, digits, sizeof digits, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    return length > 0 && length <= sizeof digits ? json_stringn(digits, length) : NULL;
}

static hw_status add_labels(hw_draft *draft, json_t *array, hw_error *err) {
    for (size_t i = 0; i < json_array_size(array); ++i) {
        const json_t *label = json_array_get(array, i);
        if (json_is_number(label) || json_is_boolean(label)) {
            if (json_array_set_new(array, i, string_of(label)) != 0)
                return hw_fail_memory(err, sizeof(void *));
            label = json_array_get(array, i);
        }
        if (!json_is_string(label))
            return hw_draft_fail(draft, err, "a label is neither a string nor a number");
        HW_TRY(hw_draft_add_label(draft, text_of(label), err));
    }
    return HW_OK;
}

/* One label is treated as an array of one, which becomes a member of the object. */
static hw_status read_labels(hw_draft *draft, json_t *object, const char *const *names,
                             hw_error *err) {
    json_t *labels = find_member(object, names);
    if (!labels || json_is_null(labels)) return HW_OK;
    if (json_is_array(labels)) return add_labels(draft, labels, err);
    json_t *array = json_array();
    if (json_array_append(array, labels) != 0 || json_object_set(object, names[0], array) != 0) {
        json_decref(array);
        return hw_fail_memory(err, sizeof(void *));
    }
    json_decref(array); /* the object holds it now */
    return add_labels(draft, array, err);
}

static hw_status read_weight(hw_draft *draft, const json_t *weight, hw_error *err) {
    if (!weight) return HW_OK;
    draft->weight = json_number_value(weight);
    if (json_is_number(weight) && draft->weight > 0 && draft->weight <= GREATEST_WEIGHT)
        return HW_OK;
    return hw_draft_fail(draft, err, "weight is not a number in (0, %g]", GREATEST_WEIGHT);
}

hw_status hw_jsonl_parse(hw_draft *draft, hw_json **json, hw_text line,
                         const char *const *text_names, const char *const *label_names,
                         hw_error *err) {
    json_error_t problem;
    json_t *object = json_loadb(line.bytes, line.length, FLAGS, &problem);
    hw_json_free(*json);
    *json = (hw_json *)object;
    if (!object && hw_json_lacked_memory(&problem)) return hw_fail_memory(err, line.length);
    if (!object)
        return hw_draft_fail(draft, err, "bad JSON at byte %d: %s", problem.position, problem.text);
    if (!json_is_object(object)) return hw_draft_fail(draft, err, "not a JSON object");

    const json_t *text = find_member(object, text_names);
    if (!json_is_string(text))
        return hw_draft_fail(draft, err, "no string named \"%s\"", text_names[0]);
    draft->text = text_of(text);
    HW_TRY(read_weight(draft, json_object_get(object, "weight"), err));
    return read_labels(draft, object, label_names, err);
}

bool hw_is_json_object(hw_text line) {
    if (line.length == 0 || line.bytes[0] != '{') return false;
    json_t *object = json_loadb(line.bytes, line.length, FLAGS, NULL);
    json_decref(object);
    return object != NULL;
}
