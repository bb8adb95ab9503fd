/* A folder of Hugging Face's as a pretrained encoder. What config.json says about labels becomes
 * the metadata of a model of ours, so that both are checked and used by the same code. */
#ifndef HW_CLASSIFY_HUB_FOLDER_H
#define HW_CLASSIFY_HUB_FOLDER_H

#include "classify/classifier.h"
#include "classify/pretrained.h"

/* As hw_pretrained_open. err is not NULL. */
hw_status hw_hub_folder_open(hw_pretrained *pretrained, const char *folder, hw_error *err);

/* Sets "headwise", "labels" and "training" of the bundle, and adds "thresholds" if the task is
 * multi-label, from parsed files: config.json; tokenizer_config.json and headwise.json may be NULL.
 * config.json decides the task as the text-classification pipeline of `transformers` does.
 * folder is for messages. */
typedef struct hw_hub_documents {
    const json_t *config, *tokenizer_config, *headwise;
} hw_hub_documents;
hw_status hw_hub_describe(hw_bundle *bundle, const hw_encoder_config *encoder,
                          const hw_hub_documents *documents, const char *folder, hw_error *err);

#endif
