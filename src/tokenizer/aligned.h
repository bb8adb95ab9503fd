/* A text on its way from the original to the model: its bytes and, for each byte, the bytes of the
 * original it came from. It is changed by copying it from one hw_aligned to another, piece by
 * piece, one character at a time. Invariants: bytes are valid UTF-8, all bytes of a character have
 * the same span, and spans ascend within a piece. */
#ifndef HW_TOKENIZER_ALIGNED_H
#define HW_TOKENIZER_ALIGNED_H

#include "text/utf8.h"
#include "tokenizer/tokenizer.h"

typedef struct hw_span {
    uint32_t begin, end;
} hw_span;

/* Zero-initialise. A failed append sets `failed`: check it once, at the end. */
typedef struct hw_aligned {
    char *bytes;    /* [length] */
    hw_span *spans; /* [length] */
    size_t length, byte_capacity, span_capacity;
    bool failed;
} hw_aligned;

/* Part of an aligned text: an added token, or text that is still to be cut. */
typedef struct hw_piece {
    size_t begin, end;
    uint32_t origin; /* where the piece begins in the original */
    uint32_t id;     /* of the added token, or HW_NO_TOKEN */
} hw_piece;

/* Zero-initialise. */
typedef struct hw_pieces {
    hw_piece *items;
    size_t count, capacity;
    bool failed;
} hw_pieces;

/* Appends a piece of the text, which begins in the original where its first byte does; an empty
 * one is left out. */
void hw_pieces_cut(hw_pieces *pieces, const hw_aligned *text, size_t begin, size_t end,
                   uint32_t id);
void hw_pieces_append(hw_pieces *pieces, hw_piece piece);
void hw_pieces_free(hw_pieces *pieces);

/* Appends raw bytes that start at byte `origin` of the original; invalid UTF-8 becomes U+FFFD. */
void hw_aligned_append(hw_aligned *text, hw_text raw, uint32_t origin);
/* Appends bytes [begin, end) of another text, spans included. */
void hw_aligned_copy(hw_aligned *text, const hw_aligned *from, size_t begin, size_t end);
void hw_aligned_free(hw_aligned *text);

/* A piece of `from` being rewritten at the end of `to`; hw_edit_finish ends it. Invariant: `to` has
 * all that became of the bytes before `copied`, and those from there to `at` are kept. */
typedef struct hw_edit {
    hw_aligned *to;
    const hw_aligned *from;
    size_t begin, at, end; /* of from: the piece, and what comes next of it */
    size_t copied;
    uint32_t origin;
} hw_edit;

static inline hw_edit hw_edit_of(hw_aligned *to, const hw_aligned *from, const hw_piece *piece) {
    return (
        hw_edit){ to, from, piece->begin, piece->begin, piece->end, piece->begin, piece->origin };
}

/* Copies what is kept so far. */
void hw_edit_finish(hw_edit *edit);

/* The next character of the piece, which is not at its end, and its bytes. */
static inline uint32_t hw_edit_peek(size_t *size, const hw_edit *edit) {
    return hw_utf8_next(size, edit->from->bytes + edit->at);
}
/* Leaves the next `bytes` bytes out. */
static inline void hw_edit_skip(hw_edit *edit, size_t bytes) {
    if (edit->copied < edit->at) hw_edit_finish(edit);
    edit->copied = edit->at += bytes;
}
/* Takes the next `bytes` bytes as they are. */
static inline void hw_edit_keep(hw_edit *edit, size_t bytes) {
    edit->at += bytes;
}
/* Writes a character for the next one. */
void hw_edit_replace(hw_edit *edit, uint32_t code);
/* Writes a character that came from the same place as what was read last. */
void hw_edit_insert(hw_edit *edit, uint32_t code);
/* As `tokenizers` describes a change: 1 inserts, 0 replaces, -n replaces and leaves out n more. */
void hw_edit_push(hw_edit *edit, uint32_t code, int change);

#endif
