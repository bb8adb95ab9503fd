/* Makes a WordPiece vocabulary (Schuster and Nakajima 2012) from the words of a corpus, by the
 * merges of byte pair encoding (Sennrich et al. 2016): start from single characters, "##" before
 * those that go on a word, and join the most frequent pair of neighbours until the vocabulary is
 * full.
 *
 * Invariants: the vocabulary is a function of how often each word occurs, not of their order; every
 * word whose characters were all kept can be written with it. */
#ifndef HW_TOKENIZER_WORDPIECE_TRAINER_H
#define HW_TOKENIZER_WORDPIECE_TRAINER_H

#include "base/text_buffer.h"
#include "tokenizer/word_bag.h"

/* X(id, token): they stand first, in this order */
#define HW_WORDPIECE_SPECIAL_LIST(X) \
    X(PAD, "[PAD]") X(UNK, "[UNK]") X(CLS, "[CLS]") X(SEP, "[SEP]") X(MASK, "[MASK]")

enum {
#define X(id, token) HW_WORDPIECE_##id,
    HW_WORDPIECE_SPECIAL_LIST(X)
#undef X
        HW_WORDPIECE_SPECIALS,
    HW_WORDPIECE_WORD_LIMIT = 100 /* characters of a word; longer ones are [UNK] */
};

/* pieces: empty before; receives at most `vocabulary` (> HW_WORDPIECE_SPECIALS) pieces, by id.
 * Characters and pairs that occur less than min_count times are left out; when not even the
 * characters fit, so are the rarest of them. */
hw_status hw_wordpiece_train(hw_word_bag *pieces, const hw_word_bag *words, size_t vocabulary,
                             uint64_t min_count, hw_error *err);

/* Appends the text of the tokenizer.json: BERT's normalizer (lower case, no accents), its
 * pre-tokenizer, these pieces and the template [CLS] text [SEP]. */
hw_status hw_wordpiece_json(hw_text_buffer *json, const hw_word_bag *pieces, hw_error *err);

#endif
