/* Cuts a text into words: maximal runs of letters, combining marks and digits (an
 * apostrophe between two letters belongs to the run), every CJK ideograph or kana/hangul
 * syllable by itself, every other printable character by itself. White space, control
 * and format characters and variation selectors separate. White space beside a CJK
 * character, where it is rare and means something, is the word " " of kind CJK. Words are
 * lower-cased (simple Unicode mapping), full-width forms become ASCII, and so does the
 * apostrophe U+2019 inside a run. Invariant: words are in order, do not overlap, and
 * begin/end are byte offsets of whole code points of the original text; invalid bytes
 * count as U+FFFD. */
#ifndef HW_TEXT_WORDS_H
#define HW_TEXT_WORDS_H

#include "base/error.h"

typedef enum hw_word_kind {
    HW_WORD_LETTERS, /* a run of letters or digits */
    HW_WORD_CJK,     /* one character of a script written without spaces */
    HW_WORD_MARK     /* one punctuation mark or symbol */
} hw_word_kind;

typedef struct hw_word {
    uint32_t begin, end;     /* bytes of the original text */
    uint32_t offset, length; /* bytes of hw_words.normalized */
    uint64_t hash;           /* of the normalized bytes */
    hw_word_kind kind;
} hw_word;

/* Reused from text to text; grows as needed. Zero-initialise. */
typedef struct hw_words {
    hw_word *items;
    size_t count, capacity;
    char *normalized; /* UTF-8, the words' normalized bytes one after the other */
    size_t normalized_length, normalized_capacity;
} hw_words;

/* Only the first HW_TEXT_LIMIT bytes (1 MiB) of a text are read, less a code point that
 * would be cut. Linear in length. */
enum { HW_TEXT_LIMIT = 1 << 20 };
hw_status hw_words_split(hw_words *words, hw_text text, hw_error *err);
void hw_words_free(hw_words *words);

/* The hash behind every n-gram and dictionary: 64 bits of a byte string. Strings of one length of
 * up to HW_HASH_EXACT bytes never collide. */
enum { HW_HASH_EXACT = 8 };
uint64_t hw_hash_bytes(const void *bytes, size_t length);

#endif
