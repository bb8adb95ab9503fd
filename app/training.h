/* From train's and cv's command line to the library's options. */
#ifndef APP_TRAINING_H
#define APP_TRAINING_H

#include "model_path.h"
#include "options.h"

#include "headwise.h"

/* base: receives the path of the encoder, if one is to be fine-tuned. False and a message if the
 * options do not fit together. Notes what is not as fastText
 * would have it. */
bool training_options(hw_train_options *options, char base[MODEL_PATH], const arguments *args,
                      char message[USAGE_MESSAGE]);

#endif
