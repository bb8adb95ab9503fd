/* Invariant: what hw_pruned_heads_json writes, hw_pruned_heads_load reads back. */
#include "encoder/pruned_heads.h"

#include <stdio.h>
#include <stdlib.h>

bool hw_pruned_heads_none(const uint64_t *pruned, int32_t layers) {
    for (int32_t l = 0; l < layers; l++)
        if (pruned[l]) return false;
    return true;
}

hw_status hw_pruned_heads_check(const uint64_t *pruned, int32_t layers, int32_t heads,
                                const char *name, hw_error *err) {
    if (hw_pruned_heads_none(pruned, layers)) return HW_OK;
    if (heads > HW_PRUNABLE_HEADS)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: pruned_heads with more than %d heads", name,
                       HW_PRUNABLE_HEADS);
    const uint64_t all = UINT64_MAX >> (HW_PRUNABLE_HEADS - heads);
    for (int32_t l = 0; l < layers; l++) {
        if (pruned[l] & ~all)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: pruned_heads: layer %d has only %d heads",
                           name, (int)l, (int)heads);
        if (pruned[l] == all)
            return hw_fail(err, HW_ERROR_FORMAT, "%s: pruned_heads leaves layer %d without a head",
                           name, (int)l);
    }
    return HW_OK;
}

/* ---- Reading ------------------------------------------------------------------------------ */

static bool read_layer(int32_t *layer, int32_t layers, const char *key) {
    char *end;
    const long number = strtol(key, &end, 10);
    *layer = (int32_t)number;
    return *key >= '0' && *key <= '9' && !*end && number < layers;
}

static bool read_heads(uint64_t *pruned, int32_t heads, const json_t *list) {
    json_int_t last = -1;
    if (!json_is_array(list)) return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        const json_int_t head = json_integer_value(value);
        if (!json_is_integer(value) || head <= last || head >= heads || head >= HW_PRUNABLE_HEADS)
            return false;
        *pruned |= UINT64_C(1) << head;
        last = head;
    }
    return true;
}

hw_status hw_pruned_heads_load(uint64_t *pruned, int32_t layers, int32_t heads, const json_t *json,
                               const char *name, hw_error *err) {
    const char *key;
    json_t *list;
    if (!json || json_is_null(json)) return HW_OK;
    if (!json_is_object(json))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: pruned_heads is no object", name);
    json_object_foreach((json_t *)json, key, list) {
        int32_t layer = 0;
        if (!read_layer(&layer, layers, key))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: pruned_heads: \"%.20s\" is no layer", name,
                           key);
        if (!read_heads(&pruned[layer], heads, list))
            return hw_fail(err, HW_ERROR_FORMAT,
                           "%s: pruned_heads: layer %d has no list of heads below %d, ascending",
                           name, (int)layer, (int)heads);
    }
    return hw_pruned_heads_check(pruned, layers, heads, name, err);
}

/* ---- Writing ------------------------------------------------------------------------------ */

static json_t *heads_json(uint64_t pruned) {
    json_t *list = json_array();
    int failed = !list;
    for (int32_t head = 0; head < HW_PRUNABLE_HEADS; head++)
        if (hw_has_bit(pruned, head)) failed |= json_array_append_new(list, json_integer(head));
    if (!failed) return list;
    json_decref(list);
    return NULL;
}

json_t *hw_pruned_heads_json(const uint64_t *pruned, int32_t layers) {
    json_t *json = json_object();
    int failed = !json;
    for (int32_t l = 0; l < layers; l++) {
        char key[16];
        snprintf(key, sizeof key, "%d", (int)l);
        if (pruned[l]) failed |= json_object_set_new(json, key, heads_json(pruned[l]));
    }
    if (!failed) return json;
    json_decref(json);
    return NULL;
}
