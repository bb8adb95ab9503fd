/* completion: scripts for bash, zsh and fish, written out from the option table. */
#include "commands.h"
#include "console.h"

#include <string.h>

static void print_verbs(void) {
    for (int verb = 0; verb < VERB_COUNT; verb++)
        if (verb != VERB_MANUAL) printf("%s%s", verb ? " " : "", verb_table[verb].name);
}

static void print_options_of(verb_id verb) {
    const char *space = "";
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (!option_applies((option_id)id, verb)) continue;
        printf("%s%s", space, option_table[id].name);
        space = " ";
    }
}

/* "a|b|c" as words of the shell. */
static void print_choices(const char *choices) {
    for (const char *c = choices; *c; c++) putchar(*c == '|' ? ' ' : *c);
}

static void print_bash(void) {
    printf("# bash completion of headwise\n"
           "_headwise() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} options\n"
           "    COMPREPLY=()\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
           "        COMPREPLY=($(compgen -W '");
    print_verbs();
    printf("' -- \"$word\"))\n        return\n    fi\n    case $last in\n");
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (option_table[id].kind != KIND_CHOICE) continue;
        printf("    %s) COMPREPLY=($(compgen -W '", option_table[id].name);
        print_choices(option_table[id].argument);
        printf("' -- \"$word\")); return ;;\n");
    }
    printf("    esac\n    case ${COMP_WORDS[1]} in\n");
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        printf("    %s%s) options='", verb_table[verb].name,
               verb == VERB_TRAIN ? "|supervised" : "");
        print_options_of((verb_id)verb);
        printf("' ;;\n");
    }
    printf("    esac\n"
           "    case $word in\n"
           "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\")) ;;\n"
           "    *) COMPREPLY=($(compgen -f -- \"$word\")) ;;\n"
           "    esac\n"
           "}\n"
           "complete -o filenames -F _headwise headwise\n");
}

/* text inside single quotes, of zsh if it also escapes what _arguments takes for syntax. */
static void print_quoted(const char *text, bool for_zsh) {
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            fputs("'\\''", stdout);
        else if (for_zsh && strchr("[]:\\", *c))
            printf("\\%c", *c);
        else
            putchar(*c);
    }
}

static void print_zsh_option(const option_info *option) {
    printf(" \\\n        '%s[", option->name);
    print_quoted(option->help, true);
    putchar(']');
    if (option->kind == KIND_CHOICE) {
        printf(":word:(");
        print_choices(option->argument);
        putchar(')');
    } else if (option->kind != KIND_FLAG) {
        putchar(':');
        print_quoted(option->argument, true);
        printf(option->kind == KIND_TEXT ? ":_files" : ":");
    }
    putchar('\'');
}

static void print_zsh(void) {
    printf("#compdef headwise\n"
           "_headwise() {\n"
           "    if (( CURRENT == 2 )); then\n"
           "        local -a verbs=(");
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        if (verb == VERB_MANUAL) continue;
        printf("\n            '%s:", verb_table[verb].name);
        print_quoted(verb_table[verb].summary, false);
        putchar('\'');
    }
    printf(")\n        _describe command verbs\n        return\n    fi\n"
           "    local verb=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $verb in\n");
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        printf("    (%s%s) _arguments", verb_table[verb].name,
               verb == VERB_TRAIN ? "|supervised" : "");
        for (int id = 0; id < OPTION_COUNT; id++)
            if (option_applies((option_id)id, (verb_id)verb)) print_zsh_option(&option_table[id]);
        printf(" \\\n        '*:file:_files' ;;\n");
    }
    printf("    esac\n}\nif [ \"$funcstack[1]\" = _headwise ]; then _headwise \"$@\"; "
           "else compdef _headwise headwise; fi\n");
}

static void print_fish_option(const option_info *option, verb_id verb) {
    const bool is_long = strncmp(option->name, "--", 2) == 0;
    printf("complete -c headwise -n '__fish_seen_subcommand_from %s%s' %s %s",
           verb_table[verb].name, verb == VERB_TRAIN ? " supervised" : "", is_long ? "-l" : "-o",
           option->name + (is_long ? 2 : 1));
    if (option->kind == KIND_CHOICE) {
        printf(" -x -a '");
        print_choices(option->argument);
        putchar('\'');
    } else if (option->kind != KIND_FLAG) {
        printf(option->kind == KIND_TEXT ? " -r" : " -x");
    }
    printf(" -d '");
    for (const char *c = option->help; *c; c++) printf(*c == '\'' ? "\\'" : "%c", *c);
    printf("'\n");
}

static void print_fish(void) {
    printf("# fish completion of headwise\n");
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        if (verb == VERB_MANUAL) continue;
        printf("complete -c headwise -n __fish_use_subcommand -x -a %s -d '",
               verb_table[verb].name);
        for (const char *c = verb_table[verb].summary; *c; c++)
            printf(*c == '\'' ? "\\'" : "%c", *c);
        printf("'\n");
    }
    for (int verb = 0; verb < VERB_COUNT; verb++)
        for (int id = 0; id < OPTION_COUNT; id++)
            if (option_applies((option_id)id, (verb_id)verb))
                print_fish_option(&option_table[id], (verb_id)verb);
}

int cmd_completion(const arguments *args) {
    const char *shell = args->positional[0];
    if (strcmp(shell, "bash") == 0)
        print_bash();
    else if (strcmp(shell, "zsh") == 0)
        print_zsh();
    else if (strcmp(shell, "fish") == 0)
        print_fish();
    else
        return console_usage("completion: %.60s: it must be one of bash, zsh, fish", shell);
    return DONE;
}
