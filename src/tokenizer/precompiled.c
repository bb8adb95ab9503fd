/* A charsmap is the size of a trie in bytes, the trie (darts-clone's units of 32 bits, little
 * endian) and the replacements, each up to a NUL; a trie's value is the offset of a replacement.
 * Invariant: units[0 .. unit_count) and replacements[0 .. size) hold all that is read. */
#include "tokenizer/precompiled.h"

#include "base/memory.h"
#include "text/utf8.h"
#include "tokenizer/base64.h"
#include "tokenizer/grapheme.h"

struct hw_precompiled {
    uint32_t *units;
    size_t unit_count;
    char *replacements; /* valid UTF-8 */
    size_t size;
    bool keeps[128]; /* ASCII characters that have no replacement */
};

/* Clusters of at least this many bytes are not looked up as a whole (`tokenizers`). */
enum { LONG_CLUSTER = 6 };

/* ---- Reading --------------------------------------------------------------- */

static uint32_t little_endian(const unsigned char *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static hw_status read_charsmap(hw_precompiled *table, const unsigned char *bytes, size_t size,
                               const char *name, hw_error *err) {
    const size_t trie_bytes = size >= 4 ? little_endian(bytes) / 4 * (size_t)4 : 0;
    if (size < 4 || trie_bytes > size - 4)
        return hw_fail(err, HW_ERROR_FORMAT, "%s: precompiled_charsmap is cut off", name);
    const char *replacements = (const char *)bytes + 4 + trie_bytes;
    table->size = size - 4 - trie_bytes;
    if (!hw_utf8_is_valid(replacements, table->size))
        return hw_fail(err, HW_ERROR_FORMAT, "%s: precompiled_charsmap is not UTF-8", name);

    table->unit_count = trie_bytes / 4;
    table->units = hw_malloc(trie_bytes);
    table->replacements = hw_strndup(replacements, table->size);
    if (!table->units || !table->replacements) return hw_fail_memory(err, size);
    for (size_t unit = 0; unit < table->unit_count; ++unit)
        table->units[unit] = little_endian(bytes + 4 + 4 * unit);
    return HW_OK;
}

/* ---- Looking up ------------------------------------------------------------ */

static bool has_leaf(uint32_t unit) {
    return unit >> 8 & 1;
}

static uint32_t label(uint32_t unit) {
    return unit & (1u << 31 | 0xFF);
}

static size_t offset(uint32_t unit) {
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* The value of the shortest prefix of the bytes that has one. */
static bool find_prefix(uint32_t *value, const hw_precompiled *table, hw_text bytes) {
    if (table->unit_count == 0) return false;
    size_t at = offset(table->units[0]);
    for (size_t i = 0; i < bytes.length && bytes.bytes[i]; ++i) {
        const unsigned char byte = (unsigned char)bytes.bytes[i];
        at ^= byte;
        if (at >= table->unit_count || label(table->units[at]) != byte) return false;
        const uint32_t unit = table->units[at];
        at ^= offset(unit);
        if (!has_leaf(unit)) continue;
        if (at >= table->unit_count) return false;
        *value = table->units[at] & ~(1u << 31);
        return true;
    }
    return false;
}

static bool is_inside_character(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* As in `tokenizers`, a prefix that has a replacement replaces all the bytes. */
static bool find_replacement(hw_text *replacement, const hw_precompiled *table, hw_text bytes) {
    uint32_t start;
    if (!find_prefix(&start, table, bytes) || start > table->size) return false;
    const char *text = table->replacements + start;
    if (is_inside_character(*text)) return false;
    *replacement = (hw_text){ text, strnlen(text, table->size - start) };
    return true;
}

hw_precompiled *hw_precompiled_new(hw_text base64, const char *name, hw_error *err) {
    hw_precompiled *table = hw_calloc(1, sizeof *table);
    unsigned char *bytes = hw_malloc(base64.length / 4 * 3);
    hw_status status = HW_OK;
    size_t size;
    if (!table || !bytes)
        status = hw_fail_memory(err, base64.length);
    else if (!hw_base64_decode(bytes, &size, base64))
        status = hw_fail(err, HW_ERROR_FORMAT, "%s: precompiled_charsmap is not base64", name);
    else
        status = read_charsmap(table, bytes, size, name, err);
    hw_free(bytes);
    if (status != HW_OK) {
        hw_precompiled_free(table);
        return NULL;
    }
    for (unsigned char code = 0; code < 128; ++code) {
        hw_text replacement;
        table->keeps[code] = !find_replacement(&replacement, table, (hw_text){ (char *)&code, 1 });
    }
    return table;
}

void hw_precompiled_free(hw_precompiled *table) {
    if (!table) return;
    hw_free(table->units);
    hw_free(table->replacements);
    hw_free(table);
}

bool hw_precompiled_keeps(const hw_precompiled *table, unsigned char ascii) {
    return table->keeps[ascii];
}

/* ---- Walking --------------------------------------------------------------- */

/* The next code point or cluster; true if it has a replacement. */
static bool step(hw_replacement *piece, hw_precompiled_walk *walk, const hw_precompiled *table) {
    const char *bytes = walk->text.bytes + walk->at;
    *piece = (hw_replacement){ .begin = walk->at, .changed = true };
    if (walk->at == walk->cluster_end) {
        walk->cluster_end = hw_grapheme_end(walk->text, walk->at);
        const size_t length = walk->cluster_end - walk->at;
        if (length < LONG_CLUSTER &&
            find_replacement(&piece->text, table, (hw_text){ bytes, length })) {
            piece->end = walk->at = walk->cluster_end;
            return true;
        }
    }
    size_t size;
    hw_utf8_decode(&size, bytes, walk->text.length - walk->at);
    piece->end = walk->at += size;
    return find_replacement(&piece->text, table, (hw_text){ bytes, size });
}

/* ASCII that is kept and has ASCII behind it is a cluster of its own. */
static size_t skip_kept(const hw_precompiled *table, hw_text text, size_t at) {
    const unsigned char *bytes = (const unsigned char *)text.bytes;
    while (at + 1 < text.length && bytes[at] < 128 && bytes[at + 1] < 128 &&
           table->keeps[bytes[at]] && bytes[at] != '\r')
        ++at;
    return at;
}

bool hw_precompiled_next(hw_replacement *piece, hw_precompiled_walk *walk,
                         const hw_precompiled *table) {
    if (walk->has_changed) {
        *piece = walk->changed;
        walk->has_changed = false;
        return true;
    }
    const size_t begin = walk->at;
    while (!walk->has_changed && walk->at < walk->text.length) {
        if (walk->at == walk->cluster_end)
            walk->at = walk->cluster_end = skip_kept(table, walk->text, walk->at);
        walk->has_changed = step(&walk->changed, walk, table);
    }
    const size_t end = walk->has_changed ? walk->changed.begin : walk->at;
    const hw_text kept = { walk->text.bytes + begin, end - begin };
    *piece = (hw_replacement){ begin, end, kept, false };
    if (kept.length > 0) return true;
    *piece = walk->changed;
    const bool more = walk->has_changed;
    walk->has_changed = false;
    return more;
}
