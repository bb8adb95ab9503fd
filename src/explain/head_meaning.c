/* A pair's cosine goes with its words, so a copy reads the ranks of cosines at other places. */
#include "explain/head_meaning.h"

#include "base/random.h"

#include <math.h>
#include <string.h>

static double *at(double *matrix, size_t row, size_t column) {
    return matrix + row * HW_MEANING_WORDS + column;
}

void hw_head_meaning_take(hw_head_meaning *m, const hw_head_text *text, uint64_t seed) {
    m->words = text->queries < HW_MEANING_WORDS ? text->queries : HW_MEANING_WORDS;
    for (size_t copy = 0; copy < HW_COPIES; copy++) {
        for (size_t i = 0; i < m->words; i++) m->place[copy][i] = (uint32_t)i;
        if (copy > 0) hw_random_shuffle(m->place[copy], (uint32_t)m->words, seed, copy);
    }
}

/* Replaces a matrix by the ranks of what is not on its diagonal, which becomes 0. */
static bool rank_pairs(double *matrix, hw_head_meaning *m) {
    size_t pairs = 0;
    for (size_t i = 0; i < m->words; i++)
        for (size_t j = 0; j < m->words; j++)
            if (i != j) m->values[pairs++] = *at(matrix, i, j);
    const bool differ = hw_unit_ranks(m->values, m->values, pairs, m->order);
    for (size_t i = m->words; i-- > 0;)
        for (size_t j = m->words; j-- > 0;) *at(matrix, i, j) = i == j ? 0 : m->values[--pairs];
    return differ;
}

static double product(const float *a, const float *b, size_t width) {
    double sum = 0;
    for (size_t c = 0; c < width; c++) sum += (double)a[c] * (double)b[c];
    return sum;
}

/* Of equal vectors exactly 1; a vector of zeros is like none. */
static double cosine_of(double ab, double aa, double bb) {
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

void hw_head_meaning_embed(hw_head_meaning *m, const hw_head_text *text, const float *vectors,
                           size_t width) {
    double squares[HW_MEANING_WORDS];
    m->has_cosines = false;
    if (!vectors || m->words < HW_ROLE_WORDS) return;
    for (size_t i = 0; i < m->words; i++) {
        const float *a = vectors + text->query[i] * width;
        squares[i] = product(a, a, width);
        for (size_t j = 0; j < i; j++) {
            const float *b = vectors + text->query[j] * width;
            *at(m->cosine, i, j) = *at(m->cosine, j, i) =
                cosine_of(product(a, b, width), squares[i], squares[j]);
        }
    }
    m->has_cosines = rank_pairs(m->cosine, m);
}

bool hw_head_meaning_look(hw_head_meaning *m, const hw_head_text *text, const float *weights) {
    if (!m->has_cosines) return false;
    for (size_t i = 0; i < m->words; i++)
        for (size_t j = 0; j < m->words; j++)
            *at(m->weight, i, j) = (double)weights[text->query[i] * text->count + text->query[j]];
    if (!rank_pairs(m->weight, m)) return false;
    for (size_t i = 0; i < m->words; i++)
        for (size_t j = i + 1; j < m->words; j++) *at(m->weight, i, j) += *at(m->weight, j, i);
    return true;
}

double hw_head_meaning_correlation(const hw_head_meaning *m, size_t copy) {
    const uint32_t *place = m->place[copy];
    double sum = 0;
    for (size_t i = 0; i < m->words; i++) {
        const double *weight = m->weight + i * HW_MEANING_WORDS;
        const double *cosine = m->cosine + place[i] * HW_MEANING_WORDS;
        for (size_t j = i + 1; j < m->words; j++) sum += weight[j] * cosine[place[j]];
    }
    return sum;
}
