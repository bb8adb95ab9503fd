/* Each byte has a sort; a segment is one mark, one ideograph, or a run of anything else. Of white
 * space, only what every option of the normalizer keeps apart is cut at. */
#include "tokenizer/bert_segment.h"

typedef enum sort { OTHER, LETTER, SPACE, MARK, WIDE } sort;

/* clang-format off */
static const unsigned char sorts[256] = {
    ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE, [' '] = SPACE,
    ['!'] = MARK, ['"'] = MARK, ['#'] = MARK, ['$'] = MARK, ['%'] = MARK, ['&'] = MARK,
    ['\''] = MARK, ['('] = MARK, [')'] = MARK, ['*'] = MARK, ['+'] = MARK, [','] = MARK,
    ['-'] = MARK, ['.'] = MARK, ['/'] = MARK, [':'] = MARK, [';'] = MARK, ['<'] = MARK,
    ['='] = MARK, ['>'] = MARK, ['?'] = MARK, ['@'] = MARK, ['['] = MARK, ['\\'] = MARK,
    [']'] = MARK, ['^'] = MARK, ['_'] = MARK, ['`'] = MARK, ['{'] = MARK, ['|'] = MARK,
    ['}'] = MARK, ['~'] = MARK,
    ['0'] = LETTER, ['1'] = LETTER, ['2'] = LETTER, ['3'] = LETTER, ['4'] = LETTER,
    ['5'] = LETTER, ['6'] = LETTER, ['7'] = LETTER, ['8'] = LETTER, ['9'] = LETTER,
    ['A'] = LETTER, ['B'] = LETTER, ['C'] = LETTER, ['D'] = LETTER, ['E'] = LETTER,
    ['F'] = LETTER, ['G'] = LETTER, ['H'] = LETTER, ['I'] = LETTER, ['J'] = LETTER,
    ['K'] = LETTER, ['L'] = LETTER, ['M'] = LETTER, ['N'] = LETTER, ['O'] = LETTER,
    ['P'] = LETTER, ['Q'] = LETTER, ['R'] = LETTER, ['S'] = LETTER, ['T'] = LETTER,
    ['U'] = LETTER, ['V'] = LETTER, ['W'] = LETTER, ['X'] = LETTER, ['Y'] = LETTER,
    ['Z'] = LETTER,
    ['a'] = LETTER, ['b'] = LETTER, ['c'] = LETTER, ['d'] = LETTER, ['e'] = LETTER,
    ['f'] = LETTER, ['g'] = LETTER, ['h'] = LETTER, ['i'] = LETTER, ['j'] = LETTER,
    ['k'] = LETTER, ['l'] = LETTER, ['m'] = LETTER, ['n'] = LETTER, ['o'] = LETTER,
    ['p'] = LETTER, ['q'] = LETTER, ['r'] = LETTER, ['s'] = LETTER, ['t'] = LETTER,
    ['u'] = LETTER, ['v'] = LETTER, ['w'] = LETTER, ['x'] = LETTER, ['y'] = LETTER,
    ['z'] = LETTER,
    [0xE4] = WIDE, [0xE5] = WIDE, [0xE6] = WIDE, [0xE7] = WIDE, [0xE8] = WIDE, [0xE9] = WIDE,
};
/* clang-format on */

static inline bool continues(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

/* Whether U+4E00 to U+9FFF stands at the byte, which is of sort WIDE: E4 B8 80 to E9 BF BF. */
static inline bool is_ideograph(const unsigned char *bytes, size_t length) {
    return length >= 3 && continues(bytes[1]) && continues(bytes[2]) &&
           (bytes[0] > 0xE4 || bytes[1] >= 0xB8);
}

bool hw_bert_segment_next(hw_segment *segment, hw_text text, bool isolates_chinese) {
    const unsigned char *bytes = (const unsigned char *)text.bytes;
    size_t at = segment->end;
    while (at < text.length && sorts[bytes[at]] == SPACE) ++at;
    segment->begin = segment->end = at;
    if (at == text.length) return false;

    while (at < text.length && sorts[bytes[at]] == LETTER) ++at;
    for (; at < text.length; ++at) {
        const unsigned char own = sorts[bytes[at]];
        if (own == SPACE) break;
        size_t alone = own == MARK; /* bytes of a character that is a segment by itself */
        if (own == WIDE && isolates_chinese && is_ideograph(bytes + at, text.length - at))
            alone = 3;
        if (alone == 0) continue;
        if (at == segment->begin) at += alone;
        break;
    }
    segment->end = at;
    return true;
}
