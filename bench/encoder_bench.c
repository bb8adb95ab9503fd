/* One model kept open by one process that does what its standard input asks for, a line each, and
 * answers each line with one line of JSON. Uses the public interface alone.
 *
 *     encoder_bench MODEL THREADS MAX_TOKENS
 *     classify TEXTS BATCH OUT    OUT: [texts][labels] floats, or - for none
 *     calls TEXTS COUNT           one text in each of COUNT calls, all threads at each
 *     tokenize TEXTS OUT          OUT: of each text its count, then (id, begin, end) of each token
 *
 * TEXTS holds texts of any bytes: a length, then as many bytes. Lengths, counts, ids and places are
 * 32-bit integers of this machine. Texts longer than MAX_TOKENS are cut (0: the model's most).
 * The first line, before anything is asked for, says how long it took to open the model and to
 * classify one text.
 *
 *     gcc -O2 -Iinclude bench/encoder_bench.c -Lbuild/release -lheadwise -pthread */
#include <headwise.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_THREADS = 256, LINE = 8192, PATH = 4000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *what, const char *why) {
    fprintf(stderr, "encoder_bench: %s: %s\n", what, why);
    exit(1);
}

static void *allocate(size_t bytes) {
    void *memory = malloc(bytes ? bytes : 1);
    if (!memory) fail("memory", "there is not enough");
    return memory;
}

/* VmRSS or VmHWM of this process, in KiB. */
static long memory_kib(const char *field) {
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    if (!status) return kib;
    while (kib < 0 && fgets(line, sizeof line, status))
        if (strncmp(line, field, strlen(field)) == 0) kib = atol(line + strlen(field) + 1);
    fclose(status);
    return kib;
}

/* ---- Texts ------------------------------------------------------------------------ */

typedef struct text_list {
    char *bytes;
    hw_text *items; /* [count], in bytes */
    size_t count;
} text_list;

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) fail(path, "cannot be read");
    *size = (size_t)ftell(file);
    rewind(file);
    char *bytes = allocate(*size);
    if (fread(bytes, 1, *size, file) != *size) fail(path, "cannot be read");
    fclose(file);
    return bytes;
}

static text_list read_texts(const char *path) {
    size_t size;
    text_list texts = { .bytes = read_file(path, &size) };
    texts.items = allocate((size / sizeof(uint32_t) + 1) * sizeof *texts.items);
    for (size_t at = 0; at < size;) {
        uint32_t length;
        if (size - at < sizeof length) fail(path, "it ends in the middle of a length");
        memcpy(&length, texts.bytes + at, sizeof length);
        at += sizeof length;
        if (size - at < length) fail(path, "it ends in the middle of a text");
        texts.items[texts.count++] = (hw_text){ texts.bytes + at, length };
        at += length;
    }
    return texts;
}

static void free_texts(text_list texts) {
    free(texts.items);
    free(texts.bytes);
}

static void write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
        fail(path, "cannot be written");
}

/* ---- Classifying ------------------------------------------------------------------- */

typedef struct open_model {
    hw_classifier *classifier;
    hw_session *sessions[MOST_THREADS];
    int threads;
    int32_t max_tokens;
    size_t labels;
} open_model;

/* Batches are taken in order by whichever thread is free, and become smaller towards the end, so
 * that the threads end together. */
typedef struct classify_job {
    open_model *model;
    text_list texts;
    size_t batch;
    float *probabilities; /* [texts][labels] */
    pthread_mutex_t lock;
    size_t next; /* text that nobody has taken */
} classify_job;

typedef struct worker {
    classify_job *job;
    hw_session *session;
    pthread_t thread;
} worker;

/* Returns how many texts are the caller's, from *first on; 0: there are none left. */
static size_t take_batch(size_t *first, classify_job *job) {
    pthread_mutex_lock(&job->lock);
    const size_t left = job->texts.count - job->next;
    const size_t share = (left + 1) / (2 * (size_t)job->model->threads);
    size_t count = share < job->batch ? share : job->batch;
    if (count == 0 && left > 0) count = 1;
    *first = job->next;
    job->next += count;
    pthread_mutex_unlock(&job->lock);
    return count;
}

static void *run_worker(void *argument) {
    const worker *self = argument;
    classify_job *job = self->job;
    hw_error err;
    for (size_t first, count; (count = take_batch(&first, job)) > 0;)
        if (hw_classify(self->session, job->texts.items + first, count,
                        job->probabilities + first * job->model->labels, &err) != HW_OK)
            fail("hw_classify", err.message);
    return NULL;
}

static void run_workers(classify_job *job) {
    worker workers[MOST_THREADS];
    for (int i = 0; i < job->model->threads; i++) {
        workers[i] = (worker){ .job = job, .session = job->model->sessions[i] };
        if (i > 0 && pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0)
            fail("pthread_create", "failed");
    }
    run_worker(&workers[0]);
    for (int i = 1; i < job->model->threads; i++) pthread_join(workers[i].thread, NULL);
}

static void classify(open_model *model, const char *path, size_t batch, const char *out) {
    classify_job job = { .model = model, .texts = read_texts(path), .batch = batch };
    const size_t size = job.texts.count * model->labels * sizeof *job.probabilities;
    job.probabilities = allocate(size);
    pthread_mutex_init(&job.lock, NULL);
    const double start = now();
    run_workers(&job);
    printf("{\"seconds\": %.9f, \"texts\": %zu, \"rss_kib\": %ld, \"peak_kib\": %ld}\n",
           now() - start, job.texts.count, memory_kib("VmRSS"), memory_kib("VmHWM"));
    if (strcmp(out, "-") != 0) write_file(out, job.probabilities, size);
    free(job.probabilities);
    free_texts(job.texts);
}

static void time_calls(const open_model *model, const char *path, size_t count) {
    const text_list texts = read_texts(path);
    double *seconds = allocate(count * sizeof *seconds);
    float *probabilities = allocate(model->labels * sizeof *probabilities);
    hw_error err;
    const hw_session_options options = { .max_tokens = model->max_tokens,
                                         .truncate = true,
                                         .threads = model->threads };
    hw_session *session = hw_session_new(model->classifier, &options, &err);
    if (!session) fail("hw_session_new", err.message);
    for (size_t i = 0; i < count; i++) {
        const double start = now();
        if (hw_classify(session, texts.items + i % texts.count, 1, probabilities, &err) != HW_OK)
            fail("hw_classify", err.message);
        seconds[i] = now() - start;
    }
    printf("{\"seconds\": [");
    for (size_t i = 0; i < count; i++) printf("%s%.9f", i ? ", " : "", seconds[i]);
    printf("]}\n");
    hw_session_free(session);
    free(probabilities);
    free(seconds);
    free_texts(texts);
}

/* ---- Tokenizing ---------------------------------------------------------------------- */

typedef struct token_list {
    hw_token *items;
    size_t count, capacity;
} token_list;

static void tokenize_text(token_list *tokens, hw_session *session, hw_text text) {
    hw_error err;
    for (;;) {
        if (hw_tokenize(session, text, tokens->items, tokens->capacity, &tokens->count, &err))
            fail("hw_tokenize", err.message);
        if (tokens->count <= tokens->capacity) return;
        free(tokens->items);
        tokens->capacity = 2 * tokens->count;
        tokens->items = allocate(tokens->capacity * sizeof *tokens->items);
    }
}

static void write_tokens(FILE *file, const token_list *tokens) {
    const uint32_t count = (uint32_t)tokens->count;
    fwrite(&count, sizeof count, 1, file);
    for (size_t i = 0; i < tokens->count; i++) {
        const uint32_t token[3] = { tokens->items[i].id, tokens->items[i].begin,
                                    tokens->items[i].end };
        fwrite(token, sizeof token, 1, file);
    }
}

static void tokenize(open_model *model, const char *path, const char *out) {
    const text_list texts = read_texts(path);
    token_list tokens = { .items = allocate(4096 * sizeof(hw_token)), .capacity = 4096 };
    const bool is_kept = strcmp(out, "-") != 0;
    FILE *file = is_kept ? fopen(out, "wb") : NULL;
    if (is_kept && !file) fail(out, "cannot be written");
    size_t total = 0;
    const double start = now();
    for (size_t i = 0; i < texts.count; i++) {
        tokenize_text(&tokens, model->sessions[0], texts.items[i]);
        total += tokens.count;
        if (file) write_tokens(file, &tokens);
    }
    const double seconds = now() - start;
    if (file && fclose(file) != 0) fail(out, "cannot be written");
    printf("{\"seconds\": %.9f, \"texts\": %zu, \"tokens\": %zu}\n", seconds, texts.count, total);
    free(tokens.items);
    free_texts(texts);
}

/* ---- Main ------------------------------------------------------------------------------ */

static void load(open_model *model, const char *path) {
    hw_error err;
    const double start = now();
    model->classifier = hw_classifier_open(path, &err);
    if (!model->classifier) fail("hw_classifier_open", err.message);
    model->labels = (size_t)hw_classifier_summary(model->classifier)->labels;
    const hw_session_options options = { .max_tokens = model->max_tokens, .truncate = true };
    const double opened = now();
    for (int i = 0; i < model->threads; i++) {
        model->sessions[i] = hw_session_new(model->classifier, &options, &err);
        if (!model->sessions[i]) fail("hw_session_new", err.message);
    }
    const hw_text text = hw_text_of("A quiet, moving film.");
    float *probabilities = allocate(model->labels * sizeof *probabilities);
    if (hw_classify(model->sessions[0], &text, 1, probabilities, &err) != HW_OK)
        fail("hw_classify", err.message);
    printf("{\"open_seconds\": %.9f, \"first_seconds\": %.9f, \"labels\": %zu, \"rss_kib\": %ld, "
           "\"peak_kib\": %ld, \"kernels\": \"%s\"}\n",
           opened - start, now() - start, model->labels, memory_kib("VmRSS"), memory_kib("VmHWM"),
           hw_kernels_name());
    free(probabilities);
}

int main(int argc, char **argv) {
    static open_model model;
    if (argc != 4) fail("usage", "encoder_bench MODEL THREADS MAX_TOKENS");
    model.threads = atoi(argv[2]);
    if (model.threads < 1 || model.threads > MOST_THREADS) fail(argv[2], "threads: 1 to 256");
    model.max_tokens = (int32_t)atoi(argv[3]);
    load(&model, argv[1]);
    fflush(stdout);
    static char line[LINE], path[PATH], out[PATH];
    size_t count;
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "classify %3999s %zu %3999s", path, &count, out) == 3 && count > 0)
            classify(&model, path, count, out);
        else if (sscanf(line, "calls %3999s %zu", path, &count) == 2)
            time_calls(&model, path, count);
        else if (sscanf(line, "tokenize %3999s %3999s", path, out) == 2)
            tokenize(&model, path, out);
        else
            fail("not understood", line);
        fflush(stdout);
    }
    for (int i = 0; i < model.threads; i++) hw_session_free(model.sessions[i]);
    hw_classifier_close(model.classifier);
    return 0;
}
