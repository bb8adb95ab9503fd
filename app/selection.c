/* Reads the positional arguments of predict and test with the option table's own ranges. */
#include "selection.h"

#include <stdio.h>

const char *data_argument(const arguments *args) {
    if (is_given(args, OPTION_INPUT)) return args->values[OPTION_INPUT].text;
    return args->positionals > 1 ? args->positional[1] : NULL;
}

/* The option's value, else the next positional argument, if there is one. */
static bool read_next(option_value *value, const arguments *args, option_id id, size_t *next,
                      char message[USAGE_MESSAGE]) {
    *value = args->values[id];
    if (value->given || *next >= args->positionals) return true;
    return option_read(value, id, args->positional[(*next)++], message);
}

bool selection_parse(selection *selected, const arguments *args, char message[USAGE_MESSAGE]) {
    const char *file = data_argument(args);
    if (!file) {
        snprintf(message, USAGE_MESSAGE, "an argument is missing; usage: headwise %s %s",
                 verb_table[args->verb].name, verb_table[args->verb].positional);
        return false;
    }
    size_t next = is_given(args, OPTION_INPUT) ? 1 : 2;
    option_value k, threshold;
    if (!read_next(&k, args, OPTION_TOP, &next, message)) return false;
    if (!read_next(&threshold, args, OPTION_THRESHOLD, &next, message)) return false;
    if (next < args->positionals || (k.given && k.whole == 0)) {
        snprintf(message, USAGE_MESSAGE,
                 next < args->positionals ? "%.200s: one argument too many"
                                          : "-k %.60s: it must be 1 to 65536, or -1 for all",
                 next < args->positionals ? args->positional[next] : k.text);
        return false;
    }
    *selected = (selection){ .model = args->positional[0],
                             .file = file,
                             .k = k.given ? k.whole : 1,
                             .threshold = threshold.given ? threshold.number : 0,
                             .is_given = k.given || threshold.given };
    return true;
}
