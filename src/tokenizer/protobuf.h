/* The fields of a protobuf message, one by one (protobuf.dev/programming-guides/encoding).
 * Invariant: nothing outside the message is read. */
#ifndef HW_TOKENIZER_PROTOBUF_H
#define HW_TOKENIZER_PROTOBUF_H

#include "base/error.h"

typedef enum hw_wire {
    HW_WIRE_VARINT = 0,
    HW_WIRE_FIXED64 = 1,
    HW_WIRE_BYTES = 2,
    HW_WIRE_FIXED32 = 5
} hw_wire;

typedef struct hw_field {
    uint32_t number;
    hw_wire wire;
    uint64_t value; /* all but HW_WIRE_BYTES */
    hw_text bytes;  /* HW_WIRE_BYTES */
} hw_field;

/* Takes the first field off the message. False at its end, or if it is malformed, which leaves
 * message->length greater than 0. */
bool hw_protobuf_next(hw_field *field, hw_text *message);

#endif
