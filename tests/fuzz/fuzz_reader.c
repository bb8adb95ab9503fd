/* The reader over any bytes. The first one picks the format and whether columns are
 * named. Every byte of every record is touched, and reading ends. */
#undef NDEBUG
#include "text/draft.h"
#include "text/reader.h"
#include "text/utf8.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t touch(hw_text text) {
    size_t sum = 0;
    for (size_t i = 0; i < text.length; ++i) sum += (unsigned char)text.bytes[i];
    return sum;
}

static void check_record(const hw_record *record, size_t previous_line) {
    assert(touch(record->text) <= record->text.length * UINT8_MAX);
    assert(record->line > previous_line);
    assert(record->weight > 0);
    for (size_t i = 0; i < record->label_count; ++i) {
        const hw_text label = record->labels[i];
        assert(label.length >= 1 && label.length <= HW_LABEL_BYTES);
        assert(hw_utf8_is_valid(label.bytes, label.length));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    const bool named = data[0] & 8;
    const hw_reader_options options = { .format = (hw_format)((data[0] & 7) % 6),
                                        .text_column = named ? "t" : NULL,
                                        .label_column = named ? "l" : NULL,
                                        .label_prefix = named ? "#" : NULL };
    hw_reader *reader = hw_reader_open_memory(data + 1, size - 1, "fuzz", &options, NULL);
    if (!reader) return 0;
    size_t line = 0;
    for (bool more = true; more;) {
        hw_error err;
        hw_record record;
        const hw_status status = hw_reader_next(reader, &record, &more, &err);
        assert(status == HW_OK || err.message[0] != '\0');
        if (!more) break;
        if (status == HW_OK) check_record(&record, line);
        assert(record.line > line);
        line = record.line;
    }
    hw_reader_close(reader);
    return 0;
}
