/* A model that is small enough to write by hand: the n-grams of a few sentences, weights that
 * are a function of their place. For tests and fuzz targets. */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include "classify/classifier.h"

typedef struct tiny_options {
    hw_arch arch; /* default hybrid */
    bool multi_label;
    int32_t labels; /* default 3, at most 26: "a", "b", ... */
    int32_t towers; /* default 2; 0 of a bag or if negative */
    int32_t inner_width;
    hw_attention attention;
    hw_head_gates head_gates;
} tiny_options;

/* What the model was "trained" on. */
enum { TINY_SENTENCES = 4 };
extern const char *const tiny_sentences[TINY_SENTENCES];

/* NULL only if memory ran out. */
hw_bundle *tiny_bundle(tiny_options options, hw_error *err);
/* As hw_classifier_from_bundle of it. */
hw_classifier *tiny_classifier(tiny_options options, hw_error *err);

#endif
