/* A pretrained encoder as it lies on the disk, a folder of Hugging Face's or a model file of ours:
 * its description, its tokenizer and its tensors. Prediction packs the tensors and runs them;
 * fine-tuning and pretraining start from them. Invariant: the tokenizer's ids are rows of the word
 * embedding, and its special tokens leave room for text. */
#ifndef HW_CLASSIFY_PRETRAINED_H
#define HW_CLASSIFY_PRETRAINED_H

#include "classify/bundle.h"
#include "encoder/encoder.h"
#include "tokenizer/tokenizer.h"

typedef struct hw_pretrained {
    hw_bundle *bundle; /* the tensors, and the metadata of a model with an encoder; "labels" is
                        * empty if there is no readout of labels. The tensor "tokenizer" (U8) is the
                        * text of tokenizer.json */
    hw_encoder_config config; /* readout and labels are those of the file */
    hw_tokenizer *tokenizer;
} hw_pretrained;

/* *pretrained is zero before, and closed by hw_pretrained_close also on failure. A model file
 * without an encoder is HW_ERROR_UNSUPPORTED. */
hw_status hw_pretrained_open(hw_pretrained *pretrained, const char *path, hw_error *err);
/* Takes the bundle, also on failure. It is that of a model file; name is for messages. */
hw_status hw_pretrained_from_bundle(hw_pretrained *pretrained, hw_bundle *bundle, const char *name,
                                    hw_error *err);
void hw_pretrained_close(hw_pretrained *pretrained);
/* Adds the tensor "tokenizer". HW_ERROR_FORMAT if the bundle has another one. */
hw_status hw_pretrained_add_tokenizer(hw_bundle *bundle, const hw_tokenizer *tokenizer,
                                      const char *name, hw_error *err);

/* True of the last layer of a readout, whose outputs are the labels' logits. */
bool hw_is_output_layer(const char *name);

/* hw_tensor_find: context is the hw_pretrained. The second hides the output layer
 * (classifier.weight, classifier.out_proj.weight, ... and their biases), for other labels than
 * those it was trained for. */
const hw_tensor *hw_pretrained_find(void *pretrained, const char *name);
const hw_tensor *hw_pretrained_find_without_output(void *pretrained, const char *name);
/* Gives back the memory of the weights that were read; they are mapped still. */
void hw_pretrained_release(void *pretrained);

#endif
