/* One function for each type that members have. */
#include "tokenizer/json_section.h"

#include <stdio.h>

hw_section_place_text hw_section_place(hw_section section, const char *key) {
    hw_section_place_text place;
    snprintf(place.text, sizeof place.text, "%s: %s.%s", section.name, section.path, key);
    return place;
}

static hw_status expected(hw_section section, const char *key, const char *what, hw_error *err) {
    return hw_fail(err, HW_ERROR_FORMAT, "%s: %s.%s: %s is expected", section.name, section.path,
                   key, what);
}

hw_status hw_section_flag(bool *flag, hw_section section, const char *key, hw_error *err) {
    const json_t *member = json_object_get(section.json, key);
    if (!json_is_boolean(member)) return expected(section, key, "true or false", err);
    *flag = json_is_true(member);
    return HW_OK;
}

hw_status hw_section_optional_flag(bool *flag, hw_section section, const char *key, hw_error *err) {
    const json_t *member = json_object_get(section.json, key);
    return !member || json_is_null(member) ? HW_OK : hw_section_flag(flag, section, key, err);
}

hw_status hw_section_string(hw_text *string, hw_section section, const char *key, hw_error *err) {
    const json_t *member = json_object_get(section.json, key);
    if (!json_is_string(member)) return expected(section, key, "a string", err);
    *string = (hw_text){ json_string_value(member), json_string_length(member) };
    return HW_OK;
}

hw_status hw_section_list(const json_t **list, hw_section section, const char *key, bool allowed,
                          hw_error *err) {
    *list = json_object_get(section.json, key);
    if (!json_is_array(*list)) return expected(section, key, "a list", err);
    return allowed ? HW_OK : expected(section, key, "less nesting", err);
}

hw_status hw_section_unsupported(hw_section section, const char *key, const char *value,
                                 hw_error *err) {
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s.%s: \"%.100s\" is not supported",
                   section.name, section.path, key, value);
}
