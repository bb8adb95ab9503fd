/* The words that are told apart, and the fillers, are the most frequent ones of the data, mixed by
 * rank, so that both are equally frequent. */
#include "study/order_task.h"

#include "base/memory.h"
#include "base/random.h"
#include "base/text_buffer.h"
#include "text/dataset_builder.h"
#include "text/words.h"
#include "tokenizer/word_bag.h"

#include <stdlib.h>

enum { ENDS = 8, WORDS = 64, LEAST_WORDS = 2 * ENDS };
enum { TRAIN_TEXTS = 2000, DEV_TEXTS = 500 };
enum { PURPOSE_FIRST = 0x6f72, PURPOSE_LAST, PURPOSE_FILLER };

typedef struct known_word {
    hw_text text;
    bool is_spaced; /* written with spaces around it */
} known_word;

typedef struct lexicon {
    known_word ends[ENDS], fillers[WORDS - ENDS];
    size_t filler_count;
} lexicon;

/* ---- Words -------------------------------------------------------------------------------- */

static hw_status count_words(hw_word_bag *bag, const hw_dataset *dataset, hw_error *err) {
    hw_words words = { 0 };
    hw_status status = HW_OK;
    for (size_t row = 0; row < dataset->count && status == HW_OK; row++) {
        status = hw_words_split(&words, dataset->examples[row].text, err);
        for (size_t i = 0; i < words.count && status == HW_OK; i++) {
            const hw_word *word = &words.items[i];
            const hw_text text = { words.normalized + word->offset, word->length };
            if (word->kind != HW_WORD_MARK && text.bytes[0] != ' ')
                status = hw_word_bag_add(bag, NULL, text, 1, err);
        }
    }
    hw_words_free(&words);
    return status;
}

static int by_count(const void *left, const void *right) {
    const hw_bag_word *a = left, *b = right;
    if (a->count != b->count) return a->count > b->count ? -1 : 1;
    const size_t length = a->text.length < b->text.length ? a->text.length : b->text.length;
    const int order = memcmp(a->text.bytes, b->text.bytes, length);
    return order ? order : (a->text.length > b->text.length) - (a->text.length < b->text.length);
}

static hw_status know(known_word *known, hw_words *words, hw_text text, hw_error *err) {
    HW_TRY(hw_words_split(words, text, err));
    *known = (known_word){ text, words->count && words->items[0].kind == HW_WORD_LETTERS };
    return HW_OK;
}

/* Every words / ENDS-th word by rank is one of the ends. */
static hw_status sort_words(lexicon *chosen, const hw_word_bag *bag, hw_words *scratch,
                            hw_error *err) {
    const size_t words = bag->count < WORDS ? bag->count : WORDS, step = words / ENDS;
    for (size_t rank = 0; rank < words; rank++) {
        const bool is_end = rank % step == 0 && rank / step < ENDS;
        known_word *place =
            is_end ? &chosen->ends[rank / step] : &chosen->fillers[chosen->filler_count++];
        HW_TRY(know(place, scratch, bag->items[rank].text, err));
    }
    return HW_OK;
}

static hw_status choose_words(lexicon *chosen, hw_word_bag *bag, hw_error *err) {
    if (bag->count < LEAST_WORDS)
        return hw_fail(err, HW_ERROR_UNSUPPORTED,
                       "the training texts have only %zu different words; the task over distances "
                       "(claim h) needs %d",
                       bag->count, (int)LEAST_WORDS);
    qsort(bag->items, bag->count, sizeof *bag->items, by_count);
    hw_words scratch = { 0 };
    const hw_status status = sort_words(chosen, bag, &scratch, err);
    hw_words_free(&scratch);
    return status;
}

/* ---- Texts -------------------------------------------------------------------------------- */

/* A space beside a script that is written without would be a word of its own. */
typedef struct sentence {
    hw_text_buffer *text;
    bool is_spaced; /* its last word */
} sentence;

static void append(sentence *s, known_word word) {
    if (s->is_spaced && word.is_spaced) hw_text_append(s->text, " ", 1);
    hw_text_append(s->text, word.text.bytes, word.text.length);
    s->is_spaced = word.is_spaced;
}

static known_word filler(const lexicon *known, uint64_t seed, size_t number, size_t i) {
    const uint64_t at = ((uint64_t)number << 20) + i;
    return known->fillers[hw_random_below(seed, PURPOSE_FILLER, at, known->filler_count)];
}

/* Writes the text of a number and returns its label. */
static hw_text write_text(hw_text_buffer *text, const lexicon *known, size_t distance,
                          uint64_t seed, size_t number) {
    const size_t first = (size_t)hw_random_below(seed, PURPOSE_FIRST, number, ENDS);
    const size_t other = (size_t)hw_random_below(seed, PURPOSE_LAST, number, ENDS - 1);
    const size_t last = other < first ? other : other + 1;
    sentence s = { text, false };
    append(&s, filler(known, seed, number, 0));
    append(&s, known->ends[first]);
    for (size_t i = 1; i <= distance; i++) append(&s, filler(known, seed, number, i));
    append(&s, known->ends[last]);
    append(&s, filler(known, seed, number, distance + 1));
    return hw_text_of(first < last ? "rising" : "falling");
}

/* Texts of the numbers from first on. */
static hw_status make_texts(hw_dataset **made, const lexicon *known, size_t distance, uint64_t seed,
                            size_t first, size_t count, hw_error *err) {
    hw_dataset_builder builder;
    HW_TRY(hw_dataset_begin(&builder, "the task over distances", err));
    *made = builder.dataset;
    hw_text_buffer text = { 0 };
    hw_status status = HW_OK;
    for (size_t i = 0; i < count && status == HW_OK; i++) {
        text.length = 0;
        hw_text label = write_text(&text, known, distance, seed, first + i);
        const hw_record record = { .text = { text.bytes, text.length },
                                   .labels = &label,
                                   .label_count = 1,
                                   .weight = 1,
                                   .line = i + 1 };
        status =
            text.failed ? hw_fail_memory(err, text.length) : hw_dataset_add(&builder, &record, err);
    }
    hw_text_buffer_free(&text);
    return status;
}

static hw_status make_parts(hw_parts *made, const lexicon *known, size_t distance, uint64_t seed,
                            hw_error *err) {
    const size_t test = TRAIN_TEXTS + DEV_TEXTS;
    HW_TRY(make_texts(&made->train, known, distance, seed, 0, TRAIN_TEXTS, err));
    HW_TRY(make_texts(&made->dev, known, distance, seed, TRAIN_TEXTS, DEV_TEXTS, err));
    return make_texts(&made->test, known, distance, seed, test, HW_ORDER_TEST_TEXTS, err);
}

hw_status hw_order_task_make(hw_parts *made, const hw_dataset *words, size_t distance,
                             uint64_t seed, hw_error *err) {
    hw_word_bag bag = { 0 };
    lexicon chosen = { 0 };
    hw_status status = count_words(&bag, words, err);
    if (status == HW_OK) status = choose_words(&chosen, &bag, err);
    if (status == HW_OK) status = make_parts(made, &chosen, distance, seed, err);
    hw_word_bag_free(&bag);
    return status;
}
