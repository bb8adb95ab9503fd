/* Characters are code points, words those of text/words.h. */
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

/* A text in the making out of the words of another. */
typedef struct sentence {
    hw_text_buffer *to;
    hw_text text;        /* that the words are of */
    const hw_word *last; /* word that was written, or NULL */
} sentence;

/* Between two words is what was between them if they were neighbours; else a space, but beside a
 * script that is written without. */
static void append_word(sentence *s, const hw_word *word) {
    const hw_word *last = s->last;
    if (last && word->offset == last->offset + last->length)
        hw_text_append(s->to, s->text.bytes + last->end, word->begin - last->end);
    else if (last && last->kind != HW_WORD_CJK && word->kind != HW_WORD_CJK)
        hw_text_append(s->to, " ", 1);
    hw_text_append(s->to, s->text.bytes + word->begin, word->end - word->begin);
    s->last = word;
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

/* How many words are left of a text that is cut. */
static size_t cut(size_t words, double share) {
    return (size_t)((double)words * (1 - 2.5 * share) + 0.5);
}

static void corrupt_words(hw_text_buffer *to, hw_words *words, hw_text text, const chance *c) {
    const hw_corruption kind = c->corruption;
    sentence s = { to, text, NULL };
    if (kind == HW_CORRUPTION_WORD_SWAP) swap_words(words, c);
    const size_t kept =
        kind == HW_CORRUPTION_TRUNCATE ? cut(words->count, c->draw.share) : words->count;
    for (size_t i = 0; i < kept; i++) {
        const bool is_hit = hits(c, i);
        if (is_hit && kind == HW_CORRUPTION_WORD_DROP) continue;
        if (is_hit && kind == HW_CORRUPTION_FILLER)
            append_word(&s, &words->items[choose(c, i, words->count)]);
        append_word(&s, &words->items[i]);
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
