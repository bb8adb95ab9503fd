/* One pretraining from beginning to end: what hw_pretrain works on. The parts are files of their
 * own: pretrain_plan.c (sizes by the data), pretrain_texts.c (vocabulary, windows of tokens),
 * masked_trainer.c (the steps), pretrain.c (the order). */
#ifndef HW_TRAIN_PRETRAIN_H
#define HW_TRAIN_PRETRAIN_H

#include "classify/pretrained.h"
#include "text/dataset.h"
#include "train/masked_trainer.h"

typedef struct hw_pretraining {
    const hw_pretrain_options *options;
    const hw_kernels *kernels;
    hw_pool *pool;
    hw_dataset *dataset;
    hw_pretrained base; /* zero for a new encoder */
    hw_tokenizer *made; /* for a new encoder */
    hw_encoder_config config;
    hw_encoder *encoder;
    hw_token_texts texts; /* windows of the texts */
    bool *is_special;     /* [config.vocabulary] */
    hw_masked_trainer_options learning;
    bool stopped; /* the progress callback asked to finish with what there is */
} hw_pretraining;

/* The base's tokenizer, or the one that was made. */
const hw_tokenizer *hw_pretraining_tokenizer(const hw_pretraining *p);

/* ---- pretrain_plan.c ---- */
/* Of the options alone: HW_ERROR_ARGUMENT names what is out of range. */
hw_status hw_pretrain_check(const hw_pretrain_options *options, hw_error *err);
/* Pieces of a vocabulary, by the number of words in the texts. */
size_t hw_pretrain_vocabulary(const hw_pretrain_options *options, uint64_t words);
/* config: of a new encoder, or of the base with a readout for masked tokens. */
hw_status hw_pretrain_shape(hw_pretraining *p, hw_error *err);
/* learning, once there are windows. */
hw_status hw_pretrain_plan(hw_pretraining *p, hw_error *err);

/* ---- pretrain_texts.c ---- */
/* made: the tokenizer of a new encoder. */
hw_status hw_pretrain_make_tokenizer(hw_pretraining *p, hw_error *err);
/* texts: long ones become several windows; those of no token but special ones are left out. */
hw_status hw_pretrain_encode(hw_pretraining *p, hw_error *err);

#endif
