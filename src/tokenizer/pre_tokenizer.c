/* Two kinds of steps: those that rewrite the pieces (prefix, Metaspace's replacement, byte-level
 * characters) and those that cut them. Invariant: a cut changes only the list of pieces. */
#include "tokenizer/pre_tokenizer.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/json_section.h"
#include "tokenizer/normalizer_step.h"
#include "tokenizer/split.h"

enum { DEEPEST = 16 }; /* sequences in sequences */

typedef enum step_kind { CUT, REPLACE_BLANKS, PREFIX, BYTE_LEVEL } step_kind;
typedef enum prefix_scheme { PREFIX_ALWAYS, PREFIX_FIRST } prefix_scheme;

struct hw_pre_tokenizer_step {
    step_kind kind;
    hw_pattern pattern; /* CUT; the string of it is the prefix and what replaces blanks */
    hw_split_behavior behavior;
    bool invert;
    prefix_scheme scheme;
};

/* ---- Reading ---------------------------------------------------------------------------- */

static hw_pre_tokenizer_step *add_step(hw_pre_tokenizer *pre_tokenizer, step_kind kind,
                                       hw_error *err) {
    if (!hw_grow((void **)&pre_tokenizer->steps, &pre_tokenizer->capacity, pre_tokenizer->count + 1,
                 sizeof *pre_tokenizer->steps)) {
        hw_fail_memory(err, (pre_tokenizer->count + 1) * sizeof *pre_tokenizer->steps);
        return NULL;
    }
    hw_pre_tokenizer_step *step = &pre_tokenizer->steps[pre_tokenizer->count++];
    *step = (hw_pre_tokenizer_step){ .kind = kind };
    return step;
}

static hw_status add_cut(hw_pre_tokenizer *pre_tokenizer, hw_pattern_kind pattern,
                         hw_split_behavior behavior, hw_error *err) {
    hw_pre_tokenizer_step *step = add_step(pre_tokenizer, CUT, err);
    if (!step) return HW_ERROR_MEMORY;
    step->pattern.kind = pattern;
    step->behavior = behavior;
    return HW_OK;
}

static hw_status add_with_string(hw_pre_tokenizer *pre_tokenizer, step_kind kind, hw_text string,
                                 hw_pre_tokenizer_step **added, hw_error *err) {
    *added = add_step(pre_tokenizer, kind, err);
    return *added ? hw_pattern_init_string(&(*added)->pattern, string, err) : HW_ERROR_MEMORY;
}

static hw_status read_behavior(hw_split_behavior *behavior, hw_section section, hw_error *err) {
    static const char *const names[] = { [HW_SPLIT_REMOVED] = "Removed",
                                         [HW_SPLIT_ISOLATED] = "Isolated",
                                         [HW_SPLIT_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
                                         [HW_SPLIT_MERGED_WITH_NEXT] = "MergedWithNext",
                                         [HW_SPLIT_CONTIGUOUS] = "Contiguous" };
    hw_text given;
    HW_TRY(hw_section_string(&given, section, "behavior", err));
    for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
        if (strcmp(names[i], given.bytes) != 0) continue;
        *behavior = (hw_split_behavior)i;
        return HW_OK;
    }
    return hw_section_unsupported(section, "behavior", given.bytes, err);
}

static hw_status add_bert(hw_pre_tokenizer *pre_tokenizer, hw_section section, hw_error *err) {
    (void)section;
    HW_TRY(add_cut(pre_tokenizer, HW_PATTERN_SPACE, HW_SPLIT_REMOVED, err));
    return add_cut(pre_tokenizer, HW_PATTERN_PUNCTUATION, HW_SPLIT_ISOLATED, err);
}

static hw_status add_whitespace(hw_pre_tokenizer *pre_tokenizer, hw_section section,
                                hw_error *err) {
    (void)section;
    HW_TRY(add_cut(pre_tokenizer, HW_PATTERN_WORD, HW_SPLIT_REMOVED, err));
    pre_tokenizer->steps[pre_tokenizer->count - 1].invert = true;
    return HW_OK;
}

static hw_status add_whitespace_split(hw_pre_tokenizer *pre_tokenizer, hw_section section,
                                      hw_error *err) {
    (void)section;
    return add_cut(pre_tokenizer, HW_PATTERN_SPACE, HW_SPLIT_REMOVED, err);
}

static hw_status add_punctuation(hw_pre_tokenizer *pre_tokenizer, hw_section section,
                                 hw_error *err) {
    hw_split_behavior behavior = HW_SPLIT_ISOLATED;
    if (json_object_get(section.json, "behavior")) HW_TRY(read_behavior(&behavior, section, err));
    return add_cut(pre_tokenizer, HW_PATTERN_PUNCTUATION, behavior, err);
}

static hw_status add_digits(hw_pre_tokenizer *pre_tokenizer, hw_section section, hw_error *err) {
    bool individual;
    HW_TRY(hw_section_flag(&individual, section, "individual_digits", err));
    return add_cut(pre_tokenizer, HW_PATTERN_NUMERIC,
                   individual ? HW_SPLIT_ISOLATED : HW_SPLIT_CONTIGUOUS, err);
}

static hw_status add_split(hw_pre_tokenizer *pre_tokenizer, hw_section section, hw_error *err) {
    hw_pre_tokenizer_step *step = add_step(pre_tokenizer, CUT, err);
    if (!step) return HW_ERROR_MEMORY;
    HW_TRY(read_behavior(&step->behavior, section, err));
    HW_TRY(hw_section_flag(&step->invert, section, "invert", err));
    return hw_pattern_init(&step->pattern, json_object_get(section.json, "pattern"),
                           hw_section_place(section, "pattern").text, err);
}

/* A member that is one character. */
static hw_status read_character(hw_text *character, hw_section section, const char *key,
                                hw_error *err) {
    HW_TRY(hw_section_string(character, section, key, err));
    size_t size = 0;
    if (character->length > 0) hw_utf8_decode(&size, character->bytes, character->length);
    if (size == 0 || size != character->length)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: %s.%s: one character is expected", section.name,
                       section.path, key);
    return HW_OK;
}

static hw_status add_delimiter(hw_pre_tokenizer *pre_tokenizer, hw_section section, hw_error *err) {
    hw_text delimiter;
    HW_TRY(read_character(&delimiter, section, "delimiter", err));
    hw_pre_tokenizer_step *step;
    HW_TRY(add_with_string(pre_tokenizer, CUT, delimiter, &step, err));
    step->behavior = HW_SPLIT_REMOVED;
    return HW_OK;
}

/* Old files say add_prefix_space instead of prepend_scheme. */
static hw_status read_scheme(prefix_scheme *scheme, bool *has_prefix, hw_section section,
                             hw_error *err) {
    *scheme = PREFIX_ALWAYS;
    *has_prefix = true;
    HW_TRY(hw_section_optional_flag(has_prefix, section, "add_prefix_space", err));
    if (!json_object_get(section.json, "prepend_scheme")) {
        if (*has_prefix) return HW_OK;
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: %s.add_prefix_space does not match prepend_scheme", section.name,
                       section.path);
    }
    hw_text name;
    HW_TRY(hw_section_string(&name, section, "prepend_scheme", err));
    const bool is_never = strcmp(name.bytes, "never") == 0;
    if (!*has_prefix && !is_never)
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s: %s.add_prefix_space does not match prepend_scheme", section.name,
                       section.path);
    *has_prefix = !is_never;
    if (strcmp(name.bytes, "first") == 0)
        *scheme = PREFIX_FIRST;
    else if (!is_never && strcmp(name.bytes, "always") != 0)
        return hw_section_unsupported(section, "prepend_scheme", name.bytes, err);
    return HW_OK;
}

static hw_status add_metaspace(hw_pre_tokenizer *pre_tokenizer, hw_section section, hw_error *err) {
    hw_text character;
    prefix_scheme scheme;
    bool has_prefix, cuts = true;
    HW_TRY(read_character(&character, section, "replacement", err));
    HW_TRY(read_scheme(&scheme, &has_prefix, section, err));
    HW_TRY(hw_section_optional_flag(&cuts, section, "split", err));
    hw_pre_tokenizer_step *step;
    HW_TRY(add_with_string(pre_tokenizer, REPLACE_BLANKS, character, &step, err));
    if (has_prefix) {
        HW_TRY(add_with_string(pre_tokenizer, PREFIX, character, &step, err));
        step->scheme = scheme;
    }
    if (cuts) {
        HW_TRY(add_with_string(pre_tokenizer, CUT, character, &step, err));
        step->behavior = HW_SPLIT_MERGED_WITH_NEXT;
    }
    return HW_OK;
}

static hw_status add_byte_level(hw_pre_tokenizer *pre_tokenizer, hw_section section,
                                hw_error *err) {
    bool has_prefix, trims, cuts = true;
    HW_TRY(hw_section_flag(&has_prefix, section, "add_prefix_space", err));
    HW_TRY(hw_section_flag(&trims, section, "trim_offsets", err));
    HW_TRY(hw_section_optional_flag(&cuts, section, "use_regex", err));
    hw_pre_tokenizer_step *step;
    if (has_prefix) HW_TRY(add_with_string(pre_tokenizer, PREFIX, hw_text_of(" "), &step, err));
    if (cuts) HW_TRY(add_cut(pre_tokenizer, HW_PATTERN_GPT2, HW_SPLIT_ISOLATED, err));
    return add_step(pre_tokenizer, BYTE_LEVEL, err) ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status add_section(hw_pre_tokenizer *pre_tokenizer, hw_section section, int depth,
                             hw_error *err) {
    static const struct {
        const char *type;
        hw_status (*add)(hw_pre_tokenizer *pre_tokenizer, hw_section section, hw_error *err);
    } types[] = { { "BertPreTokenizer", add_bert },
                  { "Whitespace", add_whitespace },
                  { "WhitespaceSplit", add_whitespace_split },
                  { "Punctuation", add_punctuation },
                  { "Digits", add_digits },
                  { "Split", add_split },
                  { "CharDelimiterSplit", add_delimiter },
                  { "Metaspace", add_metaspace },
                  { "ByteLevel", add_byte_level } };
    hw_text type;
    HW_TRY(hw_section_string(&type, section, "type", err));
    for (size_t i = 0; i < sizeof types / sizeof *types; ++i)
        if (strcmp(types[i].type, type.bytes) == 0)
            return types[i].add(pre_tokenizer, section, err);
    if (strcmp(type.bytes, "Sequence") != 0)
        return hw_section_unsupported(section, "type", type.bytes, err);

    const json_t *list;
    HW_TRY(hw_section_list(&list, section, "pretokenizers", depth < DEEPEST, err));
    for (size_t i = 0; i < json_array_size(list); ++i)
        HW_TRY(add_section(pre_tokenizer, hw_section_item(section, list, i), depth + 1, err));
    return HW_OK;
}

hw_status hw_pre_tokenizer_init(hw_pre_tokenizer *pre_tokenizer, const json_t *json,
                                const char *name, hw_error *err) {
    if (!json || json_is_null(json)) return HW_OK;
    const hw_section section = { json, name, "pre_tokenizer" };
    HW_TRY(add_section(pre_tokenizer, section, 0, err));
    pre_tokenizer->is_bert =
        strcmp(json_string_value(json_object_get(json, "type")), "BertPreTokenizer") == 0;
    return HW_OK;
}

void hw_pre_tokenizer_free(hw_pre_tokenizer *pre_tokenizer) {
    for (size_t i = 0; i < pre_tokenizer->count; ++i)
        hw_pattern_free(&pre_tokenizer->steps[i].pattern);
    hw_free(pre_tokenizer->steps);
    *pre_tokenizer = (hw_pre_tokenizer){ 0 };
}

/* ---- Properties -------------------------------------------------------------------------- */

static bool is_cut(const hw_pre_tokenizer_step *step, hw_pattern_kind pattern,
                   hw_split_behavior behavior) {
    return step->kind == CUT && step->pattern.kind == pattern && step->behavior == behavior &&
           !step->invert;
}

bool hw_pre_tokenizer_is_byte_level(const hw_pre_tokenizer *pre_tokenizer) {
    const hw_pre_tokenizer_step *steps = pre_tokenizer->steps;
    return pre_tokenizer->count == 2 && is_cut(&steps[0], HW_PATTERN_GPT2, HW_SPLIT_ISOLATED) &&
           steps[1].kind == BYTE_LEVEL;
}

static bool has_same_string(const hw_pre_tokenizer_step *a, const hw_pre_tokenizer_step *b) {
    return a->pattern.length == b->pattern.length &&
           memcmp(a->pattern.string, b->pattern.string, a->pattern.length) == 0;
}

bool hw_pre_tokenizer_cuts_at_blanks(const hw_pre_tokenizer *pre_tokenizer) {
    if (pre_tokenizer->count == 0) return false;
    const hw_pre_tokenizer_step *step = pre_tokenizer->steps;
    const hw_pre_tokenizer_step *end = step + pre_tokenizer->count;
    bool cuts = step < end && is_cut(step, HW_PATTERN_SPACE, HW_SPLIT_REMOVED);
    if (cuts) ++step;
    if (step == end || step->kind != REPLACE_BLANKS) return cuts && step == end;
    const hw_pre_tokenizer_step *mark = step++;
    if (step < end && step->kind == PREFIX) {
        if (step->scheme != PREFIX_ALWAYS || !has_same_string(step, mark)) return false;
        ++step;
    }
    if (step < end && is_cut(step, HW_PATTERN_STRING, HW_SPLIT_MERGED_WITH_NEXT)) {
        if (!has_same_string(step, mark)) return false;
        cuts = true;
        ++step;
    }
    return cuts && step == end;
}

/* ---- Running ---------------------------------------------------------------------------- */

static void replace_blanks(hw_edit *edit, const hw_pattern *by) {
    size_t size;
    const uint32_t code = hw_utf8_decode(&size, by->string, by->length);
    while (edit->at < edit->end) {
        if (hw_edit_peek(&size, edit) == ' ') {
            hw_edit_skip(edit, size);
            hw_edit_insert(edit, code);
        } else {
            hw_edit_keep(edit, size);
        }
    }
}

static void prefix(hw_edit *edit, const hw_pre_tokenizer_step *step) {
    const hw_text string = { step->pattern.string, step->pattern.length };
    const size_t length = edit->end - edit->at;
    const bool has_it = length >= string.length &&
                        memcmp(edit->from->bytes + edit->at, string.bytes, string.length) == 0;
    if (has_it || (step->scheme == PREFIX_FIRST && edit->origin > 0))
        hw_edit_keep(edit, length);
    else
        hw_edit_prepend(edit, string);
}

static void rewrite(hw_edit *edit, const hw_pre_tokenizer_step *step) {
    if (step->kind == REPLACE_BLANKS)
        replace_blanks(edit, &step->pattern);
    else if (step->kind == PREFIX)
        prefix(edit, step);
    else
        hw_edit_byte_level(edit);
}

static void rewrite_all(hw_workspace *workspace, const hw_pre_tokenizer_step *step) {
    hw_aligned *to = &workspace->other_text;
    to->length = 0;
    for (size_t i = 0; i < workspace->pieces.count; ++i) {
        hw_piece *piece = &workspace->pieces.items[i];
        hw_edit edit = hw_edit_of(to, &workspace->text, piece);
        const size_t begin = to->length;
        if (piece->id != HW_NO_TOKEN)
            hw_edit_keep(&edit, piece->end - piece->begin);
        else
            rewrite(&edit, step);
        hw_edit_finish(&edit);
        piece->begin = begin;
        piece->end = to->length;
    }
    hw_workspace_swap_texts(workspace);
}

static void cut_all(hw_workspace *workspace, const hw_pre_tokenizer_step *step) {
    hw_pieces *parts = &workspace->other_pieces;
    parts->count = 0;
    for (size_t i = 0; i < workspace->pieces.count; ++i) {
        const hw_piece piece = workspace->pieces.items[i];
        if (piece.id != HW_NO_TOKEN)
            hw_pieces_append(parts, piece);
        else
            hw_split(parts, &workspace->text, piece, &step->pattern, step->behavior, step->invert);
    }
    hw_workspace_swap_pieces(workspace);
}

hw_status hw_pre_tokenizer_apply(hw_workspace *workspace, const hw_pre_tokenizer *pre_tokenizer,
                                 hw_error *err) {
    for (size_t i = 0; i < pre_tokenizer->count; ++i) {
        const hw_pre_tokenizer_step *step = &pre_tokenizer->steps[i];
        if (step->kind == CUT)
            cut_all(workspace, step);
        else
            rewrite_all(workspace, step);
        HW_TRY(hw_workspace_check(workspace, err));
    }
    return HW_OK;
}
