/* attention: what every head of every tower, or of the encoder in every window, attends to. */
#include "attention.h"
#include "commands.h"
#include "console.h"
#include "json_text.h"
#include "model_path.h"
#include "records.h"

static size_t largest_at(const float *row, size_t count) {
    size_t best = 0;
    for (size_t i = 1; i < count; i++)
        if (row[i] > row[best]) best = i;
    return best;
}

static void print_token(const shown_attention *shown, size_t token) {
    char string[64];
    const hw_text text = attention_token(shown, token);
    snprintf(string, sizeof string, "%.*s", (int)(text.length < 60 ? text.length : 60), text.bytes);
    print_padded(stdout, string, -16);
}

/* Each token, and where the head looks most from there. */
static void print_head(const shown_attention *shown, size_t layer, size_t head) {
    const hw_attention_map *map = shown->map;
    const float *weights = map->weights + (layer * map->heads + head) * map->count * map->count;
    printf("layer %zu head %zu\n", layer, head);
    for (size_t i = 0; i < map->count; i++) {
        const size_t best = largest_at(weights + i * map->count, map->count);
        fputs("  ", stdout);
        print_token(shown, i);
        printf(" %.3f ", (double)weights[i * map->count + best]);
        print_token(shown, best);
        putchar('\n');
    }
}

static void print_map(const shown_attention *shown) {
    const bool is_encoder = hw_classifier_summary(shown->classifier)->family != NULL;
    if (shown->map->readings > 1)
        printf("%s %zu of %zu\n", is_encoder ? "window" : "tower", shown->reading + 1,
               shown->map->readings);
    for (size_t layer = 0; layer < shown->map->layers; layer++)
        for (size_t head = 0; head < shown->map->layer_heads[layer]; head++)
            print_head(shown, layer, head);
}

static hw_status show(const arguments *args, const shown_attention *shown, hw_text_buffer *page,
                      hw_error *err) {
    if (is_given(args, OPTION_JSON)) return json_print_line(attention_json(shown), err);
    if (is_given(args, OPTION_HTML))
        attention_append(page, shown);
    else
        print_map(shown);
    return HW_OK;
}

static hw_status show_all(const arguments *args, const hw_classifier *classifier,
                          hw_session *session, hw_text_buffer *page, hw_error *err) {
    const hw_text text = hw_text_of(args->positional[1]);
    size_t readings = 1;
    for (size_t reading = 0; reading < readings; reading++) {
        hw_attention_map *map = hw_attend(session, text, reading, err);
        if (!map) return err->status;
        const shown_attention shown = { classifier, map, text, reading };
        const hw_status status = show(args, &shown, page, err);
        readings = map->readings;
        hw_attention_map_free(map);
        if (status != HW_OK) return status;
    }
    return HW_OK;
}

/* On standard output, or on a page. */
static hw_status attention(const arguments *args, const hw_classifier *classifier,
                           hw_session *session, hw_error *err) {
    const char *path = text_option(args, OPTION_HTML, NULL);
    hw_text_buffer page = { 0 };
    if (path) page_begin(&page, "Attention");
    hw_status status = show_all(args, classifier, session, &page, err);
    if (path && status == HW_OK) status = page_write(&page, path, err);
    hw_text_buffer_free(&page);
    return status;
}

int cmd_attention(const arguments *args) {
    hw_error err;
    if (is_given(args, OPTION_JSON) && is_given(args, OPTION_HTML))
        return console_usage("attention: --json and --html exclude each other");
    hw_classifier *classifier = model_open_with_labels(args->positional[0], NULL, &err);
    if (!classifier) return console_error(&err);
    hw_head_id heads[HEADS_LIMIT];
    const hw_session_options options = session_options(heads, args);
    hw_session *session = hw_session_new(classifier, &options, &err);
    const bool shown = session && attention(args, classifier, session, &err) == HW_OK;
    hw_session_free(session);
    hw_classifier_close(classifier);
    return shown ? DONE : console_error(&err);
}
