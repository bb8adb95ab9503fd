/* Fields are taken by number and wire type; those that are not known are passed over. */
#include "tokenizer/sentencepiece_model.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/protobuf.h"

#include <math.h>

/* Numbers of fields in sentencepiece_model.proto. */
enum {
    MODEL_PIECE = 1,
    MODEL_TRAINER = 2,
    MODEL_NORMALIZER = 3,
    PIECE_STRING = 1,
    PIECE_SCORE = 2,
    PIECE_TYPE = 3,
    TRAINER_MODEL_TYPE = 3,
    TRAINER_UNKNOWN = 40,
    NORMALIZER_CHARSMAP = 2
};

static bool is_field(const hw_field *field, uint32_t number, hw_wire wire) {
    return field->number == number && field->wire == wire;
}

static float float_of_bits(uint64_t bits) {
    const uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static bool read_piece(hw_sentencepiece *piece, hw_text message) {
    *piece = (hw_sentencepiece){ .string = hw_text_of(""), .type = HW_PIECE_NORMAL };
    hw_field field;
    while (hw_protobuf_next(&field, &message)) {
        if (is_field(&field, PIECE_STRING, HW_WIRE_BYTES)) piece->string = field.bytes;
        if (is_field(&field, PIECE_SCORE, HW_WIRE_FIXED32))
            piece->score = float_of_bits(field.value);
        if (is_field(&field, PIECE_TYPE, HW_WIRE_VARINT)) piece->type = (uint32_t)field.value;
    }
    return message.length == 0 && isfinite(piece->score) &&
           hw_utf8_is_valid(piece->string.bytes, piece->string.length);
}

static bool read_trainer(hw_sentencepiece_model *model, hw_text message) {
    hw_field field;
    while (hw_protobuf_next(&field, &message)) {
        if (is_field(&field, TRAINER_MODEL_TYPE, HW_WIRE_VARINT)) model->type = field.value;
        if (is_field(&field, TRAINER_UNKNOWN, HW_WIRE_VARINT)) model->unknown = field.value;
    }
    return message.length == 0;
}

static bool read_normalizer(hw_sentencepiece_model *model, hw_text message) {
    hw_field field;
    while (hw_protobuf_next(&field, &message))
        if (is_field(&field, NORMALIZER_CHARSMAP, HW_WIRE_BYTES)) model->charsmap = field.bytes;
    return message.length == 0;
}

static hw_status add_piece(hw_sentencepiece_model *model, hw_text message, const char *name,
                           hw_error *err) {
    void *pieces = model->pieces;
    if (!hw_grow(&pieces, &model->capacity, model->count + 1, sizeof *model->pieces))
        return hw_fail_memory(err, (model->count + 1) * sizeof *model->pieces);
    model->pieces = pieces;
    if (!read_piece(&model->pieces[model->count], message))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: piece %zu is malformed", name, model->count);
    ++model->count;
    return HW_OK;
}

hw_status hw_sentencepiece_read(hw_sentencepiece_model *model, hw_text bytes, const char *name,
                                hw_error *err) {
    model->type = 1;
    hw_field field;
    bool is_sound = true;
    while (is_sound && hw_protobuf_next(&field, &bytes)) {
        if (is_field(&field, MODEL_PIECE, HW_WIRE_BYTES))
            HW_TRY(add_piece(model, field.bytes, name, err));
        if (is_field(&field, MODEL_TRAINER, HW_WIRE_BYTES))
            is_sound = read_trainer(model, field.bytes);
        if (is_field(&field, MODEL_NORMALIZER, HW_WIRE_BYTES))
            is_sound = read_normalizer(model, field.bytes);
    }
    if (is_sound && bytes.length == 0 && model->count > 0) return HW_OK;
    return hw_fail(err, HW_ERROR_FORMAT, "%s is not a SentencePiece model", name);
}

void hw_sentencepiece_model_free(hw_sentencepiece_model *model) {
    hw_free(model->pieces);
    *model = (hw_sentencepiece_model){ 0 };
}
