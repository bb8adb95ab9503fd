/* From train's and cv's command line to the library's options. */
#ifndef APP_TRAINING_H
#define APP_TRAINING_H

#include "options.h"

#include "headwise.h"

/* False and a message if the options do not fit together. Notes what is not as fastText
 * would have it. */
bool training_options(hw_train_options *options, const arguments *args,
                      char message[USAGE_MESSAGE]);

#endif
