/* Lower case: utf8proc's, but for the code points that are younger than its tables. */
#include "tokenizer/unicode_class.h"

#include <utf8proc.h>

uint32_t hw_unicode_lower_case(uint32_t code) {
    if (code < 0x80) return code - 'A' <= 'Z' - 'A' ? code | 0x20 : code;
    if (code == 0x130) return code;
    for (size_t i = 0; i < hw_unicode_lower_count; ++i) {
        const hw_lower_range *range = &hw_unicode_lower[i];
        if (code >= range->first && code <= range->last)
            return (uint32_t)((int32_t)code + range->distance);
    }
    return (uint32_t)utf8proc_tolower((utf8proc_int32_t)code);
}
