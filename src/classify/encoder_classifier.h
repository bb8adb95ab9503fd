/* From an encoder to a classifier, and from a classifier to a folder.
 *
 * A classifier with an encoder has neither n-grams nor towers: the encoder's logits take the place
 * of the towers', with join.bag 0, join.tower 1 and join.bias 0. Its bundle has the encoder's
 * tensors by Hugging Face's names, "tokenizer" U8 (the text of tokenizer.json), "thresholds" F32
 * [labels] if it is multi-label, and the metadata "headwise", "labels" and "training" as any other
 * and "config" (the text of config.json). */
#ifndef HW_CLASSIFY_ENCODER_CLASSIFIER_H
#define HW_CLASSIFY_ENCODER_CLASSIFIER_H

#include "classify/classifier.h"
#include "classify/pretrained.h"

/* What fine-tuning yields. Everything is borrowed and copied. */
typedef struct hw_fine_tuned {
    const hw_encoder *encoder; /* with a readout of label_count labels */
    bool bf16;                 /* its linear layers become bfloat16 */
    const hw_tokenizer *tokenizer;
    char *const *labels; /* [label_count] */
    size_t label_count;
    bool multi_label;
    const float *thresholds; /* [label_count] if multi_label, else NULL */
    double temperature;
    int32_t max_tokens;     /* of a window, special tokens included */
    double held_back_score; /* NaN if not measured */
    uint64_t held_back_examples;
    const char *training; /* the training record, a JSON object */
} hw_fine_tuned;

hw_classifier *hw_classifier_of_encoder(const hw_fine_tuned *parts, hw_error *err);
/* The parts of a classifier that has an encoder. */
hw_fine_tuned hw_classifier_parts(const hw_classifier *classifier);

/* A folder of Hugging Face's. Everything is borrowed. */
typedef struct hw_encoder_folder {
    const hw_encoder *encoder; /* of floats; any readout */
    const hw_tokenizer *tokenizer;
    const json_t *extra;  /* entries that config.json gets besides the encoder's own (id2label,
                           * problem_type, ...); NULL: none */
    double temperature;   /* the output layer's weights are divided by it; 0: they are not */
    const char *headwise; /* text of headwise.json; NULL: no such file */
    const char *card;     /* text of README.md */
} hw_encoder_folder;

/* The folder must not be there yet, or be empty; it appears whole or not at all. */
hw_status hw_encoder_folder_save(const char *path, const hw_encoder_folder *folder, hw_error *err);

#endif
