/* dump: what is inside a model, in fastText's words: args, dict, input, output. */
#include "commands.h"
#include "console.h"
#include "model_path.h"

#include <math.h>

/* Where layers have fewer heads than the model had: those of each. */
static void print_layer_heads(const hw_classifier *classifier) {
    const hw_summary *s = hw_classifier_summary(classifier);
    bool fewer = false;
    for (int32_t l = 0; l < s->layers; l++) fewer |= hw_classifier_heads(classifier, l) < s->heads;
    if (!fewer) return;
    printf("layerHeads");
    for (int32_t l = 0; l < s->layers; l++) printf(" %d", (int)hw_classifier_heads(classifier, l));
    putchar('\n');
}

static void print_args(const hw_classifier *classifier) {
    static const char *const quantizations[] = { "no", "int8", "bf16" };
    static const char *const names[] = { "", "hybrid", "attention", "bag", "encoder", "capsule" };
    const hw_summary *s = hw_classifier_summary(classifier);
    printf("arch %s\n", names[s->arch]);
    if (s->family) printf("family %s\n", s->family);
    printf("loss %s\nlabels %d\nngrams %d\n", s->multi_label ? "ova" : "softmax", s->labels,
           s->ngrams);
    printf("towers %d\nvocabulary %d\nlayers %d\nheads %d\nheadDim %d\ndim %d\ninnerDim %d\n",
           s->towers, s->vocabulary, s->layers, s->heads, s->head_dim, s->width, s->inner_width);
    print_layer_heads(classifier);
    if (s->capsule_dim) printf("capsuleDim %d\nrouting %d\n", s->capsule_dim, s->routing);
    printf("window %d\nquantized %s\ntemperature %g\ntowerWeight %g\n", s->window,
           quantizations[s->quantized], s->temperature, s->tower_weight);
    if (isfinite(s->held_back_score)) printf("heldBack %g\n", s->held_back_score);
    if (isfinite(s->held_back_bag)) printf("heldBackNgrams %g\n", s->held_back_bag);
    printf("parameters %llu\nbytes %llu\ntraining %s\n", (unsigned long long)s->parameters,
           (unsigned long long)s->file_bytes, hw_classifier_training(classifier));
}

/* The i-th word, or the token of that id. */
static void print_word(const hw_classifier *classifier, int32_t i) {
    const bool is_encoder = hw_classifier_summary(classifier)->family != NULL;
    const char *word = is_encoder ? hw_token_string(classifier, (uint32_t)i)
                                  : hw_classifier_word(classifier, i, NULL);
    print_padded(stdout, word ? word : "", 0);
}

static void print_dict(const hw_classifier *classifier, const char *prefix) {
    const hw_summary *s = hw_classifier_summary(classifier);
    printf("%d\n", s->vocabulary + s->labels);
    for (int32_t i = 0; i < s->vocabulary; i++) {
        print_word(classifier, i);
        printf(" word\n");
    }
    for (int32_t i = 0; i < s->labels; i++) {
        print_label(stdout, prefix, hw_classifier_label(classifier, i));
        printf(" label\n");
    }
}

static bool find_matrix(const hw_classifier *classifier, const char *name, hw_matrix *matrix) {
    for (size_t i = 0; hw_classifier_matrix(classifier, i, matrix); i++)
        if (strcmp(matrix->name, name) == 0 && matrix->values) return true;
    return false;
}

/* Why a matrix that a command prints is not there. */
static int no_matrix(const hw_classifier *classifier, const char *model) {
    if (hw_classifier_summary(classifier)->family)
        return console_failure("%s: an encoder's weights are not printed; any safetensors reader "
                               "opens its file",
                               model);
    return console_failure("%s: the n-gram table is int8; dump the model it was made from", model);
}

/* A row for each word, as in fastText's .vec files: its embedding, or in a model without a
 * tower its weight for each label. */
static int print_input(const hw_classifier *classifier, const char *model) {
    const hw_summary *s = hw_classifier_summary(classifier);
    hw_matrix rows;
    if (!find_matrix(classifier, "tower.0.embedding", &rows) &&
        !find_matrix(classifier, "ngram.table", &rows))
        return no_matrix(classifier, model);
    printf("%d %zu\n", s->vocabulary, rows.columns);
    size_t row;
    const char *word;
    for (int32_t i = 0; (word = hw_classifier_word(classifier, i, &row)); i++) {
        printf("%s", word);
        for (size_t column = 0; column < rows.columns; column++)
            printf(" %.6g", (double)rows.values[row * rows.columns + column]);
        putchar('\n');
    }
    return DONE;
}

/* A row for each label: its column of the tower's readout, else of the n-gram table. */
static int print_output(const hw_classifier *classifier, const char *model, const char *prefix) {
    const hw_summary *s = hw_classifier_summary(classifier);
    hw_matrix weights;
    if (!find_matrix(classifier, "tower.0.readout", &weights) &&
        !find_matrix(classifier, "ngram.table", &weights))
        return no_matrix(classifier, model);
    printf("%d %zu\n", s->labels, weights.rows);
    for (int32_t label = 0; label < s->labels && (size_t)label < weights.columns; label++) {
        print_label(stdout, prefix, hw_classifier_label(classifier, label));
        for (size_t row = 0; row < weights.rows; row++)
            printf(" %.6g", (double)weights.values[row * weights.columns + (size_t)label]);
        putchar('\n');
    }
    return DONE;
}

int cmd_dump(const arguments *args) {
    const char *model = args->positional[0], *what = args->positional[1];
    const char *prefix = text_option(args, OPTION_LABEL, "__label__");
    static const char *const parts[] = { "args", "dict", "input", "output" };
    size_t part = 0;
    while (part < 4 && strcmp(what, parts[part]) != 0) part++;
    if (part == 4)
        return console_usage("dump: %.60s: it must be one of args, dict, input, output", what);
    hw_error err;
    hw_classifier *classifier = model_open(model, NULL, &err);
    if (!classifier) return console_error(&err);
    int code = DONE;
    if (part == 0) print_args(classifier);
    if (part == 1) print_dict(classifier, prefix);
    if (part == 2) code = print_input(classifier, model);
    if (part == 3) code = print_output(classifier, model, prefix);
    hw_classifier_close(classifier);
    return code;
}
