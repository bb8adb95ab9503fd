/* Characters are code points, words those of text/words.h; what is between two words stays with the
 * first. */
#include "study/corruption.h"

#include "base/memory.h"
#include "base/random.h"
#include "text/utf8.h"

#include <string.h>

const double hw_corruption_shares[HW_CORRUPTION_STRENGTHS] = { 0.02, 0.05, 0.1, 0.15, 0.2 };

enum { PURPOSE_HIT = 0x636f, PURPOSE_CHOICE, MOST_PLACES = 1 << 20, SWAP_REACH = 3 };

const char *hw_corruption_name(hw_corruption corruption) {
    static const char *const names[] = {
#define X(id, name) name,
        HW_CORRUPTION_LIST(X)
#undef X
    };
    return names[corruption];
}

/* A draw of its own for each corruption and place. */
typedef struct chance {
    hw_corruption_draw draw;
    hw_corruption corruption;
} chance;

static uint64_t index_of(const chance *c, size_t place) {
    return (c->draw.row * HW_CORRUPTIONS + (uint64_t)c->corruption) * MOST_PLACES + place;
}

static bool hits(const chance *c, size_t place) {
    return (double)hw_random_uniform(c->draw.seed, PURPOSE_HIT, index_of(c, place)) < c->draw.share;
}

static size_t choose(const chance *c, size_t place, size_t bound) {
    return (size_t)hw_random_below(c->draw.seed, PURPOSE_CHOICE, index_of(c, place), bound);
}

/* ---- Characters ------------------------------------------------------------------------- */

/* What stands beside each letter on the keys of a typewriter (QWERTY), a to z. */
static const char *const neighbours[26] = {
    "qwsz",   "vghn",  "xdfv", "serfcx", "wsdr", "drtgvc", "ftyhbv", "gyujnb", "ujko",
    "huikmn", "jiolm", "kop",  "njk",    "bhjm", "iklp",   "ol",     "wa",     "edft",
    "awedxz", "rfgy",  "yhji", "cfgb",   "qase", "zsdc",   "tghu",   "asx",
};

/* Pairs: what is meant, what is read. */
static const char lookalikes[] = "o0l1i1s5b6z2g9e3a4t7";

static char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
}

static char beside(char letter, const chance *c, size_t place) {
    if (lower(letter) < 'a' || lower(letter) > 'z') return letter;
    const char *keys = neighbours[lower(letter) - 'a'];
    return keys[choose(c, place, strlen(keys))];
}

static char lookalike(char letter) {
    for (const char *pair = lookalikes; *pair; pair += 2)
        if (*pair == lower(letter)) return pair[1];
    return letter;
}

/* The character at bytes[0 .. size), corrupted; next: what follows it, whose size *taken is if it
 * was written too. */
static void write_hit(hw_text_buffer *to, const char *bytes, size_t size, hw_text next,
                      size_t *taken, const chance *c, size_t place) {
    char letter = *bytes;
    switch (c->corruption) {
    case HW_CORRUPTION_SWAP:
        if (next.length) hw_utf8_decode(taken, next.bytes, next.length);
        hw_text_append(to, next.bytes, *taken);
        break;
    case HW_CORRUPTION_DELETE:
        return;
    case HW_CORRUPTION_INSERT:
        letter = (char)('a' + choose(c, place, 26));
        hw_text_append(to, size == 1 ? &letter : bytes, size);
        break;
    case HW_CORRUPTION_KEYBOARD:
        letter = beside(letter, c, place);
        hw_text_append(to, size == 1 ? &letter : bytes, size);
        return;
    default:
        letter = lookalike(letter);
        hw_text_append(to, size == 1 ? &letter : bytes, size);
        return;
    }
    hw_text_append(to, bytes, size);
}

static void corrupt_characters(hw_text_buffer *to, hw_text text, const chance *c) {
    size_t place = 0;
    for (size_t at = 0, size; at < text.length; at += size, place++) {
        size_t taken = 0;
        hw_utf8_decode(&size, text.bytes + at, text.length - at);
        const hw_text next = { text.bytes + at + size, text.length - at - size };
        if (hits(c, place))
            write_hit(to, text.bytes + at, size, next, &taken, c, place);
        else
            hw_text_append(to, text.bytes + at, size);
        at += taken;
    }
}

/* ---- Words ------------------------------------------------------------------------------ */

/* A word and what is between it and the next. */
static hw_text word_at(const hw_words *words, hw_text text, size_t i) {
    const size_t begin = words->items[i].begin;
    const size_t end = i + 1 < words->count ? words->items[i + 1].begin : text.length;
    return (hw_text){ text.bytes + begin, end - begin };
}

static void append(hw_text_buffer *to, hw_text word) {
    hw_text_append(to, word.bytes, word.length);
}

/* A space, too, if there is none after the word. */
static void append_filler(hw_text_buffer *to, const hw_words *words, hw_text text, size_t i) {
    const hw_word *word = &words->items[i];
    if (word->kind == HW_WORD_LETTERS) append(to, (hw_text){ " ", 1 });
    hw_text_append(to, text.bytes + word->begin, word->end - word->begin);
    if (word->kind == HW_WORD_LETTERS) append(to, (hw_text){ " ", 1 });
}

static void swap_words(hw_words *words, const chance *c) {
    for (size_t i = 0; i + 1 < words->count; i++) {
        if (!hits(c, i)) continue;
        const size_t left = words->count - 1 - i;
        const size_t other = i + 1 + choose(c, i, left < SWAP_REACH ? left : SWAP_REACH);
        const hw_word word = words->items[i];
        words->items[i] = words->items[other];
        words->items[other] = word;
    }
}

/* Words in another order, a space between two. */
static void write_swapped(hw_text_buffer *to, hw_words *words, hw_text text, const chance *c) {
    swap_words(words, c);
    for (size_t i = 0; i < words->count; i++) {
        const hw_word *word = &words->items[i];
        if (i > 0 && word->kind != HW_WORD_CJK) append(to, (hw_text){ " ", 1 });
        hw_text_append(to, text.bytes + word->begin, word->end - word->begin);
    }
}

static void corrupt_words(hw_text_buffer *to, hw_words *words, hw_text text, const chance *c) {
    if (c->corruption == HW_CORRUPTION_WORD_SWAP) {
        write_swapped(to, words, text, c);
        return;
    }
    const size_t kept = c->corruption == HW_CORRUPTION_TRUNCATE
                            ? (size_t)((double)words->count * (1 - 2.5 * c->draw.share) + 0.5)
                            : words->count;
    for (size_t i = 0; i < kept; i++) {
        const bool is_hit = c->corruption != HW_CORRUPTION_TRUNCATE && hits(c, i);
        if (is_hit && c->corruption == HW_CORRUPTION_WORD_DROP) continue;
        if (is_hit) append_filler(to, words, text, choose(c, i, words->count));
        append(to, word_at(words, text, i));
    }
}

hw_status hw_corrupt(hw_text_buffer *corrupted, hw_words *words, hw_text text,
                     hw_corruption corruption, hw_corruption_draw draw, hw_error *err) {
    const chance c = { draw, corruption };
    corrupted->length = 0;
    hw_text_append(corrupted, "", 0);
    if (corruption < HW_CORRUPTION_WORD_DROP) {
        corrupt_characters(corrupted, text, &c);
    } else {
        HW_TRY(hw_words_split(words, text, err));
        corrupt_words(corrupted, words, text, &c);
    }
    return corrupted->failed ? hw_fail_memory(err, text.length) : HW_OK;
}
