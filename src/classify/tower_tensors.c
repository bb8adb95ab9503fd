/* A tower's parameters as tensors of a model file, "tower.<i>.<parameter>": viewed and
 * added. Invariant: both agree on names and shapes, and on leaving out what has no element. */
#include "classify/tensor_view.h"

#include <stdio.h>
#include <string.h>

typedef struct tensor_name {
    char text[96];
} tensor_name;

/* layer -1: a parameter of the whole tower. */
static tensor_name name_of(int32_t tower, int32_t layer, const char *parameter) {
    tensor_name name;
    if (layer < 0)
        snprintf(name.text, sizeof name.text, "tower.%d.%s", (int)tower, parameter);
    else
        snprintf(name.text, sizeof name.text, "tower.%d.layer.%d.%s", (int)tower, (int)layer,
                 parameter);
    return name;
}

/* A view is not const because views serve training too; nobody writes to a file's. */
static hw_status view_parameter(float **view, const hw_source *source, tensor_name name,
                                int32_t rows, int32_t columns, hw_error *err) {
    if (!rows || !columns) return HW_OK;
    const bool vector = rows == 1;
    *view = (float *)hw_view_tensor(source, name.text, HW_F32, (size_t)(vector ? columns : rows),
                                    vector ? 0 : (size_t)columns, err);
    return *view ? HW_OK : HW_ERROR_FORMAT;
}

static hw_status view_layer(hw_tower_layer *views, const hw_source *source, int32_t tower,
                            int32_t layer, const hw_tower_config *config, hw_error *err) {
    const hw_tower_config own = hw_tower_layer_config(config, layer), *c = &own;
#define X(name, rows, columns) \
    HW_TRY(view_parameter(&views->name, source, name_of(tower, layer, #name), rows, columns, err));
    HW_TOWER_LAYER_PARAMETERS(X)
#undef X
    return HW_OK;
}

hw_status hw_view_tower(hw_tower_views *views, const hw_source *source, int32_t tower,
                        const hw_tower_config *c, hw_error *err) {
#define X(name, rows, columns) \
    HW_TRY(view_parameter(&views->name, source, name_of(tower, -1, #name), rows, columns, err));
    HW_TOWER_PARAMETERS(X)
#undef X
    for (int32_t layer = 0; layer < c->layers; layer++)
        HW_TRY(view_layer(&views->layer[layer], source, tower, layer, c, err));
    return HW_OK;
}

hw_status hw_bundle_add_tower(hw_bundle *bundle, int32_t tower, const hw_tower_config *config,
                              const float *block, hw_error *err) {
    hw_tower_parameter parameter;
    for (size_t i = 0; hw_tower_parameter_at(&parameter, config, i); i++) {
        const size_t rows = parameter.rows, columns = parameter.columns;
        if (!rows || !columns) continue;
        const tensor_name name = name_of(tower, -1, parameter.name);
        float *data = hw_bundle_add(bundle, name.text, HW_F32, rows == 1 ? columns : rows,
                                    rows == 1 ? 0 : columns, err);
        if (!data) return HW_ERROR_MEMORY;
        memcpy(data, block + parameter.offset, rows * columns * sizeof *data);
    }
    return HW_OK;
}
