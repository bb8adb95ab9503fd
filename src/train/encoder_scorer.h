/* What an encoder makes of many texts: logits, or the features that its readout reads. Passes are
 * of about HW_SCORE_TOKENS tokens; results do not depend on how texts are cut into passes. */
#ifndef HW_TRAIN_ENCODER_SCORER_H
#define HW_TRAIN_ENCODER_SCORER_H

#include "train/token_texts.h"

enum { HW_SCORE_TOKENS = 1024, HW_SCORE_TEXTS = 64 };

/* Memory for the texts of `texts`, allocated once and used again. */
typedef struct hw_encoder_scorer hw_encoder_scorer;
hw_encoder_scorer *hw_encoder_scorer_new(const hw_encoder_config *config,
                                         const hw_token_texts *texts, const hw_kernels *kernels,
                                         hw_pool *pool, hw_error *err);
void hw_encoder_scorer_free(hw_encoder_scorer *scorer); /* accepts NULL */
size_t hw_encoder_scorer_bytes(const hw_encoder_config *config, const hw_token_texts *texts,
                               int32_t threads);

/* logits: [count][labels] of the texts rows[count]. */
void hw_encoder_scorer_logits(float *logits, hw_encoder_scorer *scorer, const hw_encoder *encoder,
                              const uint32_t *rows, size_t count);
/* features: [count][width]. */
void hw_encoder_scorer_features(float *features, hw_encoder_scorer *scorer,
                                const hw_encoder *encoder, const uint32_t *rows, size_t count);
/* inner: [count][width], of features [count][width], which may be the same array. */
void hw_encoder_scorer_inner(float *inner, hw_encoder_scorer *scorer, const hw_encoder *encoder,
                             const float *features, size_t count);

#endif
