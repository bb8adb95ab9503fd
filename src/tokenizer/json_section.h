/* Reading the sections of a tokenizer.json: members of an object with their type checked, and
 * messages that say where. Invariant: nothing here keeps or releases a reference. */
#ifndef HW_TOKENIZER_JSON_SECTION_H
#define HW_TOKENIZER_JSON_SECTION_H

#include "base/error.h"

#include <jansson.h>

typedef struct hw_section {
    const json_t *json;
    const char *name; /* of the file */
    const char *path; /* of the section in it: "normalizer" */
} hw_section;

typedef struct hw_section_place_text {
    char text[200];
} hw_section_place_text;

/* "tokenizer.json: normalizer.pattern" */
hw_section_place_text hw_section_place(hw_section section, const char *key);

/* A member that is missing or of another type is HW_ERROR_FORMAT. */
hw_status hw_section_flag(bool *flag, hw_section section, const char *key, hw_error *err);
hw_status hw_section_string(hw_text *string, hw_section section, const char *key, hw_error *err);
/* The same for members that may be missing or null: the value stays. */
hw_status hw_section_optional_flag(bool *flag, hw_section section, const char *key, hw_error *err);
/* allowed: false if the list would be nested too deeply. */
hw_status hw_section_list(const json_t **list, hw_section section, const char *key, bool allowed,
                          hw_error *err);
static inline hw_section hw_section_item(hw_section section, const json_t *list, size_t i) {
    return (hw_section){ json_array_get(list, i), section.name, section.path };
}

/* HW_ERROR_UNSUPPORTED with the place and the value. */
hw_status hw_section_unsupported(hw_section section, const char *key, const char *value,
                                 hw_error *err);

#endif
