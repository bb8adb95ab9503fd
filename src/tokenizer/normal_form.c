/* Decompose every character, sort the marks behind each starter by their class, compose what
 * composes, write it. Invariant: between starters, units are sorted and equal classes keep their
 * order. */
#include "tokenizer/normal_form.h"

#include "base/memory.h"
#include "tokenizer/unicode_class.h"

#include <utf8proc.h>

enum {
    LONGEST_DECOMPOSITION = 18, /* code points, U+FDFA (Unicode 15.0) */
    FIRST_SECOND = 0x300,       /* nothing below it is the second half of a composition */
    HANGUL_T_BASE = 0x11A7      /* nor is the code point before the first trailing consonant, which
                                 * utf8proc 2.8 takes for one (Unicode 15.0, section 3.12) */
};

void hw_normal_units_free(hw_normal_units *units) {
    hw_free(units->items);
    hw_free(units->sorted);
    *units = (hw_normal_units){ 0 };
}

static uint8_t combining_class(uint32_t code) {
    if (code < FIRST_SECOND) return 0;
    const utf8proc_propval_t own = utf8proc_get_property((utf8proc_int32_t)code)->combining_class;
    return own && !(hw_unicode_class(code) & HW_CLASS_UNORDERED) ? (uint8_t)own : 0;
}

static size_t decompose(utf8proc_int32_t *codes, uint32_t code, bool compatibly) {
    codes[0] = (utf8proc_int32_t)code;
    if (code < 0x80 || hw_unicode_class(code) & HW_CLASS_UNDECOMPOSED) return 1;
    const utf8proc_option_t options = UTF8PROC_DECOMPOSE | (compatibly ? UTF8PROC_COMPAT : 0);
    int last_class = 0;
    const utf8proc_ssize_t count = utf8proc_decompose_char(
        (utf8proc_int32_t)code, codes, LONGEST_DECOMPOSITION, options, &last_class);
    return count > 0 && count <= LONGEST_DECOMPOSITION ? (size_t)count : 1;
}

/* Sorts marks [begin, end) by class, equal ones in their order: a counting sort, since a text may
 * be one long run of marks. */
static bool sort_marks(hw_normal_units *units, size_t begin, size_t end) {
    bool sorted = true;
    for (size_t i = begin + 1; i < end && sorted; ++i)
        sorted = units->items[i - 1].combining_class <= units->items[i].combining_class;
    if (sorted) return true;

    const size_t count = end - begin;
    if (!hw_grow((void **)&units->sorted, &units->sorted_capacity, count, sizeof *units->sorted))
        return false;
    size_t starts[257] = { 0 };
    for (size_t i = begin; i < end; ++i) ++starts[units->items[i].combining_class + 1];
    for (size_t class = 0; class < 256; ++class) starts[class + 1] += starts[class];
    for (size_t i = begin; i < end; ++i)
        units->sorted[starts[units->items[i].combining_class]++] = units->items[i];
    memcpy(units->items + begin, units->sorted, count * sizeof *units->items);
    return true;
}

static bool decompose_all(hw_normal_units *units, const hw_edit *edit, bool compatibly) {
    hw_edit reader = *edit;
    size_t marks = 0; /* where the marks behind the last starter begin */
    units->count = 0;
    while (reader.at < reader.end) {
        size_t size;
        const uint32_t code = hw_edit_peek(&size, &reader);
        hw_edit_skip(&reader, size);
        utf8proc_int32_t codes[LONGEST_DECOMPOSITION];
        const size_t count = decompose(codes, code, compatibly);
        if (!hw_grow((void **)&units->items, &units->capacity, units->count + count,
                     sizeof *units->items))
            return false;
        for (size_t i = 0; i < count; ++i) {
            const uint8_t class = combining_class((uint32_t)codes[i]);
            if (class == 0) {
                if (!sort_marks(units, marks, units->count)) return false;
                marks = units->count + 1;
            }
            units->items[units->count++] =
                (hw_normal_unit){ (uint32_t)codes[i], (int16_t)(i > 0), class };
        }
    }
    return sort_marks(units, marks, units->count);
}

/* The character that two compose to, or 0. */
static uint32_t compose_pair(uint32_t first, uint32_t second) {
    if (second < FIRST_SECOND || second == HANGUL_T_BASE) return 0;
    utf8proc_int32_t pair[3] = { (utf8proc_int32_t)first, (utf8proc_int32_t)second };
    if (utf8proc_normalize_utf32(pair, 2, UTF8PROC_COMPOSE | UTF8PROC_STABLE) != 1) return 0;
    return hw_unicode_class((uint32_t)pair[0]) & HW_CLASS_UNDECOMPOSED ? 0 : (uint32_t)pair[0];
}

/* In place: a composed character takes the place of its starter, marks that stay move up. A unit is
 * blocked if one of its class or a higher one stays between it and the starter. */
static void compose_all(hw_normal_units *units) {
    size_t written = 0;
    hw_normal_unit *starter = NULL;
    int last_class = -1; /* of the last mark that stayed; -1: none did */
    for (size_t i = 0; i < units->count; ++i) {
        const hw_normal_unit unit = units->items[i];
        const bool is_blocked = last_class >= (int)unit.combining_class;
        const uint32_t composed =
            starter && !is_blocked ? compose_pair(starter->code, unit.code) : 0;
        if (composed) {
            starter->code = composed;
            starter->change = (int16_t)(starter->change + unit.change - 1);
            continue;
        }
        units->items[written] = unit;
        if (unit.combining_class == 0) {
            starter = &units->items[written];
            last_class = -1;
        } else if (starter) {
            last_class = unit.combining_class;
        }
        ++written;
    }
    units->count = written;
}

bool hw_normal_form_apply(hw_edit *edit, hw_normal_units *units, hw_normal_form form) {
    if (!decompose_all(units, edit, form == HW_NFKD || form == HW_NFKC)) return false;
    if (form == HW_NFC || form == HW_NFKC) compose_all(units);
    for (size_t i = 0; i < units->count; ++i)
        hw_edit_push(edit, units->items[i].code, units->items[i].change);
    return true;
}
