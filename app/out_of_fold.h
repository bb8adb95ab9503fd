/* The file of out-of-fold probabilities, one JSON object a text:
 *     {"index":0,"line":1,"labels":["a"],"probabilities":{"a":0.9,"b":0.1}} */
#ifndef APP_OUT_OF_FOLD_H
#define APP_OUT_OF_FOLD_H

#include "headwise.h"

typedef struct out_of_fold {
    float *probabilities; /* [examples][labels] */
    size_t examples;
    int32_t labels;
} out_of_fold;

/* Label names and line numbers are read from the input again. If they do not match the rows
 * (rare labels were dropped), the probabilities are a list and the rest is left out. */
hw_status out_of_fold_write(const out_of_fold *rows, const char *path, const char *input,
                            const hw_reader_options *options, hw_error *err);

#endif
