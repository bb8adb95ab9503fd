/* Each kind rests on what the stages are made of; a tokenizer of which that is not known is
 * HW_SEGMENTS_NONE. */
#include "tokenizer/segmentation.h"

#include "tokenizer/bert_segment.h"
#include "tokenizer/byte_level.h"

static bool is_bert(const json_t *normalizer) {
    const char *type = json_string_value(json_object_get(normalizer, "type"));
    return type && strcmp(type, "BertNormalizer") == 0;
}

static bool holds_replacement(const hw_token_table *strings) {
    for (size_t i = 0; i < strings->slot_capacity; ++i) {
        const hw_token_slot *slot = &strings->slots[i];
        if (slot->id != HW_NO_TOKEN && strstr(strings->bytes + slot->offset, "\xEF\xBF\xBD"))
            return true;
    }
    return false;
}

static bool looks_around(const hw_added_tokens *added) {
    for (size_t i = 0; i < added->count; ++i) {
        const hw_added_token *token = &added->items[i];
        if (token->single_word || token->lstrip || token->rstrip) return true;
    }
    return false;
}

/* Bytes that are not UTF-8 count as U+FFFD, which a matcher that looks at the raw text does not
 * see. A normal form leaves ASCII as it is. */
hw_segmentation hw_segmentation_plan(const hw_normalizer *normalizer, const json_t *normalizer_json,
                                     const hw_pre_tokenizer *pre_tokenizer,
                                     const hw_template *template, const hw_added_tokens *added) {
    hw_segmentation plan = { .needs_ascii = looks_around(added) ||
                                            holds_replacement(&added->raw.strings) ||
                                            holds_replacement(&added->normalized.strings) };
    const bool is_raw = added->normalized.strings.count == 0;
    if (is_bert(normalizer_json) && pre_tokenizer->is_bert) {
        if (is_raw && !template->trims) plan.kind = HW_SEGMENTS_BERT;
        plan.isolates_chinese =
            json_is_true(json_object_get(normalizer_json, "handle_chinese_chars"));
    } else if (hw_pre_tokenizer_is_byte_level(pre_tokenizer)) {
        if (hw_normalizer_keeps_ascii(normalizer)) plan.kind = HW_SEGMENTS_BYTE_LEVEL;
        plan.needs_ascii = plan.needs_ascii || normalizer->count > 0;
        plan.spares_first = template->trims && template->spares_prefix;
    } else if (hw_pre_tokenizer_cuts_at_blanks(pre_tokenizer)) {
        if (is_raw && !template->trims && hw_normalizer_keeps_blanks(normalizer))
            plan.kind = HW_SEGMENTS_BLANKS;
        plan.needs_visible_start = hw_normalizer_may_shift(normalizer);
    }
    return plan;
}

static bool is_visible(char byte) {
    return byte > ' ' && byte < 0x7F;
}

/* A blank between two visible characters of ASCII begins a segment: no normal form, cluster or run
 * of white space reaches over it. */
static bool next_at_blank(hw_segment *segment, hw_text text) {
    const char *bytes = text.bytes;
    size_t at = segment->begin = segment->end;
    if (at == text.length) return false;
    while (++at < text.length)
        if (bytes[at] == ' ' && at + 1 < text.length && is_visible(bytes[at - 1]) &&
            is_visible(bytes[at + 1]))
            break;
    segment->end = at;
    return true;
}

static bool next_byte_level(hw_segment *segment, hw_text text) {
    segment->begin = segment->end;
    if (segment->begin == text.length) return false;
    segment->end += hw_byte_level_split(text.bytes + segment->begin, text.length - segment->begin);
    return true;
}

bool hw_segmentation_next(hw_segment *segment, const hw_segmentation *segmentation, hw_text text) {
    switch (segmentation->kind) {
    case HW_SEGMENTS_BERT:
        return hw_bert_segment_next(segment, text, segmentation->isolates_chinese);
    case HW_SEGMENTS_BYTE_LEVEL:
        return next_byte_level(segment, text);
    case HW_SEGMENTS_BLANKS:
        return next_at_blank(segment, text);
    case HW_SEGMENTS_NONE:
        break;
    }
    *segment = (hw_segment){ segment->end, text.length };
    return segment->begin < text.length;
}

bool hw_segmentation_holds(const hw_segmentation *segmentation, hw_text part) {
    if (!segmentation->needs_visible_start) return true;
    hw_segment first = { 0, 0 };
    hw_segmentation_next(&first, segmentation, part);
    for (size_t i = 0; i < first.end; ++i)
        if (part.bytes[i] != ' ' && !is_visible(part.bytes[i])) return false;
    return true;
}
