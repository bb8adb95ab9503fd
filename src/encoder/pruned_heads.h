/* Which heads the layers of a network have no more, as a model's JSON says it: "pruned_heads", an
 * object from a layer's number to the list of its heads that are gone, by the numbers that they had
 * before any went. That is how `transformers` up to version 4 wrote it. */
#ifndef HW_ENCODER_PRUNED_HEADS_H
#define HW_ENCODER_PRUNED_HEADS_H

#include "base/bits.h"
#include "base/error.h"

#include <jansson.h>

enum { HW_PRUNABLE_HEADS = HW_BITS }; /* a layer of more cannot be pruned */

/* pruned[layers]: a bit for each head, 0 where the JSON says nothing. json: the object, NULL or
 * null. Anything but ascending heads in [0, heads) of layers in [0, layers), at least one of which
 * stays, is HW_ERROR_FORMAT. name is for messages. */
hw_status hw_pruned_heads_load(uint64_t *pruned, int32_t layers, int32_t heads, const json_t *json,
                               const char *name, hw_error *err);
/* HW_OK if pruned[layers] leaves every layer a head and names none that there is not. */
hw_status hw_pruned_heads_check(const uint64_t *pruned, int32_t layers, int32_t heads,
                                const char *name, hw_error *err);
/* The object; NULL if memory is short. */
json_t *hw_pruned_heads_json(const uint64_t *pruned, int32_t layers);
/* True if there is no such head. */
bool hw_pruned_heads_none(const uint64_t *pruned, int32_t layers);

#endif
