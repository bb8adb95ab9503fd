/* A message gets shorter with each field. Groups, which no longer are used, are malformed. */
#include "tokenizer/protobuf.h"

enum { VARINT_BYTES = 10 };

static bool take_varint(uint64_t *value, hw_text *rest) {
    *value = 0;
    for (size_t i = 0; i < rest->length && i < VARINT_BYTES; ++i) {
        const unsigned char byte = (unsigned char)rest->bytes[i];
        *value |= (uint64_t)(byte & 0x7F) << 7 * i;
        if (byte & 0x80) continue;
        *rest = (hw_text){ rest->bytes + i + 1, rest->length - i - 1 };
        return true;
    }
    return false;
}

static bool take_fixed(uint64_t *value, hw_text *rest, size_t size) {
    if (rest->length < size) return false;
    *value = 0;
    for (size_t i = 0; i < size; ++i) *value |= (uint64_t)(unsigned char)rest->bytes[i] << 8 * i;
    *rest = (hw_text){ rest->bytes + size, rest->length - size };
    return true;
}

static bool take_bytes(hw_text *bytes, hw_text *rest) {
    uint64_t size;
    if (!take_varint(&size, rest) || size > rest->length) return false;
    *bytes = (hw_text){ rest->bytes, (size_t)size };
    *rest = (hw_text){ rest->bytes + size, rest->length - (size_t)size };
    return true;
}

static bool take_value(hw_field *field, hw_text *rest) {
    switch (field->wire) {
    case HW_WIRE_VARINT:
        return take_varint(&field->value, rest);
    case HW_WIRE_FIXED64:
        return take_fixed(&field->value, rest, 8);
    case HW_WIRE_BYTES:
        return take_bytes(&field->bytes, rest);
    case HW_WIRE_FIXED32:
        return take_fixed(&field->value, rest, 4);
    }
    return false;
}

bool hw_protobuf_next(hw_field *field, hw_text *message) {
    hw_text rest = *message;
    uint64_t tag;
    if (!take_varint(&tag, &rest) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX) return false;
    *field = (hw_field){ .number = (uint32_t)(tag >> 3), .wire = (hw_wire)(tag & 7) };
    if (!take_value(field, &rest)) return false;
    *message = rest;
    return true;
}
