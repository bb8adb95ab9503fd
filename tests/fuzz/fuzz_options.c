/* Command lines: the first byte chooses the verb, the rest is argv, split at NUL bytes. What
 * is accepted must be in its range; what is refused must have a message of one line. */
#include "../../app/options.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const arguments *args) {
    for (int id = 0; id < OPTION_COUNT; id++) {
        const option_value *value = &args->values[id];
        const option_info *option = &option_table[id];
        if (!value->given || is_given(args, OPTION_HELP)) continue;
        if (option->kind == KIND_WHOLE &&
            ((double)value->whole < option->lowest || (double)value->whole > option->highest))
            abort();
        if (option->kind == KIND_NUMBER &&
            !(value->number >= option->lowest && value->number <= option->highest))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    const verb_id verb = (verb_id)(data[0] % VERB_COUNT);
    char *copy = malloc(size);
    char *words[WORDS];
    int count = 0;
    if (!copy) return 0;
    memcpy(copy, data + 1, size - 1);
    copy[size - 1] = '\0';
    for (char *word = copy; word < copy + size && count < WORDS; word += strlen(word) + 1)
        words[count++] = word;

    arguments args;
    char message[USAGE_MESSAGE] = "";
    if (arguments_parse(&args, verb, count, words, message))
        check_values(&args);
    else if (!*message || strlen(message) >= USAGE_MESSAGE)
        abort();
    (void)verb_find(words[0]);
    (void)verb_nearest(words[0]);
    free(copy);
    return 0;
}
