/* What a text is split at or replaced in: a kind of character, a string, or one of the regular
 * expressions that tokenizers are published with. Invariant: a match has at least one byte. */
#ifndef HW_TOKENIZER_PATTERN_H
#define HW_TOKENIZER_PATTERN_H

#include "base/error.h"

#include <jansson.h>

typedef enum hw_pattern_kind {
    HW_PATTERN_STRING,
    HW_PATTERN_SPACE,       /* one character of white space */
    HW_PATTERN_PUNCTUATION, /* one character */
    HW_PATTERN_NUMERIC,     /* one character */
    HW_PATTERN_WORD,        /* \w+|[^\w\s]+ */
    HW_PATTERN_GPT2,        /* hw_byte_level_split */
    HW_PATTERN_BLANKS,      /* a run of at least `least` blanks */
    HW_PATTERN_SPACES,      /* a run of at least `least` characters of white space */
    HW_PATTERN_SPACES_LINES /* \s{2,}|[\n\r\t] */
} hw_pattern_kind;

typedef struct hw_pattern {
    hw_pattern_kind kind;
    size_t least;
    char *string; /* HW_PATTERN_STRING: owned, not empty */
    size_t length;
} hw_pattern;

/* From {"String": "..."} or {"Regex": "..."}; place is for messages. An expression that is not
 * known is HW_ERROR_UNSUPPORTED. Zero-initialise first; free it after a failure, too. */
hw_status hw_pattern_init(hw_pattern *pattern, const json_t *json, const char *place,
                          hw_error *err);
hw_status hw_pattern_init_string(hw_pattern *pattern, hw_text string, hw_error *err);
void hw_pattern_free(hw_pattern *pattern);

/* Bytes of the match that starts at text.bytes[at], at < text.length; 0: none starts there. *size
 * is those of the character there. The text is valid UTF-8. */
size_t hw_pattern_match(size_t *size, const hw_pattern *pattern, hw_text text, size_t at);

#endif
