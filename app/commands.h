/* The verbs. Each takes a parsed command line and returns an exit code. */
#ifndef APP_COMMANDS_H
#define APP_COMMANDS_H

#include "options.h"

#define X(id, function, name, positional, fewest, most, summary, example) \
    int cmd_##function(const arguments *args);
VERB_LIST(X)
#undef X

/* The help screen of a verb, and of the program if verb is VERB_COUNT. */
void help_print(verb_id verb);

#endif
