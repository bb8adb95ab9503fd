/* The tiny encoders of tests/golden/encoders and what `transformers` computes with them. */
#ifndef ENCODER_CASE_H
#define ENCODER_CASE_H

#include "encoder/encoder.h"

enum { ENCODER_CASES = 14 };
extern const char *const encoder_cases[ENCODER_CASES];

typedef struct encoder_case {
    hw_encoder_config config;
    hw_safetensors *weights, *expected;
    hw_encoder *encoder;
    hw_encoder_batch batch;
    size_t tokens, longest;
    const uint32_t *places; /* of masked tokens */
    size_t rows;            /* of logits: texts or places */
    size_t columns;         /* labels or vocabulary */
} encoder_case;

/* Fails the test if something is missing. */
encoder_case encoder_case_open(const char *name);
void encoder_case_close(encoder_case *c);
/* The config.json of a case, as text to be changed; free() it. */
char *encoder_case_config_text(const char *name);

/* An expected array; NULL if there is none and it may be missing. */
const float *encoder_case_expected(const encoder_case *c, const char *name);
hw_encoder_scratch *encoder_case_scratch(const encoder_case *c, bool training, hw_pool *pool);
/* By hw_encoder_forward or hw_encoder_masked_forward. */
void encoder_case_logits(float *logits, const encoder_case *c, hw_encoder_scratch *scratch,
                         const hw_encoder_noise *noise);

/* Sees all tokens of all layers, and does nothing. */
extern const hw_attention_watch encoder_case_watch;

/* Makes what the last head of every layer writes worth nothing, in the weights: the columns of the
 * output layers that read it become 0. off: [layers][heads], true for those heads; free() it. */
bool *encoder_case_cut_last_heads(const encoder_case *c);

/* max |x - y| / (max y - min y) over n elements */
double encoder_case_error(const float *x, const float *y, size_t n);

/* For hw_encoder_new: context is a hw_safetensors. */
const hw_tensor *encoder_case_find(void *context, const char *name);

#endif
