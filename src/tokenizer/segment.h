/* A part of a text that is encoded by itself. */
#ifndef HW_TOKENIZER_SEGMENT_H
#define HW_TOKENIZER_SEGMENT_H

#include "base/error.h"

/* Bytes [begin, end) of a text. */
typedef struct hw_segment {
    size_t begin, end;
} hw_segment;

#endif
