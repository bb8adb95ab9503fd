/* Parsing of a command line against the option table. Names match exactly (an abbreviation
 * that works today breaks a script tomorrow), with one dash or two, and a value may follow
 * after "=" or as the next argument. Invariant: every value that is kept is in its range. */
#include "options.h"

#include "head_list.h"
#include "spelling.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const option_info option_table[OPTION_COUNT] = {
#define X(id, name, alias, kind, argument, lowest, highest, verbs, group, help)         \
    { name,  alias,         KIND_##kind, argument, (double)(lowest), (double)(highest), \
      verbs, GROUP_##group, help },
    OPTION_LIST(X)
#undef X
};

_Static_assert(VERB_COUNT <= 32, "a set of verbs is an unsigned");

const verb_info verb_table[VERB_COUNT] = {
#define X(id, function, name, positional, fewest, most, summary, example) \
    { name, positional, fewest, most, summary, example },
    VERB_LIST(X)
#undef X
};

static bool wrong(char message[USAGE_MESSAGE], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool wrong(char message[USAGE_MESSAGE], const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(message, USAGE_MESSAGE, format, values);
    va_end(values);
    return false;
}

static const char *without_dashes(const char *name) {
    for (int dashes = 0; dashes < 2 && *name == '-'; dashes++) name++;
    return name;
}

/* given[length] is name, or name with "-x" written for every "X". */
static bool names_match(const char *given, size_t length, const char *name) {
    size_t i = 0;
    for (; *name; name++) {
        const bool hyphen = i > 0 && isupper((unsigned char)*name) && i < length && given[i] == '-';
        const char expected = hyphen ? (char)tolower((unsigned char)*name) : *name;
        if (hyphen) i++;
        if (i >= length || given[i++] != expected) return false;
    }
    return i == length;
}

/* given[length] is one of the aliases "a|b". */
static bool matches_alias(const char *given, size_t length, const char *aliases) {
    while (*aliases) {
        const size_t size = strcspn(aliases, "|");
        if (size == length && memcmp(given, aliases, size) == 0) return true;
        aliases += size + (aliases[size] == '|');
    }
    return false;
}

static option_id find_option(const char *given, size_t length, verb_id verb) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (!option_applies((option_id)id, verb)) continue;
        if (names_match(given, length, without_dashes(option_table[id].name))) return (option_id)id;
        if (matches_alias(given, length, option_table[id].alias)) return (option_id)id;
    }
    return OPTION_COUNT;
}

static bool unknown_option(char message[USAGE_MESSAGE], const char *argument, size_t length,
                           verb_id verb) {
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)length, without_dashes(argument));
    option_id nearest = OPTION_COUNT;
    size_t best = length / 3 + 2;
    for (int id = 0; id < OPTION_COUNT; id++) {
        if (!option_applies((option_id)id, verb)) continue;
        const size_t distance = spelling_distance(name, without_dashes(option_table[id].name));
        if (distance >= best || distance >= length) continue;
        best = distance;
        nearest = (option_id)id;
    }
    if (nearest == OPTION_COUNT) return wrong(message, "%.60s: there is no such option", argument);
    return wrong(message, "%.60s: there is no such option; did you mean %s?", argument,
                 option_table[nearest].name);
}

static bool read_whole(option_value *value, const option_info *option, const char *text,
                       char message[USAGE_MESSAGE]) {
    char *end;
    errno = 0;
    const long long whole = strtoll(text, &end, 10);
    const bool is_number = end != text && *end == '\0';
    value->whole = whole;
    if (is_number && !errno && (double)whole >= option->lowest && (double)whole <= option->highest)
        return true;
    if (option->group == GROUP_IGNORED)
        return wrong(message, "%s %.60s: it must be a whole number", option->name, text);
    if (option->highest > 1e18)
        return wrong(message, "%s %.60s: it must be a whole number from %.0f to 2^63 - 1",
                     option->name, text, option->lowest);
    return wrong(message, "%s %.60s: it must be a whole number from %.0f to %.0f", option->name,
                 text, option->lowest, option->highest);
}

static bool read_number(option_value *value, const option_info *option, const char *text,
                        char message[USAGE_MESSAGE]) {
    char *end;
    value->number = strtod(text, &end);
    const bool is_number = end != text && *end == '\0' && isfinite(value->number);
    if (is_number && value->number >= option->lowest && value->number <= option->highest)
        return true;
    return wrong(message, "%s %.60s: it must be a number from %g to %g", option->name, text,
                 option->lowest, option->highest);
}

static bool read_choice(const option_info *option, const char *text, char message[USAGE_MESSAGE]) {
    const size_t length = strlen(text);
    for (const char *word = option->argument; *word;) {
        const size_t size = strcspn(word, "|");
        if (size == length && memcmp(word, text, size) == 0) return true;
        word += size + (word[size] == '|');
    }
    return wrong(message, "%s %.60s: it must be one of %s", option->name, text, option->argument);
}

static bool read_heads(const option_info *option, const char *text, char message[USAGE_MESSAGE]) {
    hw_head_id heads[HEADS_LIMIT];
    if (head_list_read(heads, text)) return true;
    return wrong(message, "%s %.60s: it must be a list of LAYER.HEAD, like 0.3,1.2", option->name,
                 text);
}

bool option_read(option_value *value, option_id id, const char *text, char message[USAGE_MESSAGE]) {
    const option_info *option = &option_table[id];
    value->given = true;
    value->text = text;
    switch (option->kind) {
    case KIND_WHOLE:
        return read_whole(value, option, text, message);
    case KIND_NUMBER:
        return read_number(value, option, text, message);
    case KIND_CHOICE:
        return read_choice(option, text, message);
    case KIND_HEADS:
        return read_heads(option, text, message);
    case KIND_TEXT:
        if (!*text) return wrong(message, "%s: it must not be empty", option->name);
        return true;
    case KIND_FLAG:
        return true;
    }
    return true;
}

/* A dash alone is standard input, and a number like -1 is a k. */
static bool looks_like_option(const char *argument) {
    return argument[0] == '-' && argument[1] != '\0' && !isdigit((unsigned char)argument[1]) &&
           argument[1] != '.';
}

/* Takes argv[*at], and the argument after it if that is its value. */
static bool parse_option(arguments *args, int argc, char *const *argv, int *at,
                         char message[USAGE_MESSAGE]) {
    const char *argument = argv[*at], *name = without_dashes(argument);
    const size_t length = strcspn(name, "=");
    const option_id id = find_option(name, length, args->verb);
    if (id == OPTION_COUNT) return unknown_option(message, argument, length, args->verb);
    const option_info *option = &option_table[id];
    const char *value = name[length] == '=' ? name + length + 1 : NULL;
    if (option->kind == KIND_FLAG) {
        if (value) return wrong(message, "%s: it takes no value", option->name);
        value = "";
    } else if (!value) {
        const char *next = *at + 1 < argc ? argv[*at + 1] : NULL;
        const bool is_name = next && looks_like_option(next) &&
                             find_option(without_dashes(next), strlen(without_dashes(next)),
                                         args->verb) != OPTION_COUNT;
        if (!next || is_name)
            return wrong(message, "%s: a value (%s) must follow", option->name, option->argument);
        value = next;
        ++*at;
    }
    return option_read(&args->values[id], id, value, message);
}

static bool add_positional(arguments *args, const char *argument, char message[USAGE_MESSAGE]) {
    const verb_info *info = &verb_table[args->verb];
    if (args->positionals == info->most || args->positionals == POSITIONAL_LIMIT)
        return wrong(message, "%.200s: one argument too many; usage: headwise %s%s%s", argument,
                     info->name, *info->positional ? " " : "", info->positional);
    args->positional[args->positionals++] = argument;
    return true;
}

static bool asks_for_help(int argc, char *const *argv) {
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-help") == 0 ||
            strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

bool arguments_parse(arguments *args, verb_id verb, int argc, char *const *argv,
                     char message[USAGE_MESSAGE]) {
    *args = (arguments){ .verb = verb };
    args->values[OPTION_HELP].given = asks_for_help(argc, argv);
    if (is_given(args, OPTION_HELP)) return true;
    bool options_ended = false;
    for (int i = 0; i < argc; i++) {
        if (!options_ended && strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && looks_like_option(argv[i])) {
            if (!parse_option(args, argc, argv, &i, message)) return false;
        } else if (!add_positional(args, argv[i], message)) {
            return false;
        }
    }
    const verb_info *info = &verb_table[verb];
    if (args->positionals < info->fewest)
        return wrong(message, "an argument is missing; usage: headwise %s %s", info->name,
                     info->positional);
    return true;
}

verb_id verb_find(const char *name) {
    if (strcmp(name, "supervised") == 0) return VERB_TRAIN;
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        if (strcmp(name, verb_table[verb].name) == 0) return (verb_id)verb;
    }
    return VERB_COUNT;
}

verb_id verb_nearest(const char *name) {
    verb_id nearest = VERB_COUNT;
    size_t best = strlen(name) / 3 + 2;
    for (int verb = 0; verb < VERB_COUNT; verb++) {
        const size_t distance = spelling_distance(name, verb_table[verb].name);
        if (distance >= best) continue;
        best = distance;
        nearest = (verb_id)verb;
    }
    return nearest;
}
