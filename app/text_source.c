/* Which of the two a file is: its name or --format says, never what its first line looks like. */
#include "text_source.h"

#include "model_path.h"

/* The format that the file's name says. What a line of text looks like must not decide how
 * it is read, so everything else is lines. */
static hw_format format_by_name(const char *path) {
    static const struct {
        const char *end, *gzip, *zstd;
        hw_format format;
    } endings[] = { { ".csv", ".csv.gz", ".csv.zst", HW_FORMAT_CSV },
                    { ".tsv", ".tsv.gz", ".tsv.zst", HW_FORMAT_TSV },
                    { ".jsonl", ".jsonl.gz", ".jsonl.zst", HW_FORMAT_JSONL } };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (path_ends_with(path, endings[i].end) || path_ends_with(path, endings[i].gzip) ||
            path_ends_with(path, endings[i].zstd))
            return endings[i].format;
    return HW_FORMAT_FASTTEXT;
}

/* Plain lines are read as they arrive; records and compressed lines by the library. */
bool text_source_open(text_source *source, const hw_classifier *classifier, const arguments *args,
                      const char *path, hw_error *err) {
    *source = (text_source){ .classifier = classifier };
    hw_reader_options options = reader_options(args);
    if (options.format == HW_FORMAT_AUTO) options.format = format_by_name(path);
    const bool is_lines = options.format == HW_FORMAT_TEXT || options.format == HW_FORMAT_FASTTEXT;
    if (options.format == HW_FORMAT_FASTTEXT)
        source->label_prefix = text_option(args, OPTION_LABEL, "__label__");
    if (is_lines && !path_ends_with(path, ".gz") && !path_ends_with(path, ".zst")) {
        source->lines = line_source_open(path, source->label_prefix, false, err);
        return source->lines != NULL;
    }
    if (is_lines) options.format = HW_FORMAT_TEXT;
    source->reader = hw_reader_open(path, &options, err);
    return source->reader != NULL;
}

void text_source_close(text_source *source) {
    line_source_close(source->lines);
    hw_reader_close(source->reader);
}

hw_status text_source_read(text_batch *batch, text_source *source, size_t limit, hw_error *err) {
    if (source->lines) return line_source_read(batch, source->lines, limit, err);
    HW_TRY(batch_read(batch, source->reader, source->classifier, limit, &source->bad_records, err));
    if (source->label_prefix) batch_remove_labels(batch, source->label_prefix);
    return HW_OK;
}
