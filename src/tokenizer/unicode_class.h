/* What the parts of `tokenizers` take a code point for. They follow different versions of Unicode;
 * src/tokenizer/unicode_tables.c is made by asking them (scripts/make_unicode_tables.py).
 * Invariant: any 32-bit number may be asked about. */
#ifndef HW_TOKENIZER_UNICODE_CLASS_H
#define HW_TOKENIZER_UNICODE_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the bits in the table. */
enum {
    HW_CLASS_PUNCTUATION = 1 << 0,  /* Bert, Punctuation: P*, and all symbols of ASCII */
    HW_CLASS_CONTROL = 1 << 1,      /* Bert's clean_text: C*, not unassigned, not \t \n \r */
    HW_CLASS_MARK = 1 << 2,         /* Bert's strip_accents: Mn */
    HW_CLASS_COMBINING = 1 << 3,    /* StripAccents: M* */
    HW_CLASS_NUMERIC = 1 << 4,      /* Digits: N* */
    HW_CLASS_WORD = 1 << 5,         /* \w of Whitespace and of added tokens */
    HW_CLASS_LETTER = 1 << 6,       /* \p{L} of ByteLevel */
    HW_CLASS_NUMBER = 1 << 7,       /* \p{N} of ByteLevel */
    HW_CLASS_UNDECOMPOSED = 1 << 8, /* younger than the normal forms: stays as it is */
    HW_CLASS_UNORDERED = 1 << 9     /* likewise: has combining class 0 */
};

typedef struct hw_lower_range {
    uint32_t first, last;
    int32_t distance;
} hw_lower_range;

/* First code point << 11 | class, ascending; each holds up to the next. */
extern const uint32_t hw_unicode_ranges[];
extern const size_t hw_unicode_range_count;
enum { HW_UNICODE_INDEXED = 0x20000 };
/* The range that holds code point 256 i. */
extern const uint16_t hw_unicode_index[HW_UNICODE_INDEXED / 256 + 1];
/* Code points whose lower case is another one than in utf8proc's tables. */
extern const hw_lower_range hw_unicode_lower[];
extern const size_t hw_unicode_lower_count;

static inline unsigned hw_unicode_class(uint32_t code) {
    size_t low = hw_unicode_index[HW_UNICODE_INDEXED / 256], high = hw_unicode_range_count - 1;
    if (code < HW_UNICODE_INDEXED) {
        low = hw_unicode_index[code / 256];
        high = hw_unicode_index[code / 256 + 1];
    }
    while (low < high) {
        const size_t middle = (low + high + 1) / 2;
        if (hw_unicode_ranges[middle] >> 11 <= code)
            low = middle;
        else
            high = middle - 1;
    }
    return hw_unicode_ranges[low] & 0x7FF;
}

/* White_Space (Unicode 15.0), the same in all versions. */
static inline bool hw_is_space(uint32_t code) {
    if (code < 0x80) return code == ' ' || code - '\t' <= '\r' - '\t';
    return code == 0x85 || code == 0xA0 || code == 0x1680 || code - 0x2000 <= 0x200A - 0x2000 ||
           code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

/* One code point; U+0130, which becomes two, stays. */
uint32_t hw_unicode_lower_case(uint32_t code);

#endif
