/* Each processor wraps what the ones before it made. */
#include "tokenizer/template.h"

#include "text/utf8.h"
#include "tokenizer/json_section.h"
#include "tokenizer/token_table.h"
#include "tokenizer/unicode_class.h"

enum { DEEPEST = 16 }; /* sequences in sequences */

static hw_status read_id(uint32_t *id, const json_t *json, hw_section section, const char *key,
                         hw_error *err) {
    const json_int_t value = json_integer_value(json);
    if (!json_is_integer(json) || value < 0 || value >= HW_TOKEN_IDS_MAX)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %s.%s: an id is expected", section.name,
                       section.path, key);
    *id = (uint32_t)value;
    return HW_OK;
}

static hw_status too_long(hw_section section, hw_error *err) {
    return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s: more than %d ids on one side", section.name,
                   section.path, HW_TEMPLATE_MOST);
}

/* Outside of what is there already. */
static hw_status wrap(hw_template *template, const uint32_t *before, size_t before_count,
                      const uint32_t *after, size_t after_count, hw_section section,
                      hw_error *err) {
    if (template->before_count + before_count > HW_TEMPLATE_MOST ||
        template->after_count + after_count > HW_TEMPLATE_MOST)
        return too_long(section, err);
    memmove(template->before + before_count, template->before,
            template->before_count * sizeof *before);
    memcpy(template->before, before, before_count * sizeof *before);
    memcpy(template->after + template->after_count, after, after_count * sizeof *after);
    template->before_count += before_count;
    template->after_count += after_count;
    return HW_OK;
}

/* ["[CLS]", 101] */
static hw_status read_pair(uint32_t *id, hw_section section, const char *key, hw_error *err) {
    const json_t *pair = json_object_get(section.json, key);
    return read_id(id, json_array_get(pair, 1), section, key, err);
}

static hw_status add_bert(hw_template *template, hw_section section, hw_error *err) {
    uint32_t cls, sep;
    HW_TRY(read_pair(&cls, section, "cls", err));
    HW_TRY(read_pair(&sep, section, "sep", err));
    return wrap(template, &cls, 1, &sep, 1, section, err);
}

static hw_status add_byte_level(hw_template *template, hw_section section, hw_error *err) {
    bool trims, has_prefix;
    HW_TRY(hw_section_flag(&trims, section, "trim_offsets", err));
    HW_TRY(hw_section_flag(&has_prefix, section, "add_prefix_space", err));
    if (!trims) return HW_OK;
    template->trims = true;
    template->spares_prefix = has_prefix;
    return HW_OK;
}

static hw_status add_roberta(hw_template *template, hw_section section, hw_error *err) {
    HW_TRY(add_byte_level(template, section, err));
    return add_bert(template, section, err);
}

/* The ids of a special token by its name. */
static hw_status append_special(uint32_t *ids, size_t *count, const json_t *piece,
                                hw_section section, hw_error *err) {
    const char *id = json_string_value(json_object_get(piece, "id"));
    const json_t *tokens = json_object_get(section.json, "special_tokens");
    const json_t *list = json_object_get(id ? json_object_get(tokens, id) : NULL, "ids");
    if (!json_is_array(list))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %s.special_tokens: no ids of \"%.100s\"",
                       section.name, section.path, id ? id : "");
    if (*count + json_array_size(list) > HW_TEMPLATE_MOST) return too_long(section, err);
    for (size_t i = 0; i < json_array_size(list); ++i)
        HW_TRY(read_id(&ids[(*count)++], json_array_get(list, i), section, "special_tokens", err));
    return HW_OK;
}

static hw_status add_template(hw_template *template, hw_section section, hw_error *err) {
    uint32_t ids[2][HW_TEMPLATE_MOST]; /* before and after the text */
    size_t counts[2] = { 0, 0 }, texts = 0;
    const json_t *single;
    HW_TRY(hw_section_list(&single, section, "single", true, err));
    for (size_t i = 0; i < json_array_size(single); ++i) {
        const json_t *piece = json_array_get(single, i);
        const json_t *special = json_object_get(piece, "SpecialToken");
        if (special)
            HW_TRY(append_special(ids[texts > 0], &counts[texts > 0], special, section, err));
        else
            texts += json_object_get(piece, "Sequence") != NULL;
    }
    if (texts != 1)
        return hw_fail(err, HW_ERROR_UNSUPPORTED, "%s: %s.single: the text comes %zu times",
                       section.name, section.path, texts);
    return wrap(template, ids[0], counts[0], ids[1], counts[1], section, err);
}

static hw_status add_section(hw_template *template, hw_section section, int depth, hw_error *err) {
    static const struct {
        const char *type;
        hw_status (*add)(hw_template *template, hw_section section, hw_error *err);
    } types[] = { { "TemplateProcessing", add_template },
                  { "BertProcessing", add_bert },
                  { "RobertaProcessing", add_roberta },
                  { "ByteLevel", add_byte_level } };
    hw_text type;
    HW_TRY(hw_section_string(&type, section, "type", err));
    for (size_t i = 0; i < sizeof types / sizeof *types; ++i)
        if (strcmp(types[i].type, type.bytes) == 0) return types[i].add(template, section, err);
    if (strcmp(type.bytes, "Sequence") != 0)
        return hw_section_unsupported(section, "type", type.bytes, err);

    const json_t *list;
    HW_TRY(hw_section_list(&list, section, "processors", depth < DEEPEST, err));
    for (size_t i = 0; i < json_array_size(list); ++i)
        HW_TRY(add_section(template, hw_section_item(section, list, i), depth + 1, err));
    return HW_OK;
}

hw_status hw_template_init(hw_template *template, const json_t *json, const char *name,
                           hw_error *err) {
    if (!json || json_is_null(json)) return HW_OK;
    return add_section(template, (hw_section){ json, name, "post_processor" }, 0, err);
}

/* A space, or the byte-level character that stands for one. */
static bool is_blank(uint32_t code) {
    return code == 0x120 || hw_is_space(code);
}

/* How many characters at the beginning and at the end of a string are blank. */
static void count_blanks(size_t *leading, size_t *trailing, hw_text string) {
    *leading = *trailing = 0;
    size_t characters = 0;
    for (size_t at = 0, size; at < string.length; at += size, ++characters) {
        if (!is_blank(hw_utf8_decode(&size, string.bytes + at, string.length - at)))
            *trailing = 0;
        else if ((*trailing)++ == characters)
            ++*leading;
    }
}

/* Where the character after `at` begins, for `count` characters. */
static uint32_t step_forward(hw_text text, uint32_t at, uint32_t end, size_t count) {
    for (size_t size; count > 0 && at < end; --count, at += (uint32_t)size)
        hw_utf8_decode(&size, text.bytes + at, end - at);
    return at;
}

static size_t count_characters(hw_text text, uint32_t begin, uint32_t end) {
    size_t count = 0;
    for (; begin < end; ++count) begin = step_forward(text, begin, end, 1);
    return count;
}

void hw_template_trim(hw_token *token, const hw_template *template, hw_text text, hw_text string,
                      bool is_first) {
    size_t leading, trailing;
    count_blanks(&leading, &trailing, string);
    if ((is_first || token->begin == 0) && template->spares_prefix && leading == 1) leading = 0;
    token->begin = step_forward(text, token->begin, token->end, leading);
    if (trailing == 0) return;
    const size_t characters = count_characters(text, token->begin, token->end);
    const size_t kept = characters > trailing ? characters - trailing : 0;
    token->end = step_forward(text, token->begin, token->end, kept);
}
