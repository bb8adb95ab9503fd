/* An encoder whose weights are being changed, and the memory to do it: what every way of training
 * one shares. A step is: for each piece of the batch forward, backward and
 * hw_encoder_update_scatter, then hw_encoder_update_apply. */
#ifndef HW_TRAIN_ENCODER_UPDATE_H
#define HW_TRAIN_ENCODER_UPDATE_H

#include "train/adamw.h"
#include "train/token_texts.h"

typedef struct hw_encoder_update_options {
    hw_adamw_options adamw;
    size_t batch;        /* most texts of a step */
    size_t piece_tokens; /* of a pass, unless one text alone has more */
} hw_encoder_update_options;

typedef struct hw_encoder_update {
    hw_encoder *encoder;         /* borrowed, thawed */
    const hw_token_texts *texts; /* borrowed */
    const hw_kernels *kernels;
    hw_pool *pool;
    hw_encoder_update_options options;
    float *weights; /* the encoder's block */
    hw_adamw *adamw;
    hw_encoder_scratch *scratch;
    hw_token_piece piece;
    hw_row_gradients rows; /* of the word embedding; without memory if it does not learn by rows */
    float *d_words;        /* [piece.most_tokens][embedding width], or NULL */
} hw_encoder_update;

/* Thaws the encoder. *update is zero before, and freed by hw_encoder_update_free also on failure.
 */
hw_status hw_encoder_update_start(hw_encoder_update *update, hw_encoder *encoder,
                                  const hw_token_texts *texts,
                                  const hw_encoder_update_options *options,
                                  const hw_kernels *kernels, hw_pool *pool, hw_error *err);
void hw_encoder_update_free(hw_encoder_update *update);
/* What it would take, the encoder's own weights not included. */
size_t hw_encoder_update_bytes(const hw_encoder_config *config, const hw_token_texts *texts,
                               const hw_encoder_update_options *options, int32_t threads);

/* Adds d_words of a batch that was passed backward to the rows of its tokens. */
void hw_encoder_update_scatter(hw_encoder_update *update, hw_encoder_batch batch);
/* One step of AdamW. False, and nothing has changed, if the gradient is not finite. */
bool hw_encoder_update_apply(hw_encoder_update *update);
/* To be called before the encoder is used for anything but the next step. */
void hw_encoder_update_settle(hw_encoder_update *update);

#endif
