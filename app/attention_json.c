/* Attention as one JSON object. */
#include "attention.h"

#include "json_text.h"

hw_text attention_token(const shown_attention *shown, size_t token) {
    const hw_attribution *a = &shown->map->tokens[token];
    const bool is_encoder = hw_classifier_summary(shown->classifier)->family != NULL;
    const char *string = is_encoder ? hw_token_string(shown->classifier, a->id) : NULL;
    return string ? hw_text_of(string)
                  : (hw_text){ shown->text.bytes + a->begin, a->end - a->begin };
}

/* [query][key] of one head */
static json_t *matrix_json(const float *weights, size_t count) {
    json_t *rows = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < count; j++)
            json_array_append_new(row, json_number((double)weights[i * count + j]));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *layers_json(const hw_attention_map *map) {
    json_t *layers = json_array();
    const size_t square = map->count * map->count;
    for (size_t layer = 0; layer < map->layers; layer++) {
        json_t *heads = json_array();
        const float *weights = map->weights + layer * map->heads * square;
        for (size_t head = 0; head < map->layer_heads[layer]; head++)
            json_array_append_new(heads, matrix_json(weights + head * square, map->count));
        json_array_append_new(layers, heads);
    }
    return layers;
}

json_t *attention_json(const shown_attention *shown) {
    const hw_attention_map *map = shown->map;
    json_t *tokens = json_array(), *places = json_array(), *readout = json_array();
    for (size_t i = 0; i < map->count; i++) {
        const hw_attribution *token = &map->tokens[i];
        json_array_append_new(tokens, json_text(attention_token(shown, i)));
        json_array_append_new(
            places, json_pack("[I, I]", (json_int_t)token->begin, (json_int_t)token->end));
        json_array_append_new(readout, json_number(token->score));
    }
    return json_pack("{s:o, s:O, s:o, s:o, s:o, s:I, s:I}", "attention", layers_json(map),
                     "left_text", tokens, "right_text", tokens, "bytes", places, "readout", readout,
                     "reading", (json_int_t)shown->reading, "readings", (json_int_t)map->readings);
}
