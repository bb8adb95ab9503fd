/* Sums are taken query by query, in the order of the text. */
#include "explain/head_metrics.h"

#include <assert.h>
#include <math.h>

/* Heads that talk may mix weights below 0: those say nothing of spread. */
static double entropy_of(const float *row, size_t count) {
    double entropy = 0;
    for (size_t j = 0; j < count; j++)
        if (row[j] > 0) entropy -= (double)row[j] * log((double)row[j]);
    return entropy;
}

static void add_query(hw_head_sums *sums, const float *row, const hw_head_text *text,
                      size_t query) {
    double largest = 0, distance = 0, uniform = 0, separators = 0;
    for (size_t j = 0; j < text->count; j++) {
        const double weight = (double)row[j];
        const double steps = j < query ? (double)(query - j) : (double)(j - query);
        largest = fmax(largest, weight);
        distance += weight * steps;
        uniform += steps;
        if (text->tokens[j].separates) separators += weight;
    }
    sums->queries += 1;
    sums->entropy += entropy_of(row, text->count) / log((double)text->count);
    sums->confidence += largest;
    sums->distance += distance;
    sums->uniform += uniform / (double)text->count;
    sums->sink += (double)row[0];
    sums->separators += separators;
}

void hw_head_sums_add(hw_head_sums *sums, const float *weights, const hw_head_text *text) {
    assert(text->count > 1);
    for (size_t i = 0; i < text->queries; i++) {
        const size_t query = text->query[i];
        add_query(sums, weights + query * text->count, text, query);
    }
}

void hw_head_sums_merge(hw_head_sums *sums, const hw_head_sums *more) {
    sums->queries += more->queries;
    sums->entropy += more->entropy;
    sums->confidence += more->confidence;
    sums->distance += more->distance;
    sums->uniform += more->uniform;
    sums->sink += more->sink;
    sums->separators += more->separators;
}
