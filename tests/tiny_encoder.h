/* A folder of Hugging Face's with an encoder that is small enough to train in a test, and a
 * tokenizer that knows the words of toy_data.h. */
#ifndef TINY_ENCODER_H
#define TINY_ENCODER_H

#include "encoder/config.h"

enum { TINY_ENCODER_WORDS = 4 + 12 + 26 * 4 }; /* special ones, common ones, those of 26 labels */

/* Of a BERT without a readout. */
hw_encoder_config tiny_encoder_config(void);
/* Random weights. The folder must not be there. */
void tiny_encoder_write(const char *folder, uint64_t seed);
/* The same with a readout of labels "a", "b", ...: a classifier, whose windows have 32 tokens. */
void tiny_encoder_write_classifier(const char *folder, int32_t labels, bool multi_label,
                                   uint64_t seed);

#endif
