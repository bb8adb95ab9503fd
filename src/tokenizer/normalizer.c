/* Reads the section and runs the steps over the pieces of a text, one after the other. */
#include "tokenizer/normalizer.h"

#include "base/memory.h"
#include "tokenizer/json_section.h"
#include "tokenizer/normalizer_step.h"

enum { DEEPEST = 16 }; /* sequences in sequences */

/* ---- Reading ---------------------------------------------------------------------------- */

/* Appends a step that is all zero but for its kind; NULL if memory was too short. */
static hw_normalizer_step *add_step(hw_normalizer *normalizer, hw_step_kind kind, hw_error *err) {
    if (!hw_grow((void **)&normalizer->steps, &normalizer->capacity, normalizer->count + 1,
                 sizeof *normalizer->steps)) {
        hw_fail_memory(err, (normalizer->count + 1) * sizeof *normalizer->steps);
        return NULL;
    }
    hw_normalizer_step *step = &normalizer->steps[normalizer->count++];
    *step = (hw_normalizer_step){ .kind = kind };
    return step;
}

static hw_status add_simple(hw_normalizer *normalizer, hw_step_kind kind, hw_error *err) {
    return add_step(normalizer, kind, err) ? HW_OK : HW_ERROR_MEMORY;
}

static hw_status add_form(hw_normalizer *normalizer, hw_normal_form form, hw_error *err) {
    hw_normalizer_step *step = add_step(normalizer, HW_STEP_NORMAL_FORM, err);
    if (!step) return HW_ERROR_MEMORY;
    step->form = form;
    return HW_OK;
}

static hw_status add_bert(hw_normalizer *normalizer, hw_section section, hw_error *err) {
    bool clean, isolate, lower, strip;
    HW_TRY(hw_section_flag(&clean, section, "clean_text", err));
    HW_TRY(hw_section_flag(&isolate, section, "handle_chinese_chars", err));
    HW_TRY(hw_section_flag(&lower, section, "lowercase", err));
    strip = lower; /* unless the file says otherwise */
    const json_t *given = json_object_get(section.json, "strip_accents");
    if (given && !json_is_null(given))
        HW_TRY(hw_section_flag(&strip, section, "strip_accents", err));

    if (clean) HW_TRY(add_simple(normalizer, HW_STEP_CLEAN, err));
    if (isolate) HW_TRY(add_simple(normalizer, HW_STEP_ISOLATE_CHINESE, err));
    if (strip) {
        HW_TRY(add_form(normalizer, HW_NFD, err));
        HW_TRY(add_simple(normalizer, HW_STEP_STRIP_MARKS, err));
    }
    return lower ? add_simple(normalizer, HW_STEP_LOWER, err) : HW_OK;
}

static hw_status add_strip(hw_normalizer *normalizer, hw_section section, hw_error *err) {
    hw_normalizer_step *step = add_step(normalizer, HW_STEP_STRIP, err);
    if (!step) return HW_ERROR_MEMORY;
    HW_TRY(hw_section_flag(&step->left, section, "strip_left", err));
    return hw_section_flag(&step->right, section, "strip_right", err);
}

static hw_status read_content(hw_normalizer_step *step, hw_section section, const char *key,
                              hw_error *err) {
    hw_text content;
    HW_TRY(hw_section_string(&content, section, key, err));
    step->length = content.length;
    step->content = hw_strndup(content.bytes, content.length);
    return step->content ? HW_OK : hw_fail_memory(err, content.length + 1);
}

static hw_status add_replace(hw_normalizer *normalizer, hw_section section, hw_error *err) {
    hw_normalizer_step *step = add_step(normalizer, HW_STEP_REPLACE, err);
    if (!step) return HW_ERROR_MEMORY;
    HW_TRY(read_content(step, section, "content", err));
    return hw_pattern_init(&step->pattern, json_object_get(section.json, "pattern"),
                           hw_section_place(section, "pattern").text, err);
}

static hw_status add_prepend(hw_normalizer *normalizer, hw_section section, hw_error *err) {
    hw_normalizer_step *step = add_step(normalizer, HW_STEP_PREPEND, err);
    return step ? read_content(step, section, "prepend", err) : HW_ERROR_MEMORY;
}

static hw_status add_precompiled(hw_normalizer *normalizer, hw_section section, hw_error *err) {
    hw_text base64;
    HW_TRY(hw_section_string(&base64, section, "precompiled_charsmap", err));
    hw_normalizer_step *step = add_step(normalizer, HW_STEP_PRECOMPILED, err);
    if (!step) return HW_ERROR_MEMORY;
    step->precompiled = hw_precompiled_new(base64, section.name, err);
    return step->precompiled ? HW_OK : HW_ERROR_FORMAT;
}

static hw_status add_section(hw_normalizer *normalizer, hw_section section, int depth,
                             hw_error *err) {
    static const struct {
        const char *type;
        hw_status (*add)(hw_normalizer *normalizer, hw_section section, hw_error *err);
    } with_options[] = { { "BertNormalizer", add_bert },
                         { "Strip", add_strip },
                         { "Replace", add_replace },
                         { "Prepend", add_prepend },
                         { "Precompiled", add_precompiled } };
    static const struct {
        const char *type;
        hw_step_kind kind;
        hw_normal_form form;
    } simple[] = { { "Lowercase", HW_STEP_LOWER, 0 },
                   { "StripAccents", HW_STEP_STRIP_COMBINING, 0 },
                   { "Nmt", HW_STEP_NMT, 0 },
                   { "ByteLevel", HW_STEP_BYTE_LEVEL, 0 },
                   { "NFC", HW_STEP_NORMAL_FORM, HW_NFC },
                   { "NFD", HW_STEP_NORMAL_FORM, HW_NFD },
                   { "NFKC", HW_STEP_NORMAL_FORM, HW_NFKC },
                   { "NFKD", HW_STEP_NORMAL_FORM, HW_NFKD } };
    hw_text type;
    HW_TRY(hw_section_string(&type, section, "type", err));
    for (size_t i = 0; i < sizeof with_options / sizeof *with_options; ++i)
        if (strcmp(with_options[i].type, type.bytes) == 0)
            return with_options[i].add(normalizer, section, err);
    for (size_t i = 0; i < sizeof simple / sizeof *simple; ++i) {
        if (strcmp(simple[i].type, type.bytes) != 0) continue;
        hw_normalizer_step *step = add_step(normalizer, simple[i].kind, err);
        if (!step) return HW_ERROR_MEMORY;
        step->form = simple[i].form;
        return HW_OK;
    }
    if (strcmp(type.bytes, "Sequence") != 0)
        return hw_section_unsupported(section, "type", type.bytes, err);

    const json_t *list;
    HW_TRY(hw_section_list(&list, section, "normalizers", depth < DEEPEST, err));
    for (size_t i = 0; i < json_array_size(list); ++i)
        HW_TRY(add_section(normalizer, hw_section_item(section, list, i), depth + 1, err));
    return HW_OK;
}

hw_status hw_normalizer_init(hw_normalizer *normalizer, const json_t *json, const char *name,
                             hw_error *err) {
    if (!json || json_is_null(json)) return HW_OK;
    return add_section(normalizer, (hw_section){ json, name, "normalizer" }, 0, err);
}

void hw_normalizer_free(hw_normalizer *normalizer) {
    for (size_t i = 0; i < normalizer->count; ++i) {
        hw_pattern_free(&normalizer->steps[i].pattern);
        hw_free(normalizer->steps[i].content);
        hw_precompiled_free(normalizer->steps[i].precompiled);
    }
    hw_free(normalizer->steps);
    *normalizer = (hw_normalizer){ 0 };
}

/* ---- Properties -------------------------------------------------------------------------- */

bool hw_normalizer_keeps_ascii(const hw_normalizer *normalizer) {
    for (size_t i = 0; i < normalizer->count; ++i)
        if (normalizer->steps[i].kind != HW_STEP_NORMAL_FORM) return false;
    return true;
}

static bool is_visible_ascii(hw_text string) {
    for (size_t i = 0; i < string.length; ++i)
        if (string.bytes[i] <= ' ' || string.bytes[i] >= 0x7F) return false;
    return string.length > 0;
}

/* Visible characters become such; two blanks or more become one. */
static bool replaces_within_words(const hw_normalizer_step *step) {
    const hw_pattern *pattern = &step->pattern;
    const hw_text content = { step->content, step->length };
    if (pattern->kind == HW_PATTERN_STRING)
        return is_visible_ascii((hw_text){ pattern->string, pattern->length }) &&
               is_visible_ascii(content);
    return (pattern->kind == HW_PATTERN_BLANKS || pattern->kind == HW_PATTERN_SPACES ||
            pattern->kind == HW_PATTERN_SPACES_LINES) &&
           content.length == 1 && content.bytes[0] == ' ';
}

static bool keeps_visible_ascii(const hw_precompiled *precompiled) {
    for (unsigned char code = ' '; code < 0x7F; ++code)
        if (!hw_precompiled_keeps(precompiled, code)) return false;
    return true;
}

static bool keeps_blanks(const hw_normalizer_step *step) {
    switch (step->kind) {
    case HW_STEP_REPLACE:
        return replaces_within_words(step);
    case HW_STEP_PRECOMPILED:
        return keeps_visible_ascii(step->precompiled);
    case HW_STEP_STRIP:
        return !step->left;
    case HW_STEP_STRIP_COMBINING:
    case HW_STEP_LOWER:
    case HW_STEP_NMT:
    case HW_STEP_NORMAL_FORM:
        return true;
    default:
        return false;
    }
}

bool hw_normalizer_keeps_blanks(const hw_normalizer *normalizer) {
    for (size_t i = 0; i < normalizer->count; ++i)
        if (!keeps_blanks(&normalizer->steps[i])) return false;
    return true;
}

bool hw_normalizer_may_shift(const hw_normalizer *normalizer) {
    for (size_t i = 0; i < normalizer->count; ++i)
        if (normalizer->steps[i].kind == HW_STEP_PRECOMPILED) return true;
    return false;
}

/* ---- Running ---------------------------------------------------------------------------- */

static hw_status apply_step(hw_workspace *workspace, const hw_normalizer_step *step,
                            hw_error *err) {
    const hw_aligned *from = &workspace->text;
    hw_aligned *to = &workspace->other_text;
    to->length = 0;
    for (size_t i = 0; i < workspace->pieces.count; ++i) {
        hw_piece *piece = &workspace->pieces.items[i];
        hw_edit edit = hw_edit_of(to, from, piece);
        const size_t begin = to->length;
        bool ok = true;
        if (piece->id != HW_NO_TOKEN)
            hw_edit_keep(&edit, piece->end - piece->begin);
        else if (piece->begin < piece->end)
            ok = hw_normalizer_step_apply(&edit, step, &workspace->units);
        hw_edit_finish(&edit);
        if (!ok) to->failed = true;
        piece->begin = begin;
        piece->end = to->length;
    }
    hw_workspace_swap_texts(workspace);
    return hw_workspace_check(workspace, err);
}

hw_status hw_normalizer_apply(hw_workspace *workspace, const hw_normalizer *normalizer,
                              hw_error *err) {
    for (size_t i = 0; i < normalizer->count; ++i)
        HW_TRY(apply_step(workspace, &normalizer->steps[i], err));
    return HW_OK;
}
