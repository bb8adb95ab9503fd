/* Help screens, read off the option table. Invariant: a screen has at most 40 lines of at most
 * 80 columns, and begins with an example that works as it stands. */
#include "commands.h"
#include "console.h"

#include <string.h>

enum { NAME_COLUMNS = 33, SCREEN_COLUMNS = 80 };

/* Choices that the line has no room for go on in the next one. Returns the columns used. */
static int print_name(const option_info *option) {
    const char *rest = option->argument;
    int columns = printf("  %s%s", option->name, *rest ? " " : "");
    while (columns + (int)strlen(rest) > SCREEN_COLUMNS) {
        int fits = SCREEN_COLUMNS - columns;
        while (fits > 1 && rest[fits - 1] != '|') fits--;
        printf("%.*s\n", fits, rest);
        rest += fits;
        columns = printf("    ");
    }
    return columns + printf("%s", rest);
}

static void print_option(option_id id) {
    const option_info *option = &option_table[id];
    const int columns = print_name(option);
    if (columns < NAME_COLUMNS)
        printf("%*s%s\n", NAME_COLUMNS - columns, "", option->help);
    else
        printf("\n%*s%s\n", NAME_COLUMNS, "", option->help);
}

static void print_options(verb_id verb, option_group group) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_info *option = &option_table[id];
        if (option->group == group && option_applies((option_id)id, verb))
            print_option((option_id)id);
    }
}

/* Adds a word to lines of SCREEN_COLUMNS, of which `column` are used. */
static size_t print_word(const char *word, size_t column) {
    if (column + strlen(word) + 1 > SCREEN_COLUMNS) column = (size_t)printf("\n ") - 1;
    return column + (size_t)printf(" %s", word);
}

/* The same for the group's names. */
static size_t print_names(verb_id verb, option_group group, size_t column) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_info *option = &option_table[id];
        if (option->group == group && option_applies((option_id)id, verb))
            column = print_word(option->name, column);
    }
    return column;
}

/* What training has for some kinds of models alone. */
static size_t print_kinds(verb_id verb) {
    size_t column = print_names(verb, GROUP_HEADS, (size_t)printf("  of heads:"));
    column = print_names(verb, GROUP_CAPSULE, print_word("- capsules:", column));
    column = print_names(verb, GROUP_ENCODER, print_word("- with -base:", column));
    return print_word("- also:", column);
}

static void print_verb(verb_id verb) {
    const verb_info *info = &verb_table[verb];
    printf("  $ %s\n\nusage: headwise %s%s%s [options]\n%s\n\n", info->example, info->name,
           *info->positional ? " " : "", info->positional, info->summary);
    const bool is_fitting = verb == VERB_TRAIN || verb == VERB_CV;
    const bool is_long = is_fitting || verb == VERB_PRETRAIN;
    print_options(verb, GROUP_OWN);
    if (!is_long) print_options(verb, GROUP_DATA);
    size_t column = is_fitting ? print_kinds(verb) : (size_t)printf("  also:");
    if (is_long) column = print_names(verb, GROUP_DATA, column);
    print_names(verb, GROUP_COMMON, column);
    putchar('\n');
    if (is_fitting)
        printf("  fastText's other options are taken too; headwise manual lists them\n");
    if (verb != VERB_QUANTIZE) return;
    print_names(verb, GROUP_IGNORED, (size_t)printf("  fastText's, not needed:"));
    putchar('\n');
}

static void print_overview(void) {
    printf("  $ headwise train -input train.txt -output model\n"
           "  $ echo 'what a fine film' | headwise predict model -\n\n"
           "usage: headwise COMMAND [arguments] [options]\n\n");
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        if (verb != VERB_MANUAL)
            printf("  %-14s %s\n", verb_table[verb].name, verb_table[verb].summary);
    }
    printf("\nheadwise help COMMAND explains one. Options take one dash or two. Data is read\n"
           "from fastText lines, CSV, TSV or JSON lines, plain, .gz or .zst; - is standard\n"
           "input. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\n");
}

void help_print(verb_id verb) {
    if (verb == VERB_COUNT)
        print_overview();
    else
        print_verb(verb);
}

int cmd_help(const arguments *args) {
    if (!args->positionals) {
        help_print(VERB_COUNT);
        return DONE;
    }
    const verb_id verb = verb_find(args->positional[0]);
    if (verb == VERB_COUNT)
        return console_usage("help: there is no command %s; headwise help lists them",
                             args->positional[0]);
    help_print(verb);
    return DONE;
}
