/* headwise: the program. Finds the verb, parses its options, runs it, and makes sure that
 * what was printed has arrived. */
#include "commands.h"
#include "console.h"
#include "json_text.h"

#include <signal.h>
#include <string.h>

typedef int command_fn(const arguments *args);

static command_fn *const commands[VERB_COUNT] = {
#define X(id, function, name, positional, fewest, most, summary, example) cmd_##function,
    VERB_LIST(X)
#undef X
};

/* fastText's verbs about word vectors, which a classifier does not have. */
static bool is_about_vectors(const char *name) {
    static const char *const names[] = {
        "skipgram",    "cbow", "nn", "analogies", "print-word-vectors", "print-sentence-vectors",
        "print-ngrams"
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return true;
    return false;
}

static int unknown_verb(const char *name) {
    if (is_about_vectors(name))
        return console_usage("%s is not offered; fasttext still does it, and headwise dump MODEL "
                             "input prints the vectors of the attention tower",
                             name);
    const verb_id nearest = verb_nearest(name);
    if (nearest == VERB_COUNT)
        return console_usage("there is no command %.60s; headwise help lists them", name);
    return console_usage("there is no command %.60s; did you mean %s?", name,
                         verb_table[nearest].name);
}

static void note_ignored(const arguments *args) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_info *option = &option_table[id];
        if (option->group == GROUP_IGNORED && is_given(args, (option_id)id))
            console_note("%s is %s", option->name, option->help);
    }
}

static int run(int argc, char *const *argv) {
    if (argc < 2) {
        help_print(VERB_COUNT);
        return console_usage("a command is missing");
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-help") == 0 || strcmp(name, "-h") == 0)
        name = "help";
    if (strcmp(name, "--version") == 0) name = "version";
    const verb_id verb = verb_find(name);
    if (verb == VERB_COUNT) return unknown_verb(name);

    arguments args;
    char message[USAGE_MESSAGE];
    if (!arguments_parse(&args, verb, argc - 2, argv + 2, message))
        return console_usage("%s: %s", verb_table[verb].name, message);
    if (is_given(&args, OPTION_HELP)) {
        help_print(verb);
        return DONE;
    }
    if (is_given(&args, OPTION_QUIET) || whole_option(&args, OPTION_VERBOSE, 2) == 0)
        console_quieten();
    note_ignored(&args);
    return commands[verb](&args);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is seen by console_flush */
    json_start();
    return console_finish(run(argc, argv));
}
