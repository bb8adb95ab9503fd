/* JSON (RFC 8259) of strings and ids, without a tree. Invariant: a cursor never passes its end, and
 * every string that is added is valid UTF-8 without a NUL, as jansson would have it. */
#include "tokenizer/vocabulary_text.h"

#include "text/utf8.h"

enum { USUAL_BYTES = 8 /* of a string */, LEAST_ENTRY = 6 /* bytes: "a":1, */ };

typedef struct cursor {
    const char *at, *end;
    size_t commas; /* that skip_value has passed */
} cursor;

static void skip_space(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\r' || *c->at == '\t'))
        c->at++;
}

/* Whether the next character that is no space is this one, which is then taken. */
static bool take(cursor *c, char character) {
    skip_space(c);
    if (c->at == c->end || *c->at != character) return false;
    c->at++;
    return true;
}

/* What is between two quotes, as it stands there. */
static bool take_string(hw_text *raw, cursor *c) {
    if (!take(c, '"')) return false;
    const char *begin = c->at;
    for (; c->at < c->end && *c->at != '"'; c->at++)
        if (*c->at == '\\' && ++c->at == c->end) return false;
    if (c->at == c->end) return false;
    *raw = (hw_text){ begin, (size_t)(c->at++ - begin) };
    return true;
}

/* ---- Finding ------------------------------------------------------------------------------ */

/* Past a value of any kind, whose brackets and strings alone are looked at. */
static bool skip_value(cursor *c) {
    size_t depth = 0;
    hw_text string;
    skip_space(c);
    while (c->at < c->end) {
        const char character = *c->at;
        const bool closes = character == '}' || character == ']';
        if (depth == 0 && (closes || character == ',')) return true; /* behind a number or a word */
        if (character == '"') {
            if (!take_string(&string, c)) return false;
        } else {
            if (character == '{' || character == '[') depth++;
            if (closes) depth--;
            c->commas += character == ',';
            c->at++;
        }
        if (depth == 0 && (closes || character == '"')) return true;
    }
    return false;
}

/* From before an object to the value of one of its members. */
static bool enter_member(cursor *c, const char *key) {
    hw_text own;
    if (!take(c, '{')) return false;
    while (take_string(&own, c) && take(c, ':')) {
        if (own.length == strlen(key) && memcmp(own.bytes, key, own.length) == 0) return true;
        if (!skip_value(c) || !take(c, ',')) return false;
    }
    return false;
}

hw_vocabulary_text hw_vocabulary_find(const char *json, size_t length) {
    hw_vocabulary_text found = { .document = { json, length } };
    cursor c = { json, json + length, 0 };
    if (!enter_member(&c, "model") || !enter_member(&c, "vocab")) return found;
    skip_space(&c);
    cursor object = { c.at, c.end, 0 };
    if (c.at == c.end || *c.at != '{' || !skip_value(&object)) return found;
    found.object = (hw_text){ c.at, (size_t)(object.at - c.at) };
    const size_t most = found.object.length / LEAST_ENTRY;
    found.entries = object.commas < most ? object.commas + 1 : most;
    return found;
}

hw_status hw_vocabulary_cut(hw_text_buffer *rest, const hw_vocabulary_text *vocabulary,
                            hw_error *err) {
    const hw_text document = vocabulary->document, object = vocabulary->object;
    const char *begin = object.length ? object.bytes : document.bytes, *end = begin + object.length;
    hw_text_append(rest, document.bytes, (size_t)(begin - document.bytes));
    if (object.length) hw_text_append(rest, "{", 1);
    for (const char *line = begin; (line = memchr(line, '\n', (size_t)(end - line))); line++)
        hw_text_append(rest, "\n", 1);
    if (object.length) hw_text_append(rest, "}", 1);
    hw_text_append(rest, end, (size_t)(document.bytes + document.length - end));
    return rest->failed ? hw_fail_memory(err, document.length) : HW_OK;
}

/* ---- Strings ------------------------------------------------------------------------------ */

static bool take_hex(uint32_t *code, cursor *c) {
    *code = 0;
    for (int i = 0; i < 4; i++, c->at++) {
        if (c->at == c->end) return false;
        const char digit = *c->at;
        if (digit >= '0' && digit <= '9')
            *code = *code << 4 | (uint32_t)(digit - '0');
        else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
            *code = *code << 4 | (uint32_t)((digit | 0x20) - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* Of \uXXXX, two of them where it is a surrogate pair; c is behind the u. */
static bool take_code(uint32_t *code, cursor *c) {
    uint32_t low;
    if (!take_hex(code, c) || *code == 0 || (*code >= 0xDC00 && *code < 0xE000)) return false;
    if (*code < 0xD800 || *code >= 0xE000) return true;
    if (c->end - c->at < 2 || c->at[0] != '\\' || c->at[1] != 'u') return false;
    c->at += 2;
    if (!take_hex(&low, c) || low < 0xDC00 || low >= 0xE000) return false;
    *code = 0x10000 + ((*code - 0xD800) << 10 | (low - 0xDC00));
    return true;
}

static bool append_escape(hw_text_buffer *string, cursor *c) {
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    char utf8[HW_UTF8_MAX];
    uint32_t code;
    const char name = *c->at++;
    if (name == 'u') {
        if (!take_code(&code, c)) return false;
        hw_text_append(string, utf8, hw_utf8_encode(utf8, code));
        return true;
    }
    const char *found = name ? strchr(names, name) : NULL;
    if (found) hw_text_append(string, &meanings[found - names], 1);
    return found != NULL;
}

static bool is_plain(hw_text raw) {
    unsigned char high = 0;
    for (size_t i = 0; i < raw.length; i++) {
        const unsigned char byte = (unsigned char)raw.bytes[i];
        if (byte < 0x20 || byte == '\\') return false;
        high |= byte;
    }
    return high < 0x80 || hw_utf8_is_valid(raw.bytes, raw.length);
}

/* The string that raw stands for, in a buffer if they differ. */
static bool unescape(hw_text *string, hw_text_buffer *buffer, hw_text raw) {
    *string = raw;
    if (is_plain(raw)) return true;
    buffer->length = 0;
    hw_text_append(buffer, "", 0);
    cursor c = { raw.bytes, raw.bytes + raw.length, 0 };
    while (c.at < c.end) {
        const char character = *c.at++;
        if ((unsigned char)character < 0x20) return false;
        if (character != '\\')
            hw_text_append(buffer, &character, 1);
        else if (!append_escape(buffer, &c))
            return false;
    }
    *string = (hw_text){ buffer->bytes, buffer->length };
    return hw_utf8_is_valid(buffer->bytes, buffer->length);
}

/* ---- Entries ------------------------------------------------------------------------------ */

/* An integer of [0, HW_TOKEN_IDS_MAX), with nothing of a longer number behind it. */
static bool take_id(uint32_t *id, cursor *c) {
    *id = 0;
    skip_space(c);
    const char *begin = c->at;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        *id = *id * 10 + (uint32_t)(*c->at - '0');
        if (*id >= HW_TOKEN_IDS_MAX || (c->at > begin && *begin == '0')) return false;
    }
    skip_space(c);
    return c->at > begin && c->at < c->end && (*c->at == ',' || *c->at == '}');
}

static int line_of(hw_text document, const char *at) {
    int line = 1;
    for (const char *byte = document.bytes; byte < at; byte++) line += *byte == '\n';
    return line;
}

static hw_status read_entry(hw_token_table *table, hw_text_buffer *buffer, cursor *c,
                            hw_text document, const char *name, hw_error *err) {
    hw_text raw = { 0 }, string = { 0 };
    uint32_t id;
    if (!take_string(&raw, c) || !unescape(&string, buffer, raw) || !take(c, ':'))
        return hw_fail(err, HW_ERROR_FORMAT, "%s:%d: model.vocab: a string and its id are expected",
                       name, line_of(document, c->at));
    if (buffer->failed) return hw_fail_memory(err, raw.length);
    if (!take_id(&id, c))
        return hw_fail(err, HW_ERROR_FORMAT,
                       "%s:%d: model.vocab: \"%.*s\": an id below %d is expected", name,
                       line_of(document, c->at), string.length < 100 ? (int)string.length : 100,
                       string.bytes, HW_TOKEN_IDS_MAX);
    return hw_token_table_add(table, string, id, err);
}

hw_status hw_vocabulary_read(hw_token_table *table, const hw_vocabulary_text *vocabulary,
                             const char *name, hw_error *err) {
    const hw_text object = vocabulary->object;
    cursor c = { object.bytes, object.bytes + object.length, 0 };
    const size_t entries = vocabulary->entries;
    HW_TRY(hw_token_table_reserve(table, entries, entries * USUAL_BYTES, err));
    if (take(&c, '{') && take(&c, '}')) return HW_OK;
    hw_text_buffer buffer = { 0 };
    hw_status status = HW_OK;
    do {
        status = read_entry(table, &buffer, &c, vocabulary->document, name, err);
    } while (status == HW_OK && take(&c, ','));
    hw_text_buffer_free(&buffer);
    return status;
}
