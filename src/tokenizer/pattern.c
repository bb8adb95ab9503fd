/* Each kind is a function of its own; the table of expressions is all there is of regular
 * expressions. */
#include "tokenizer/pattern.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/unicode_class.h"

static const struct {
    const char *expression;
    hw_pattern_kind kind;
    size_t least;
} known[] = {
    { " {2,}", HW_PATTERN_BLANKS, 2 },
    { " +", HW_PATTERN_BLANKS, 1 },
    { "\\s+", HW_PATTERN_SPACES, 1 },
    { "\\s{2,}", HW_PATTERN_SPACES, 2 },
    { "\\s", HW_PATTERN_SPACE, 0 },
    { "\\s{2,}|[\\n\\r\\t]", HW_PATTERN_SPACES_LINES, 2 },
    { "\\w+|[^\\w\\s]+", HW_PATTERN_WORD, 0 },
    { "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
      HW_PATTERN_GPT2, 0 },
};

hw_status hw_pattern_init_string(hw_pattern *pattern, hw_text string, hw_error *err) {
    pattern->kind = HW_PATTERN_STRING;
    pattern->length = string.length;
    pattern->string = hw_strndup(string.bytes, string.length);
    return pattern->string ? HW_OK : hw_fail_memory(err, string.length + 1);
}

/* True if every character of the expression stands for itself. */
static bool is_literal(const char *expression) {
    return *expression && !expression[strcspn(expression, "\\^$.|?*+()[]{}")];
}

static hw_status init_expression(hw_pattern *pattern, const char *expression, const char *place,
                                 hw_error *err) {
    for (size_t i = 0; i < sizeof known / sizeof *known; ++i) {
        if (strcmp(known[i].expression, expression) != 0) continue;
        pattern->kind = known[i].kind;
        pattern->least = known[i].least;
        return HW_OK;
    }
    if (is_literal(expression)) return hw_pattern_init_string(pattern, hw_text_of(expression), err);
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: the regular expression \"%.200s\"", place,
                   expression);
}

hw_status hw_pattern_init(hw_pattern *pattern, const json_t *json, const char *place,
                          hw_error *err) {
    const json_t *expression = json_object_get(json, "Regex");
    if (json_is_string(expression))
        return init_expression(pattern, json_string_value(expression), place, err);
    const json_t *string = json_object_get(json, "String");
    if (!json_is_string(string))
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: {\"String\": ...} or {\"Regex\": ...} is expected", place);
    if (json_string_length(string) == 0)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: an empty string", place);
    const hw_text text = { json_string_value(string), json_string_length(string) };
    return hw_pattern_init_string(pattern, text, err);
}

void hw_pattern_free(hw_pattern *pattern) {
    hw_free(pattern->string);
    *pattern = (hw_pattern){ 0 };
}

typedef bool predicate(uint32_t code);

static bool is_blank(uint32_t code) {
    return code == ' ';
}

static bool is_line_or_tab(uint32_t code) {
    return code == '\n' || code == '\r' || code == '\t';
}

static bool is_word(uint32_t code) {
    return hw_unicode_class(code) & HW_CLASS_WORD;
}

static bool is_mark(uint32_t code) {
    return !hw_is_space(code) && !is_word(code);
}

/* Bytes of the longest run of such characters from text.bytes[at] on, if there are enough. */
static size_t match_run(predicate *belongs, size_t least, hw_text text, size_t at) {
    size_t end = at, count = 0;
    for (size_t size; end < text.length; end += size, ++count)
        if (!belongs(hw_utf8_next(&size, text.bytes + end))) break;
    return count >= least ? end - at : 0;
}

size_t hw_pattern_match(size_t *size, const hw_pattern *pattern, hw_text text, size_t at) {
    const char *bytes = text.bytes + at;
    const size_t length = text.length - at;
    const uint32_t code = hw_utf8_next(size, bytes);
    switch (pattern->kind) {
    case HW_PATTERN_STRING:
        if (*bytes != *pattern->string || length < pattern->length ||
            memcmp(bytes, pattern->string, pattern->length) != 0)
            return 0;
        return pattern->length;
    case HW_PATTERN_SPACE:
        return hw_is_space(code) ? *size : 0;
    case HW_PATTERN_PUNCTUATION:
        return hw_unicode_class(code) & HW_CLASS_PUNCTUATION ? *size : 0;
    case HW_PATTERN_NUMERIC:
        return hw_unicode_class(code) & HW_CLASS_NUMERIC ? *size : 0;
    case HW_PATTERN_WORD:
        if (hw_is_space(code)) return 0;
        return match_run(is_word(code) ? is_word : is_mark, 1, text, at);
    case HW_PATTERN_GPT2:
        return hw_byte_level_split(bytes, length);
    case HW_PATTERN_BLANKS:
        return match_run(is_blank, pattern->least, text, at);
    case HW_PATTERN_SPACES:
        return match_run(hw_is_space, pattern->least, text, at);
    case HW_PATTERN_SPACES_LINES: {
        const size_t run = match_run(hw_is_space, pattern->least, text, at);
        return run > 0 || !is_line_or_tab(code) ? run : *size;
    }
    }
    return 0;
}
