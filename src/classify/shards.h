/* The tensors of a folder of Hugging Face's: model.safetensors, or the shards that
 * model.safetensors.index.json lists. Invariant: every tensor of a shard is one that the index puts
 * there, and every tensor of the index is there. */
#ifndef HW_CLASSIFY_SHARDS_H
#define HW_CLASSIFY_SHARDS_H

#include "classify/bundle.h"

#include <jansson.h>

enum { HW_SHARDS_LIMIT = 256, HW_SHARDED_TENSORS_LIMIT = 4096 };

/* Adds views of all tensors to the bundle. */
hw_status hw_shards_attach(hw_bundle *bundle, const char *folder, hw_error *err);
/* Checks the parsed index: "weight_map" is an object of plain file names. name is for messages. */
hw_status hw_shards_check_index(const json_t *index, const char *name, hw_error *err);

#endif
