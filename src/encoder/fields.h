/* Which key of config.json sets which field of hw_encoder_config, family by family. */
#ifndef HW_ENCODER_FIELDS_H
#define HW_ENCODER_FIELDS_H

#include "encoder/config.h"

#include <string.h>

/* readout_dropout where the file says nothing: that of the hidden states. */
#define HW_FIELD_UNSET (-1.0f)

static inline bool hw_json_is(const json_t *value, const char *text) {
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* Overwrites the fields whose key is there and not null. */
hw_status hw_encoder_fields_load(hw_encoder_config *config, const json_t *json, const char *name,
                                 hw_error *err);

#endif
