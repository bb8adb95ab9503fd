/* "MODEL FILE [k] [threshold]", the arguments of fastText's predict and test. */
#ifndef APP_SELECTION_H
#define APP_SELECTION_H

#include "options.h"

typedef struct selection {
    const char *model, *file;
    int64_t k; /* -1: all */
    double threshold;
    bool is_given; /* k or a threshold */
} selection;

/* k and the threshold may also be options, and the file may be -input. False and a message
 * if something is missing or out of its range. */
bool selection_parse(selection *selected, const arguments *args, char message[USAGE_MESSAGE]);

/* The file of "MODEL FILE" verbs: -input or the argument after the model; NULL if neither. */
const char *data_argument(const arguments *args);

#endif
