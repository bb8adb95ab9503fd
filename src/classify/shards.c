/* Opens model.safetensors or its shards. A shard's name is one component of a path, so that no file
 * outside the folder can be named. */
#include "classify/shards.h"

#include "base/folder.h"
#include "base/json.h"
#include "base/memory.h"

#include <string.h>

static const char single_file[] = "model.safetensors";
static const char index_file[] = "model.safetensors.index.json";
enum { INDEX_LIMIT = 16 << 20 };

/* Files that hold weights in ways that are not read here. */
static const char *const other_weights[] = { "pytorch_model.bin", "pytorch_model.bin.index.json",
                                             "tf_model.h5", "flax_model.msgpack" };
enum { OTHERS = sizeof other_weights / sizeof *other_weights };

static hw_status attach_file(hw_bundle *bundle, const char *path, hw_error *err) {
    hw_safetensors *file = hw_safetensors_open(path, false, err);
    return file ? hw_bundle_attach(bundle, file, path, err) : err->status;
}

static hw_status refuse_other_weights(const char *folder, hw_error *err) {
    for (size_t i = 0; i < OTHERS; i++) {
        char *path = hw_path_join(folder, other_weights[i], err);
        if (!path) return HW_ERROR_MEMORY;
        const bool exists = hw_file_exists(path);
        hw_free(path);
        if (exists)
            return hw_fail(err, HW_ERROR_UNSUPPORTED,
                           "%s: the weights are in %s; convert them to %s (save_pretrained of "
                           "transformers does)",
                           folder, other_weights[i], single_file);
    }
    return hw_fail(err, HW_ERROR_FORMAT, "%s: there is no %s", folder, single_file);
}

/* ---- The index ------------------------------------------------------------------- */

static bool is_plain_name(const char *name) {
    static const char ending[] = ".safetensors";
    const size_t length = strlen(name), size = strlen(ending);
    return length > size && strcmp(name + length - size, ending) == 0 && *name != '.' &&
           !strchr(name, '/') && !strchr(name, '\\');
}

hw_status hw_shards_check_index(const json_t *index, const char *name, hw_error *err) {
    json_t *map = json_object_get(index, "weight_map");
    if (!json_is_object(map) || json_object_size(map) == 0)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: weight_map is no object of file names", name);
    if (json_object_size(map) > HW_SHARDED_TENSORS_LIMIT)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: weight_map: more than %d tensors", name,
                       (int)HW_SHARDED_TENSORS_LIMIT);
    const char *tensor;
    json_t *file;
    json_object_foreach(map, tensor, file) {
        if (!json_is_string(file))
            return hw_fail(err, HW_ERROR_FORMAT, "%s: weight_map: %s is no file name", name,
                           tensor);
        if (!is_plain_name(json_string_value(file)))
            return hw_fail(err, HW_ERROR_FORMAT,
                           "%s: weight_map: %s: %s is no name of a .safetensors file of the folder",
                           name, tensor, json_string_value(file));
    }
    return HW_OK;
}

static hw_status read_index(json_t **index, const char *path, hw_error *err) {
    hw_mapping mapping;
    HW_TRY(hw_file_map(&mapping, path, INDEX_LIMIT, err));
    *index = hw_json_parse((const char *)mapping.data, mapping.size, 0, path, err);
    hw_file_unmap(&mapping);
    if (!*index) return err->status;
    return hw_shards_check_index(*index, path, err);
}

/* ---- The shards ------------------------------------------------------------------ */

/* Every tensor of the file is one that the index puts into it. */
static hw_status check_shard(const hw_bundle *bundle, size_t first, const char *shard, json_t *map,
                             const char *folder, hw_error *err) {
    for (size_t i = first; i < hw_bundle_count(bundle); i++) {
        const char *name = hw_bundle_at(bundle, i)->name;
        const char *listed = json_string_value(json_object_get(map, name));
        if (!listed)
            return hw_fail(err, HW_ERROR_FORMAT, "%s/%s: tensor %s is not in %s", folder, shard,
                           name, index_file);
        if (strcmp(listed, shard) != 0)
            return hw_fail(err, HW_ERROR_FORMAT, "%s/%s: tensor %s is in %s by %s", folder, shard,
                           name, listed, index_file);
    }
    return HW_OK;
}

static hw_status attach_shard(hw_bundle *bundle, const char *shard, json_t *map, const char *folder,
                              hw_error *err) {
    const size_t first = hw_bundle_count(bundle);
    char *path = hw_path_join(folder, shard, err);
    if (!path) return HW_ERROR_MEMORY;
    hw_status status = attach_file(bundle, path, err);
    if (status == HW_OK) status = check_shard(bundle, first, shard, map, folder, err);
    hw_free(path);
    return status;
}

/* True if an earlier entry of the index names the same file. seen: [*count] */
static bool is_seen(const char **seen, size_t count, const char *shard) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(seen[i], shard) == 0) return true;
    return false;
}

static hw_status attach_shards(hw_bundle *bundle, json_t *map, const char *folder, hw_error *err) {
    const char *seen[HW_SHARDS_LIMIT], *tensor;
    size_t count = 0;
    json_t *file;
    json_object_foreach(map, tensor, file) {
        const char *shard = json_string_value(file);
        if (is_seen(seen, count, shard)) continue;
        if (count == HW_SHARDS_LIMIT)
            return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s/%s: more than %d files", folder,
                           index_file, (int)HW_SHARDS_LIMIT);
        seen[count++] = shard;
        HW_TRY(attach_shard(bundle, shard, map, folder, err));
    }
    json_object_foreach(map, tensor, file) {
        if (!hw_bundle_find(bundle, tensor))
            return hw_fail(err, HW_ERROR_FORMAT, "%s/%s: tensor %s of %s is missing", folder,
                           json_string_value(file), tensor, index_file);
    }
    return HW_OK;
}

static hw_status attach_indexed(hw_bundle *bundle, const char *folder, const char *path,
                                hw_error *err) {
    json_t *index = NULL;
    hw_status status = read_index(&index, path, err);
    if (status == HW_OK)
        status = attach_shards(bundle, json_object_get(index, "weight_map"), folder, err);
    json_decref(index);
    return status;
}

hw_status hw_shards_attach(hw_bundle *bundle, const char *folder, hw_error *err) {
    char *single = hw_path_join(folder, single_file, err);
    char *index = single ? hw_path_join(folder, index_file, err) : NULL;
    hw_status status = HW_ERROR_MEMORY;
    if (index)
        status = hw_file_exists(single)  ? attach_file(bundle, single, err)
                 : hw_file_exists(index) ? attach_indexed(bundle, folder, index, err)
                                         : refuse_other_weights(folder, err);
    hw_free(single);
    hw_free(index);
    return status;
}
