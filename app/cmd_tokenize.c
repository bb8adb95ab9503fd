/* tokenize: a line in, its token ids out, in order. Invariant: a line is every byte between two
 * newlines, whatever it is. */
#include "commands.h"
#include "console.h"
#include "lines.h"
#include "model_path.h"
#include "selection.h"

#include "base/memory.h"
#include "base/threads.h"

enum { BATCH_LINES = 1024, TASK_LINES = 32, TASKS = BATCH_LINES / TASK_LINES };

/* What one thread works with. */
typedef struct worker {
    hw_session *session;
    hw_token *tokens; /* [capacity] of a line */
    size_t capacity;
    hw_status status;
    hw_error error;
} worker;

typedef struct tokenization {
    const hw_classifier *classifier;
    bool as_json;
    hw_pool *pool;
    worker *workers; /* [threads] */
    int32_t threads;
    text_batch batch;
    hw_text_buffer outputs[TASKS]; /* what each task prints */
} tokenization;

/* ---- A line ------------------------------------------------------------------------ */

static void append_number(hw_text_buffer *out, uint32_t number) {
    char digits[10];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    hw_text_append(out, digits + at, sizeof digits - at);
}

/* A token's text, which is UTF-8, as a JSON string (RFC 8259 section 7). */
static void append_string(hw_text_buffer *out, const char *string) {
    hw_text_append(out, "\"", 1);
    for (const char *c = string; *c; c++) {
        if ((unsigned char)*c < 0x20)
            hw_text_printf(out, "\\u%04x", (unsigned)(unsigned char)*c);
        else if (*c == '"' || *c == '\\')
            hw_text_printf(out, "\\%c", *c);
        else
            hw_text_append(out, c, 1);
    }
    hw_text_append(out, "\"", 1);
}

static void append_ids(hw_text_buffer *out, const hw_token *tokens, size_t count,
                       const char *between) {
    for (size_t i = 0; i < count; i++) {
        if (i) hw_text_append(out, between, 1);
        append_number(out, tokens[i].id);
    }
}

static void append_json(hw_text_buffer *out, const hw_classifier *classifier,
                        const hw_token *tokens, size_t count) {
    hw_text_printf(out, "{\"ids\":[");
    append_ids(out, tokens, count, ",");
    hw_text_printf(out, "],\"tokens\":[");
    for (size_t i = 0; i < count; i++) {
        const char *string = hw_token_string(classifier, tokens[i].id);
        if (i) hw_text_append(out, ",", 1);
        append_string(out, string ? string : "");
    }
    hw_text_printf(out, "],\"offsets\":[");
    for (size_t i = 0; i < count; i++) {
        hw_text_append(out, i ? ",[" : "[", i ? 2 : 1);
        append_number(out, tokens[i].begin);
        hw_text_append(out, ",", 1);
        append_number(out, tokens[i].end);
        hw_text_append(out, "]", 1);
    }
    hw_text_printf(out, "]}");
}

static hw_status tokenize_line(worker *w, size_t *count, hw_text text, hw_error *err) {
    HW_TRY(hw_tokenize(w->session, text, w->tokens, w->capacity, count, err));
    if (*count <= w->capacity) return HW_OK;
    void *tokens = w->tokens;
    if (!hw_grow(&tokens, &w->capacity, *count, sizeof *w->tokens))
        return hw_fail_memory(err, *count * sizeof *w->tokens);
    w->tokens = tokens;
    return hw_tokenize(w->session, text, w->tokens, w->capacity, count, err);
}

/* ---- Batches ------------------------------------------------------------------------ */

static hw_status tokenize_lines(tokenization *t, worker *w, size_t task, hw_error *err) {
    hw_text_buffer *out = &t->outputs[task];
    const size_t first = task * TASK_LINES, left = t->batch.count - first;
    out->length = 0;
    for (size_t i = first; i < first + (left < TASK_LINES ? left : TASK_LINES); i++) {
        size_t count;
        HW_TRY(tokenize_line(w, &count, t->batch.texts[i], err));
        if (t->as_json)
            append_json(out, t->classifier, w->tokens, count);
        else
            append_ids(out, w->tokens, count, " ");
        hw_text_append(out, "\n", 1);
    }
    return out->failed ? hw_fail_memory(err, out->length) : HW_OK;
}

static void run_task(void *context, size_t task, int32_t index) {
    tokenization *t = context;
    worker *w = &t->workers[index];
    if (w->status == HW_OK) w->status = tokenize_lines(t, w, task, &w->error);
}

static hw_status tokenize_batch(tokenization *t, hw_error *err) {
    const size_t tasks = (t->batch.count + TASK_LINES - 1) / TASK_LINES;
    hw_pool_run(t->pool, tasks, run_task, t);
    for (int32_t i = 0; i < t->threads; i++) {
        if (t->workers[i].status == HW_OK) continue;
        *err = t->workers[i].error;
        return err->status;
    }
    for (size_t task = 0; task < tasks; task++)
        fwrite(t->outputs[task].bytes, 1, t->outputs[task].length, stdout);
    return HW_OK;
}

static hw_status tokenize_all(tokenization *t, line_source *source, hw_error *err) {
    for (;;) {
        HW_TRY(line_source_read(&t->batch, source, BATCH_LINES, err));
        if (t->batch.count == 0) return HW_OK;
        HW_TRY(tokenize_batch(t, err));
        if (!console_flush()) return HW_OK; /* console_finish says why */
    }
}

/* ---- All of it ----------------------------------------------------------------------- */

static hw_status prepare(tokenization *t, hw_error *err) {
    t->workers = hw_calloc((size_t)t->threads, sizeof *t->workers);
    if (!t->workers) return hw_fail_memory(err, (size_t)t->threads * sizeof *t->workers);
    for (int32_t i = 0; i < t->threads; i++) {
        t->workers[i].session = hw_session_new(t->classifier, NULL, err);
        if (!t->workers[i].session) return err->status;
    }
    t->pool = hw_pool_new(t->threads, err);
    return t->pool ? HW_OK : err->status;
}

static void tokenization_free(tokenization *t) {
    hw_pool_free(t->pool);
    for (int32_t i = 0; t->workers && i < t->threads; i++) {
        hw_session_free(t->workers[i].session);
        hw_free(t->workers[i].tokens);
    }
    hw_free(t->workers);
    batch_free(&t->batch);
    for (size_t task = 0; task < TASKS; task++) hw_text_buffer_free(&t->outputs[task]);
}

static int tokenize(const arguments *args, const hw_classifier *classifier, const char *file) {
    tokenization t = { .classifier = classifier,
                       .as_json = is_given(args, OPTION_JSON),
                       .threads = whole_option(args, OPTION_THREAD, hw_cpu_count()) };
    hw_error err;
    line_source *source = line_source_open(file, NULL, true, &err);
    const bool done =
        source && prepare(&t, &err) == HW_OK && tokenize_all(&t, source, &err) == HW_OK;
    line_source_close(source);
    tokenization_free(&t);
    return done ? DONE : console_error(&err);
}

int cmd_tokenize(const arguments *args) {
    const char *file = data_argument(args);
    if (!file || (is_given(args, OPTION_INPUT) && args->positionals > 1))
        return console_usage("tokenize: give the model and one file; usage: headwise tokenize %s",
                             verb_table[VERB_TOKENIZE].positional);
    hw_error err;
    hw_classifier *classifier = model_open(args->positional[0], NULL, &err);
    if (!classifier) return console_error(&err);
    int code;
    if (hw_classifier_summary(classifier)->family)
        code = tokenize(args, classifier, file);
    else
        code = console_failure("%s: the model has no tokenizer: it is no pretrained encoder",
                               args->positional[0]);
    hw_classifier_close(classifier);
    return code;
}
