/* manual: headwise(1) in mdoc(7), written out from the option table. */
#include "commands.h"
#include "console.h"

#include <string.h>

/* Text as mdoc: no line may start with a control character, and a backslash is escaped. */
static void print_text(const char *text) {
    if (*text == '.' || *text == '\'') fputs("\\&", stdout);
    for (const char *c = text; *c; c++) {
        if (*c == '\\')
            fputs("\\e", stdout);
        else if (*c == '-')
            fputs("\\-", stdout);
        else
            putchar(*c);
    }
}

/* A macro's argument: quoted, because it may hold blanks and closing delimiters. */
static void print_argument(const char *text) {
    putchar('"');
    for (const char *c = text; *c; c++) {
        if (*c == '"')
            fputs("\\(dq", stdout);
        else
            putchar(*c);
    }
    putchar('"');
}

static void print_range(const option_info *option) {
    if (option->group == GROUP_IGNORED) return;
    if (option->kind == KIND_WHOLE && option->highest < 1e18)
        printf("From %.0f to %.0f.\n", option->lowest, option->highest);
    if (option->kind == KIND_NUMBER) printf("From %g to %g.\n", option->lowest, option->highest);
}

/* "a|b" as words. */
static void print_aliases(const char *aliases) {
    if (!*aliases) return;
    printf("Also\n");
    while (*aliases) {
        const size_t size = strcspn(aliases, "|");
        printf(".Fl \\-%.*s %s\n", (int)size, aliases, aliases[size] ? "," : ".");
        aliases += size + (aliases[size] == '|');
    }
}

static void print_option(const option_info *option) {
    const bool is_long = strncmp(option->name, "--", 2) == 0;
    printf(".It Fl %s%s", is_long ? "\\-" : "", option->name + (is_long ? 2 : 1));
    if (*option->argument) {
        printf(" Ar ");
        print_argument(option->argument);
    }
    putchar('\n');
    print_text(option->help);
    printf(".\n");
    print_range(option);
    print_aliases(option->alias);
}

static void print_options(verb_id verb, option_group group) {
    bool has_begun = false;
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_info *option = &option_table[id];
        if (option->group != group || !option_applies((option_id)id, verb)) continue;
        if (!has_begun) printf(".Bl -tag -width Ds\n");
        has_begun = true;
        print_option(option);
    }
    if (has_begun) printf(".El\n");
}

static void print_verb(verb_id verb) {
    const verb_info *info = &verb_table[verb];
    printf(".Ss headwise %s\n", info->name);
    print_text(info->summary);
    printf(".\nExample:\n.Pp\n.Dl ");
    print_text(info->example);
    putchar('\n');
    print_options(verb, GROUP_OWN);
}

static void print_synopsis(void) {
    printf(".Sh SYNOPSIS\n");
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        printf(".Nm\n.Cm %s\n", verb_table[verb].name);
        if (*verb_table[verb].positional) {
            printf(".Ar ");
            print_argument(verb_table[verb].positional);
            putchar('\n');
        }
        printf(".Op Ar options\n");
    }
}

static const char description[] =
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "classifies texts with n\\-grams and multi\\-head attention.\n"
    "A model is one file that ends in\n"
    ".Pa .safetensors ;\n"
    "the ending may be left out.\n"
    "Where a model is read, a folder of Hugging Face\\(aqs is taken too:\n"
    ".Pa config.json ,\n"
    ".Pa model.safetensors\n"
    "and the files of a tokenizer.\n"
    "The commands and options are those of\n"
    ".Xr fasttext 1\n"
    "where it has them.\n"
    "Options take one dash or two, their names are matched exactly, and the value is\n"
    "the next argument or follows an equals sign.\n"
    "Two dashes alone end the options.\n"
    "Results go to standard output, everything else to standard error.\n"
    ".Pp\n"
    "Labelled texts are read from fastText lines (__label__a text), from lines of a\n"
    "label, a tab and a text, from CSV and TSV files with a header, and from JSON\n"
    "lines; plain or compressed as .gz or .zst.\n"
    "The format is recognised by content.\n"
    "Several labels of a text make the task multi\\-label.\n"
    ".Pp\n"
    "For predict a line is a text, unless\n"
    ".Fl \\-format\n"
    "or the ending of the file's name says otherwise.\n"
    "Labels in a line are not part of its text, and white space inside a label is\n"
    "printed as an underscore.\n";

static const char ending[] =
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width Ds\n"
    ".It Ev TERM , LANG , LC_ALL\n"
    "Whether the progress bar can be drawn, and with which characters.\n"
    ".It Ev NO_COLOR\n"
    "Honoured: no output is coloured.\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    ".Bl -tag -width Ds\n"
    ".It 0\n"
    "Done.\n"
    ".It 1\n"
    "Something failed; a line on standard error says what and where.\n"
    ".It 2\n"
    "The command line is wrong.\n"
    ".It 130\n"
    "Training was interrupted; the best model so far, if there was one, is saved.\n"
    ".El\n"
    ".Sh SEE ALSO\n"
    ".Xr fasttext 1\n";

int cmd_manual(const arguments *args) {
    (void)args;
    printf(".Dd November 24, 2026\n.Dt HEADWISE 1\n.Os\n.Sh NAME\n.Nm headwise\n"
           ".Nd text classification with multi\\-head attention\n");
    print_synopsis();
    fputs(description, stdout);
    printf(".Sh COMMANDS\n");
    for (int verb = 0; verb < VERB_COUNT; verb++) print_verb((verb_id)verb);
    printf(".Sh OPTIONS OF HEADS\nOf train and cv, for the attention of towers:\n");
    print_options(VERB_TRAIN, GROUP_HEADS);
    printf(".Sh OPTIONS OF FINE\\-TUNING\nOf train and cv with\n.Fl base :\n");
    print_options(VERB_TRAIN, GROUP_ENCODER);
    printf(".Sh OPTIONS OF CAPSULES\nOf train and cv with\n.Fl arch Cm capsule ,\n"
           "whose labels are capsules that the heads of the tower are routed to:\n");
    print_options(VERB_TRAIN, GROUP_CAPSULE);
    printf(".Sh OPTIONS OF DATA\nOf all commands that read texts:\n");
    print_options(VERB_TRAIN, GROUP_DATA);
    printf(".Sh OPTIONS OF EVERY COMMAND\n");
    print_options(VERB_TRAIN, GROUP_COMMON);
    printf(".Sh OPTIONS OF FASTTEXT\nAccepted with a note, because scripts have them:\n");
    print_options(VERB_TRAIN, GROUP_IGNORED);
    fputs(ending, stdout);
    return DONE;
}
