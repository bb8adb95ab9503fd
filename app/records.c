/* Batches own a copy of their texts, because a reader's record lives until the next one.
 * Invariant: once sealed, texts[i] points into bytes and stays valid until the next clear. */
#include "records.h"

#include "console.h"

#include "base/memory.h"

#include <string.h>

enum { BATCH_TEXTS = 1024, BATCH_BYTES = 1 << 22, PROBABILITIES = 1 << 22, NOTED = 10 };

void batch_clear(text_batch *batch) {
    batch->count = batch->label_count = batch->bytes.length = 0;
}

void batch_free(text_batch *batch) {
    hw_free(batch->rows);
    hw_free(batch->texts);
    hw_free(batch->labels);
    hw_text_buffer_free(&batch->bytes);
}

size_t batch_limit(int32_t labels) {
    const size_t limit = PROBABILITIES / (size_t)labels;
    return limit > BATCH_TEXTS ? BATCH_TEXTS : limit < 1 ? 1 : limit;
}

hw_status batch_add(text_batch *batch, hw_text text, size_t line, hw_error *err) {
    void *rows = batch->rows;
    if (!hw_grow(&rows, &batch->capacity, batch->count + 1, sizeof *batch->rows))
        return hw_fail_memory(err, (batch->count + 1) * sizeof *batch->rows);
    batch->rows = rows;
    batch->rows[batch->count++] = (batch_row){ .offset = batch->bytes.length,
                                               .length = text.length,
                                               .first_label = batch->label_count,
                                               .line = line };
    if (text.length) hw_text_append(&batch->bytes, text.bytes, text.length);
    return batch->bytes.failed ? hw_fail_memory(err, text.length) : HW_OK;
}

static hw_status add_label(text_batch *batch, int32_t label, hw_error *err) {
    batch_row *row = &batch->rows[batch->count - 1];
    if (label < 0) {
        row->unknown_labels++;
        return HW_OK;
    }
    void *labels = batch->labels;
    if (!hw_grow(&labels, &batch->label_capacity, batch->label_count + 1, sizeof *batch->labels))
        return hw_fail_memory(err, (batch->label_count + 1) * sizeof *batch->labels);
    batch->labels = labels;
    batch->labels[batch->label_count++] = label;
    row->labels++;
    return HW_OK;
}

static hw_status add_record(text_batch *batch, const hw_record *read,
                            const hw_classifier *classifier, hw_error *err) {
    HW_TRY(batch_add(batch, read->text, read->line, err));
    for (size_t i = 0; i < read->label_count; i++)
        HW_TRY(add_label(batch, hw_classifier_find_label(classifier, read->labels[i]), err));
    return HW_OK;
}

static hw_status add_bad_record(text_batch *batch, size_t *bad_records, hw_error *err) {
    if (++*bad_records <= NOTED) console_note("%s", err->message);
    HW_TRY(batch_add(batch, (hw_text){ "", 0 }, 0, err));
    batch->rows[batch->count - 1].bad = true;
    return HW_OK;
}

hw_text batch_text(const text_batch *batch, size_t row) {
    const batch_row *entry = &batch->rows[row];
    return (hw_text){ entry->length ? batch->bytes.bytes + entry->offset : "", entry->length };
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t text_without_labels(char *text, size_t length, const char *prefix) {
    const size_t size = strlen(prefix);
    size_t kept = 0;
    for (size_t i = 0; i < length;) {
        size_t end = i;
        while (end < length && !is_space(text[end])) end++;
        const bool is_label = end - i >= size && memcmp(text + i, prefix, size) == 0;
        while (end < length && is_space(text[end])) end++;
        if (!is_label) {
            memmove(text + kept, text + i, end - i);
            kept += end - i;
        }
        i = end;
    }
    return kept;
}

void batch_remove_labels(text_batch *batch, const char *prefix) {
    for (size_t row = 0; row < batch->count; row++) {
        batch_row *entry = &batch->rows[row];
        if (entry->length == 0) continue;
        entry->length =
            text_without_labels(batch->bytes.bytes + entry->offset, entry->length, prefix);
        batch->texts[row].length = entry->length;
    }
}

hw_status batch_seal(text_batch *batch, hw_error *err) {
    void *texts = batch->texts;
    if (!hw_grow(&texts, &batch->texts_capacity, batch->count, sizeof *batch->texts))
        return hw_fail_memory(err, batch->count * sizeof *batch->texts);
    batch->texts = texts;
    for (size_t row = 0; row < batch->count; row++) batch->texts[row] = batch_text(batch, row);
    return HW_OK;
}

hw_status batch_read(text_batch *batch, hw_reader *reader, const hw_classifier *classifier,
                     size_t limit, size_t *bad_records, hw_error *err) {
    batch_clear(batch);
    while (batch->count < limit && batch->bytes.length < BATCH_BYTES) {
        hw_record read;
        bool more;
        const hw_status status = hw_reader_next(reader, &read, &more, err);
        if (status == HW_ERROR_FORMAT) {
            HW_TRY(add_bad_record(batch, bad_records, err));
        } else if (status != HW_OK) {
            return status;
        } else if (!more) {
            break;
        } else {
            HW_TRY(add_record(batch, &read, classifier, err));
        }
    }
    return batch_seal(batch, err);
}

static hw_format format_of(const arguments *args) {
    static const char *const names[] = { "auto", "fasttext", "tsv", "csv", "jsonl", "text" };
    const char *name = text_option(args, OPTION_FORMAT, "auto");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return (hw_format)i;
    return HW_FORMAT_AUTO;
}

hw_reader_options reader_options(const arguments *args) {
    return (hw_reader_options){
        .format = format_of(args),
        .text_column = text_option(args, OPTION_TEXT_COLUMN, NULL),
        .label_column = text_option(args, OPTION_LABEL_COLUMN, NULL),
        .label_prefix = text_option(args, OPTION_LABEL, NULL),
    };
}

hw_session_options session_options(hw_head_id heads[HEADS_LIMIT], const arguments *args) {
    const int32_t stride = whole_option(args, OPTION_STRIDE, 0);
    return (hw_session_options){
        .max_tokens = whole_option(args, OPTION_WINDOW, 0),
        .stride = is_given(args, OPTION_STRIDE) && stride == 0 ? -1 : stride,
        .truncate = is_given(args, OPTION_TRUNCATE),
        .masked_heads = heads,
        .masked_head_count = is_given(args, OPTION_MASK_HEADS)
                                 ? head_list_read(heads, args->values[OPTION_MASK_HEADS].text)
                                 : 0,
    };
}
