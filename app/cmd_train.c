/* train: from a file of labelled texts to a model file. Invariant: the model is written once,
 * whole, at the end, also when training was interrupted after a first result. */
#include "commands.h"
#include "console.h"
#include "json_text.h"
#include "model_path.h"
#include "progress.h"
#include "training.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

/* So that hours of training do not end at a folder that is not there. */
static bool can_write_beside(const char *path, hw_error *err) {
    char folder[MODEL_PATH];
    const char *slash = strrchr(path, '/');
    const size_t length = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
    memcpy(folder, slash ? path : ".", length);
    folder[length] = '\0';
    if (access(folder, W_OK) == 0) return true;
    err->status = HW_ERROR_IO;
    snprintf(err->message, sizeof err->message, "-output %.200s: the folder %.200s: %s", path,
             folder, strerror(errno));
    return false;
}

static void print_size(char text[32], uint64_t number) {
    if (number >= 1000000)
        snprintf(text, 32, "%.1f M", (double)number / 1e6);
    else
        snprintf(text, 32, "%llu", (unsigned long long)number);
}

static void print_summary(const hw_summary *s, const char *path) {
    static const char *const names[] = { "", "hybrid", "attention", "bag", "encoder", "capsule" };
    char parameters[32], ngrams[32];
    print_size(parameters, s->parameters);
    print_size(ngrams, (uint64_t)s->ngrams);
    fprintf(stderr, "Model: %s; labels %d", names[s->arch], s->labels);
    if (s->family)
        fprintf(stderr, ", family %s, layers %d, heads %d, width %d", s->family, s->layers,
                s->heads, s->width);
    else
        fprintf(stderr, ", n-grams %s", ngrams);
    if (s->towers)
        fprintf(stderr, ", towers %d, layers %d, heads %d, width %d", s->towers, s->layers,
                s->heads, s->width);
    if (s->capsule_dim)
        fprintf(stderr, ", capsules of %d routed %d times", s->capsule_dim, s->routing);
    fprintf(stderr, ", parameters %s\n", parameters);
    const char *measure = s->multi_label ? "micro-F1" : "accuracy";
    if (isfinite(s->held_back_score)) {
        fprintf(stderr, "Held back: %s %.4f", measure, s->held_back_score);
        if (s->towers && isfinite(s->held_back_bag))
            fprintf(stderr, " (n-grams alone %.4f)", s->held_back_bag);
        fputc('\n', stderr);
    }
    fprintf(stderr, "Saved %s\n", path);
}

static void print_summary_json(const hw_summary *s, const char *path) {
    json_t *object = json_pack(
        "{s:s, s:o, s:o, s:o, s:b}", "event", "saved", "path", json_text(hw_text_of(path)), "score",
        json_number(s->held_back_score), "bag_score", json_number(s->held_back_bag), "interrupted",
        (int)progress_was_interrupted());
    if (!object) return;
    json_dumpf(object, stderr, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', stderr);
    json_decref(object);
}

static int save(const arguments *args, const hw_classifier *classifier, const char *path,
                const char *checkpoint) {
    hw_error err;
    if (hw_classifier_save(classifier, path, &err) != HW_OK) return console_error(&err);
    const bool is_silent =
        is_given(args, OPTION_QUIET) || whole_option(args, OPTION_VERBOSE, 2) < 1;
    if (strcmp(text_option(args, OPTION_PROGRESS, ""), "json") == 0)
        print_summary_json(hw_classifier_summary(classifier), path);
    else if (!is_silent)
        print_summary(hw_classifier_summary(classifier), path);
    if (progress_was_interrupted()) {
        console_note("interrupted: the best model so far was saved");
        return INTERRUPTED;
    }
    if (checkpoint) unlink(checkpoint);
    return DONE;
}

static int train(const arguments *args, hw_train_options *options, const char *path) {
    char checkpoint[MODEL_PATH + 16];
    snprintf(checkpoint, sizeof checkpoint, "%.*s.checkpoint",
             (int)(strlen(path) - strlen(".safetensors")), path);
    if (options->resume || options->save_steps) options->checkpoint = checkpoint;
    progress_view view;
    progress_start(&view, args);
    options->progress = progress_report;
    options->user = &view;
    hw_error err;
    hw_classifier *classifier = hw_train(options, &err);
    progress_end(&view);
    if (!classifier) {
        console_error(&err);
        return err.status == HW_ERROR_STOPPED ? INTERRUPTED : FAILED;
    }
    const int code = save(args, classifier, path, options->checkpoint);
    hw_classifier_close(classifier);
    return code;
}

int cmd_train(const arguments *args) {
    hw_train_options options;
    char message[USAGE_MESSAGE], base[MODEL_PATH], path[MODEL_PATH];
    if (!training_options(&options, base, args, message))
        return console_usage("train: %s", message);
    if (!is_given(args, OPTION_OUTPUT))
        return console_usage("train: -output is missing: the name of the model to write");
    if (!model_path_to_write(path, args->values[OPTION_OUTPUT].text))
        return console_usage("train: -output: the name is too long");
    hw_error err;
    if (!can_write_beside(path, &err)) return console_error(&err);
    return train(args, &options, path);
}
