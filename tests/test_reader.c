/* The reader: a table of inputs and what is read from them, and files of every kind. */
#include "text/reader.h"

#include "base/fault.h"
#include "base/text_buffer.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

/* ---- What is read, as a text ------------------------------------------------------ */

static void print_escaped(hw_text_buffer *out, hw_text text) {
    for (size_t i = 0; i < text.length; ++i) {
        const unsigned char byte = (unsigned char)text.bytes[i];
        const bool is_plain = byte >= ' ' && byte < 0x7F;
        hw_text_printf(out, is_plain ? "%c" : "\\x%02X", byte);
    }
}

/* "line [label,label] text", with " *weight" if it is not 1, or "! message". */
static void print_record(hw_text_buffer *out, const hw_record *record) {
    hw_text_printf(out, "%zu [", record->line);
    for (size_t i = 0; i < record->label_count; ++i) {
        if (i > 0) hw_text_printf(out, ",");
        print_escaped(out, record->labels[i]);
    }
    hw_text_printf(out, "] ");
    print_escaped(out, record->text);
    if (record->weight != 1) hw_text_printf(out, " *%g", record->weight);
    hw_text_printf(out, "\n");
}

/* Everything the reader gives, up to the end or the first failure that is final. */
static void print_all(hw_text_buffer *out, hw_reader *reader) {
    hw_error err;
    hw_record record;
    for (bool more = true; more;) {
        const hw_status status = hw_reader_next(reader, &record, &more, &err);
        assert_int_equal(more, status == HW_ERROR_FORMAT || (status == HW_OK && more));
        if (status != HW_OK) hw_text_printf(out, "! %s\n", err.message);
        if (status == HW_OK && more) print_record(out, &record);
    }
    assert_false(out->failed);
}

static void check(hw_text input, const hw_reader_options *options, hw_format format,
                  const char *expected) {
    hw_error err;
    hw_text_buffer out = { 0 };
    hw_reader *reader = hw_reader_open_memory(input.bytes, input.length, "f", options, &err);
    assert_non_null(reader);
    assert_int_equal(hw_reader_format(reader), HW_FORMAT_AUTO);
    print_all(&out, reader);
    assert_string_equal(out.bytes ? out.bytes : "", expected);
    assert_int_equal(hw_reader_format(reader), format);
    hw_reader_close(reader);
    hw_text_buffer_free(&out);
}

/* ---- Tables ------------------------------------------------------------------------ */

#define INPUT(string) \
    { string, sizeof(string) - 1 }

typedef struct reading {
    hw_text input;
    hw_format format; /* recognised, or as the table's function says */
    const char *expected;
} reading;

#define CHECK_ALL(table, options)                                \
    for (size_t i = 0; i < sizeof(table) / sizeof *(table); ++i) \
    check((table)[i].input, options, (table)[i].format, (table)[i].expected)

#define NO_LABEL "no label (lines start with \"__label__\"; see --label)"

static void test_fasttext_lines(void **state) {
    (void)state;
    static const reading table[] = {
        { INPUT("__label__a hello there\n"), HW_FORMAT_FASTTEXT, "1 [a] hello there\n" },
        { INPUT("__label__a __label__b x"), HW_FORMAT_FASTTEXT, "1 [a,b] x\n" },
        { INPUT("__label__a"), HW_FORMAT_FASTTEXT, "1 [a] \n" },
        { INPUT("__label__a\tx  y \n"), HW_FORMAT_FASTTEXT, "1 [a] x  y \n" },
        { INPUT("__label__a x __label__b y z\n"), HW_FORMAT_FASTTEXT, "1 [a,b] x y z\n" },
        { INPUT("__label__a x __label__b __label__c y __label__d"), HW_FORMAT_FASTTEXT,
          "1 [a,b,c,d] x y \n" },
        { INPUT("__label__a x__label__b\n"), HW_FORMAT_FASTTEXT, "1 [a] x__label__b\n" },
        { INPUT("__label__a x\r\n\r\n__label__b y\r\n"), HW_FORMAT_FASTTEXT, "1 [a] x\n3 [b] y\n" },
        { INPUT("\xEF\xBB\xBF__label__a x\n"), HW_FORMAT_FASTTEXT, "1 [a] x\n" },
        { INPUT("\n \n__label__a x\n"), HW_FORMAT_FASTTEXT, "3 [a] x\n" },
        { INPUT("__label__a x\0y\n"), HW_FORMAT_FASTTEXT, "1 [a] x\\x00y\n" },
        { INPUT("__label__a \xFFx\xE2\x82\n"), HW_FORMAT_FASTTEXT, "1 [a] \\xFFx\\xE2\\x82\n" },
        { INPUT("__label__a x\nno label here\n__label__b y\n"), HW_FORMAT_FASTTEXT,
          "1 [a] x\n! f:2: " NO_LABEL "\n3 [b] y\n" },
        { INPUT("__label__ x\n__label__b y\n"), HW_FORMAT_FASTTEXT,
          "! f:1: empty label\n2 [b] y\n" },
        { INPUT("__label__\xC0\x80 x\n"), HW_FORMAT_FASTTEXT, "! f:1: label is not valid UTF-8\n" },
        { INPUT("__label__\x01 x\n"), HW_FORMAT_FASTTEXT, "! f:1: control character in a label\n" },
        { INPUT("__label__a|b x\n"), HW_FORMAT_FASTTEXT, "1 [a|b] x\n" },
    };
    CHECK_ALL(table, NULL);
}

static void test_other_label_prefix(void **state) {
    (void)state;
    const hw_reader_options options = { .label_prefix = "#" };
    static const reading table[] = {
        { INPUT("#a #b x\n__label__c\n"), HW_FORMAT_FASTTEXT,
          "1 [a,b] x\n! f:2: no label (lines start with \"#\"; see --label)\n" },
    };
    CHECK_ALL(table, &options);
}

static void test_tsv_without_header(void **state) {
    (void)state;
    static const reading table[] = {
        { INPUT("a\thello\nb\tworld"), HW_FORMAT_TSV, "1 [a] hello\n2 [b] world\n" },
        { INPUT("a|b | c\tx\n"), HW_FORMAT_TSV, "1 [a,b,c] x\n" },
        { INPUT("a\tx\ty\n"), HW_FORMAT_TSV, "1 [a] x\\x09y\n" },
        { INPUT("a b\tx\n"), HW_FORMAT_TSV, "1 [a b] x\n" },
        { INPUT("a\t\"x\n"), HW_FORMAT_TSV, "1 [a] \"x\n" },
        { INPUT("a\tx\r\n\r\nb\ty\r\n"), HW_FORMAT_TSV, "1 [a] x\n3 [b] y\n" },
        { INPUT("a\t\n"), HW_FORMAT_TSV, "1 [a] \n" },
        { INPUT("a\tx\nnone\nb\ty\n"), HW_FORMAT_TSV,
          "1 [a] x\n! f:2: no label (lines are label<TAB>text)\n3 [b] y\n" },
        { INPUT("a\tx\n\ty\na|\tz\n"), HW_FORMAT_TSV,
          "1 [a] x\n! f:2: empty label\n! f:3: empty label\n" },
        { INPUT("text\tx\n"), HW_FORMAT_TSV, "1 [text] x\n" },
    };
    CHECK_ALL(table, NULL);
}

static void test_tsv_with_header(void **state) {
    (void)state;
    static const reading table[] = {
        { INPUT("id\tText\tLABEL\n1\thello\ta|b\n"), HW_FORMAT_TSV, "2 [a,b] hello\n" },
        { INPUT("labels\ttext\na\tx\textra\n"), HW_FORMAT_TSV, "2 [a] x\n" },
        { INPUT("label\tn\ttext\na\t1\nb\t2\ty\n"), HW_FORMAT_TSV,
          "! f:2: 2 columns, but \"text\" is column 3\n3 [b] y\n" },
    };
    CHECK_ALL(table, NULL);
}

static void test_csv(void **state) {
    (void)state;
    static const reading table[] = {
        { INPUT("text,label\nhello,a\n"), HW_FORMAT_CSV, "2 [a] hello\n" },
        { INPUT("\"text\",\"label\"\r\n\"a, b\",x\r\n"), HW_FORMAT_CSV, "2 [x] a, b\n" },
        { INPUT("label,text\na,\"say \"\"hi\"\"\"\n"), HW_FORMAT_CSV, "2 [a] say \"hi\"\n" },
        { INPUT("label,text\n\"\"\"\",\"\"\n"), HW_FORMAT_CSV, "2 [\"] \n" },
        { INPUT("label,text\na,\"x\ny\r\nz\"\nb,w\n"), HW_FORMAT_CSV,
          "2 [a] x\\x0Ay\\x0D\\x0Az\n5 [b] w\n" },
        { INPUT("label,text\na,5\" disk\n"), HW_FORMAT_CSV, "2 [a] 5\" disk\n" },
        { INPUT("label,text\na|b,\n"), HW_FORMAT_CSV, "2 [a,b] \n" },
        { INPUT("label,text\na,\"x\" y\nb,z\n"), HW_FORMAT_CSV,
          "! f:2: text after a closing quote\n3 [b] z\n" },
        { INPUT("label,text\na,\"x\nb,y\nc,z\n"), HW_FORMAT_CSV,
          "! f:2: unclosed quote\n3 [b] y\n4 [c] z\n" },
        { INPUT("label,text\na,\"x\nb,\"y\"\nc,z\n"), HW_FORMAT_CSV,
          "! f:2: text after a closing quote\n3 [b] y\n4 [c] z\n" },
        { INPUT("label,text\na\"b,\"x\nc,y\n"), HW_FORMAT_CSV, "! f:2: unclosed quote\n3 [c] y\n" },
        { INPUT("label,text\na\n"), HW_FORMAT_CSV, "! f:2: 1 columns, but \"text\" is column 2\n" },
        { INPUT("label,text\n,x\n"), HW_FORMAT_CSV, "! f:2: empty label\n" },
        { INPUT("text,label\n"), HW_FORMAT_CSV, "" },
    };
    CHECK_ALL(table, NULL);
}

static void test_named_columns(void **state) {
    (void)state;
    const hw_reader_options options = { .text_column = "body", .label_column = "class" };
    static const reading table[] = {
        { INPUT("class,x,Body\na,1,hi\n"), HW_FORMAT_CSV, "2 [a] hi\n" },
        { INPUT("class\tbody\na\thi\n"), HW_FORMAT_TSV, "2 [a] hi\n" },
        { INPUT("{\"body\":\"hi\",\"class\":\"a\"}\n"), HW_FORMAT_JSONL, "1 [a] hi\n" },
        { INPUT("class,text\na,hi\n"), HW_FORMAT_CSV,
          "! f:1: no column \"body\" in the header; see --text-column\n" },
        { INPUT("body,label\nhi,a\n"), HW_FORMAT_CSV,
          "! f:1: no column \"class\" in the header; see --label-column\n" },
        { INPUT("a\thi\n"), HW_FORMAT_TSV,
          "! f:1: no column \"body\" in the header; see --text-column\n" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; ++i) {
        const bool begins = table[i].expected[0] != '!';
        check(table[i].input, &options, begins ? table[i].format : HW_FORMAT_AUTO,
              table[i].expected);
    }
}

static void test_header_without_labels_gives_texts(void **state) {
    (void)state;
    const hw_reader_options options = { .format = HW_FORMAT_CSV };
    static const reading table[] = {
        { INPUT("id,text\n1,hi\n"), HW_FORMAT_CSV, "2 [] hi\n" },
        { INPUT("text\nhi\n"), HW_FORMAT_CSV, "2 [] hi\n" },
    };
    CHECK_ALL(table, &options);
}

static void test_jsonl(void **state) {
    (void)state;
    static const reading table[] = {
        { INPUT("{\"text\":\"hi\",\"label\":\"a\"}\n"), HW_FORMAT_JSONL, "1 [a] hi\n" },
        { INPUT("{\"labels\":[\"a\",\"b|c\"],\"text\":\"hi\"}"), HW_FORMAT_JSONL,
          "1 [a,b|c] hi\n" },
        { INPUT("{\"text\":\"x\",\"label\":3}\n{\"text\":\"y\",\"label\":[0.1,true,-7]}\n"),
          HW_FORMAT_JSONL, "1 [3] x\n2 [0.1,true,-7] y\n" },
        { INPUT("{\"text\":\"x\",\"label\":\"a\",\"weight\":2.5}\r\n"), HW_FORMAT_JSONL,
          "1 [a] x *2.5\n" },
        { INPUT("{\"text\":\"a\\nb\\u0000\\u00e9\",\"label\":\"a\"}\n"), HW_FORMAT_JSONL,
          "1 [a] a\\x0Ab\\x00\\xC3\\xA9\n" },
        { INPUT(
              "{\"text\":\"x\"}\n{\"text\":\"x\",\"label\":null}\n{\"text\":\"x\",\"labels\":[]}"),
          HW_FORMAT_JSONL, "1 [] x\n2 [] x\n3 [] x\n" },
        { INPUT("{\"text\":\"x\",\"label\":\"a\"}\n\n{\"text\":1,\"label\":\"a\"}\n[]\n"
                "{\"text\":\"x\",\"label\":{}}\n{\"text\":\"x\",\"label\":[[]]}\n"
                "{\"text\":\"x\",\"label\":\"\"}\n{\"text\":\"x\",\"weight\":-1}\n"
                "{\"text\":\"x\",\"weight\":\"1\"}\n{\"label\":\"a\"}\n"
                "{\"text\":\"x\",\"label\":\"b\"}\n"),
          HW_FORMAT_JSONL,
          "1 [a] x\n! f:3: no string named \"text\"\n! f:4: not a JSON object\n"
          "! f:5: a label is neither a string nor a number\n"
          "! f:6: a label is neither a string nor a number\n! f:7: empty label\n"
          "! f:8: weight is not a number in (0, 1e+06]\n"
          "! f:9: weight is not a number in (0, 1e+06]\n! f:10: no string named \"text\"\n"
          "11 [b] x\n" },
    };
    CHECK_ALL(table, NULL);
}

static void test_bad_json_is_named(void **state) {
    (void)state;
    static const hw_text input = INPUT("{\"text\":\"x\"}\n{\"text\":\n{\"text\":\"\xFF\"}\n");
    hw_text_buffer out = { 0 };
    hw_reader *reader = hw_reader_open_memory(input.bytes, input.length, "f", NULL, NULL);
    print_all(&out, reader);
    assert_non_null(strstr(out.bytes, "! f:2: bad JSON at byte "));
    assert_non_null(strstr(out.bytes, "! f:3: bad JSON at byte "));
    hw_reader_close(reader);
    hw_text_buffer_free(&out);
}

static void test_plain_text_gives_every_line(void **state) {
    (void)state;
    static const reading table[] = {
        { INPUT(""), HW_FORMAT_TEXT, "" },
        { INPUT("\n"), HW_FORMAT_TEXT, "1 [] \n" },
        { INPUT("one\n\ntwo"), HW_FORMAT_TEXT, "1 [] one\n2 [] \n3 [] two\n" },
        { INPUT("\n\none\r\n\n"), HW_FORMAT_TEXT, "1 [] \n2 [] \n3 [] one\n4 [] \n" },
        { INPUT("\xEF\xBB\xBFone\n"), HW_FORMAT_TEXT, "1 [] one\n" },
        { INPUT("\xEF\xBB"), HW_FORMAT_TEXT, "1 [] \\xEF\\xBB\n" },
        { INPUT("a,b\nc\rd\n"), HW_FORMAT_TEXT, "1 [] a,b\n2 [] c\\x0Dd\n" },
        { INPUT("{not json\n"), HW_FORMAT_TEXT, "1 [] {not json\n" },
        { INPUT("text,label,\"open\n"), HW_FORMAT_TEXT, "1 [] text,label,\"open\n" },
    };
    CHECK_ALL(table, NULL);
}

static void test_forced_format_is_obeyed(void **state) {
    (void)state;
    static const hw_text input = INPUT("__label__a\tx\n\n");
    check(input, &(hw_reader_options){ .format = HW_FORMAT_TEXT }, HW_FORMAT_TEXT,
          "1 [] __label__a\\x09x\n2 [] \n");
    check(input, &(hw_reader_options){ .format = HW_FORMAT_TSV }, HW_FORMAT_TSV,
          "1 [__label__a] x\n");
    check((hw_text)INPUT("a\tx\n"), &(hw_reader_options){ .format = HW_FORMAT_FASTTEXT },
          HW_FORMAT_FASTTEXT, "! f:1: " NO_LABEL "\n");
}

static void test_long_labels_are_refused(void **state) {
    (void)state;
    char line[300];
    for (size_t length = 256; length <= 257; ++length) {
        memset(line, 'x', sizeof line);
        line[length] = '\t';
        hw_reader *reader = hw_reader_open_memory(line, sizeof line, "f", NULL, NULL);
        hw_record record;
        bool more;
        assert_int_equal(hw_reader_next(reader, &record, &more, NULL),
                         length == 256 ? HW_OK : HW_ERROR_FORMAT);
        hw_reader_close(reader);
    }
}

static void test_utf16_is_refused(void **state) {
    (void)state;
    hw_error err;
    assert_null(hw_reader_open_memory("\xFF\xFEh\0", 4, "f", NULL, &err));
    assert_string_equal(err.message, "f: UTF-16; only UTF-8 is read");
}

/* ---- Long lines --------------------------------------------------------------------- */

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static char *repeat(const char *unit, size_t count, const char *tail) {
    const size_t length = strlen(unit);
    char *bytes = malloc(length * count + strlen(tail) + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; ++i) memcpy(bytes + i * length, unit, length);
    memcpy(bytes + length * count, tail, strlen(tail) + 1);
    return bytes;
}

static void check_long(const char *unit, size_t count, const char *tail, hw_format format,
                       const char *expected) {
    char *bytes = repeat(unit, count, tail);
    const double start = seconds_now();
    check(hw_text_of(bytes), &(hw_reader_options){ .format = format }, format, expected);
    assert_true(seconds_now() - start < 2);
    free(bytes);
}

enum { MIB = 1 << 20 };

static void test_a_line_that_is_too_long_is_skipped(void **state) {
    (void)state;
    check_long("x", 60 * MIB, " y\nafter\n", HW_FORMAT_TEXT,
               "! f:1: a line of more than 16 MiB\n2 [] after\n");
    check_long("x", 60 * MIB, "", HW_FORMAT_TEXT, "! f:1: a line of more than 16 MiB\n");
    check_long("x", 16 * MIB + 1, "\na\tb", HW_FORMAT_TSV,
               "! f:1: a line of more than 16 MiB\n2 [a] b\n");
}

static void test_a_long_first_line_is_recognised(void **state) {
    (void)state;
    char *bytes = repeat("x", 20 * MIB, "\nlast\n");
    check(hw_text_of(bytes), NULL, HW_FORMAT_TEXT,
          "! f:1: a line of more than 16 MiB\n2 [] last\n");
    free(bytes);
}

static void test_a_line_of_just_16_mib_is_read(void **state) {
    (void)state;
    char *bytes = repeat("x", 16 * MIB, "\n");
    hw_reader *reader = hw_reader_open_memory(bytes, strlen(bytes), "f", NULL, NULL);
    hw_record record;
    bool more;
    assert_int_equal(hw_reader_next(reader, &record, &more, NULL), HW_OK);
    assert_int_equal(record.text.length, 16 * MIB);
    hw_reader_close(reader);
    free(bytes);
}

static size_t count_records(const char *bytes, hw_format format, size_t *bad) {
    hw_reader *reader = hw_reader_open_memory(bytes, strlen(bytes), "f",
                                              &(hw_reader_options){ .format = format }, NULL);
    hw_record record;
    size_t good = 0;
    *bad = 0;
    for (bool more = true; more;) {
        const hw_status status = hw_reader_next(reader, &record, &more, NULL);
        *bad += status == HW_ERROR_FORMAT;
        good += status == HW_OK && more;
    }
    hw_reader_close(reader);
    return good;
}

/* Each kind of line opens a quote; giving the record up must not cost a reading of all
 * lines behind it. */
static void test_unclosed_quotes_cost_linear_time(void **state) {
    (void)state;
    static const char *const lines[] = { "x\",\",z\n", "\"\n", ",\"\"\"\n", "a,\"b\"\"\n",
                                         "a,b\n" };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; ++i) {
        char *bytes = repeat(lines[i], 300000, "");
        memcpy(bytes, "\"", 1); /* an opening quote in the header's place is a header still */
        char *data = repeat("text,label\na,\"open\n", 1, bytes + 1);
        const double start = seconds_now();
        size_t bad;
        count_records(data, HW_FORMAT_CSV, &bad);
        assert_true(seconds_now() - start < 2);
        free(data);
        free(bytes);
    }
}

static void test_an_unclosed_quote_loses_one_line(void **state) {
    (void)state;
    char *rows = repeat("some text,a\n", 3 * MIB, ""); /* 36 MiB: more than a record may have */
    char *data = repeat("text,label\nx,\"open\n", 1, rows);
    size_t bad;
    const double start = seconds_now();
    assert_int_equal(count_records(data, HW_FORMAT_CSV, &bad), 3 * MIB);
    assert_int_equal(bad, 1);
    assert_true(seconds_now() - start < 4);
    free(data);
    free(rows);
}

/* ---- Files --------------------------------------------------------------------------- */

static char folder[] = "/tmp/headwise-reader-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder);
}

static const char *path_of(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Reads the file, removes it, and compares; %s in expected is its path. */
static void check_file(const char *path, const char *expected) {
    hw_error err;
    hw_text_buffer out = { 0 }, wanted = { 0 };
    hw_text_append(&out, "", 0);
    hw_text_append(&wanted, "", 0);
    hw_reader *reader = hw_reader_open(path, NULL, &err);
    if (reader)
        print_all(&out, reader);
    else
        hw_text_printf(&out, "! %s\n", err.message);
    for (const char *at = expected; *at; ++at) {
        if (*at == '%')
            hw_text_printf(&wanted, "%s", path);
        else
            hw_text_append(&wanted, at, 1);
    }
    assert_string_equal(out.bytes, wanted.bytes);
    hw_reader_close(reader);
    hw_text_buffer_free(&out);
    hw_text_buffer_free(&wanted);
    unlink(path);
}

static size_t gzip(void *out, size_t capacity, const char *text) {
    z_stream zlib = { 0 };
    assert_int_equal(deflateInit2(&zlib, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    zlib.next_in = (Bytef *)(uintptr_t)text;
    zlib.avail_in = (uInt)strlen(text);
    zlib.next_out = out;
    zlib.avail_out = (uInt)capacity;
    assert_int_equal(deflate(&zlib, Z_FINISH), Z_STREAM_END);
    const size_t size = zlib.total_out;
    deflateEnd(&zlib);
    return size;
}

static size_t zstd(void *out, size_t capacity, const char *text) {
    const size_t size = ZSTD_compress(out, capacity, text, strlen(text), 3);
    assert_false(ZSTD_isError(size));
    return size;
}

static void test_compressed_files_are_recognised_by_content(void **state) {
    (void)state;
    char bytes[512];
    const char *path = path_of("data.tsv");
    write_file(path, bytes, gzip(bytes, sizeof bytes, "a\tx\nb\ty\n"));
    check_file(path, "1 [a] x\n2 [b] y\n");
    write_file(path, bytes, zstd(bytes, sizeof bytes, "a\tx\nb\ty\n"));
    check_file(path, "1 [a] x\n2 [b] y\n");
    write_file(path = path_of("plain.gz"), "a\tx\n", 4);
    check_file(path, "1 [a] x\n");
}

static void test_compressed_members_are_one_text(void **state) {
    (void)state;
    char bytes[512];
    const char *path = path_of("two");
    size_t size = gzip(bytes, sizeof bytes, "a\tx");
    size += gzip(bytes + size, sizeof bytes - size, "y\n");
    write_file(path, bytes, size);
    check_file(path, "1 [a] xy\n");
    size = zstd(bytes, sizeof bytes, "a\tx");
    size += zstd(bytes + size, sizeof bytes - size, "y\n");
    write_file(path, bytes, size);
    check_file(path, "1 [a] xy\n");
}

/* What is read from memory, a failure to open included. */
static void print_memory(hw_text_buffer *out, const void *bytes, size_t size) {
    hw_error err;
    hw_reader *reader = hw_reader_open_memory(bytes, size, "f", NULL, &err);
    if (reader)
        print_all(out, reader);
    else
        hw_text_printf(out, "! %s\n", err.message);
    hw_reader_close(reader);
}

static void test_truncated_gzip_fails_at_every_length(void **state) {
    (void)state;
    char bytes[512];
    const size_t size = gzip(bytes, sizeof bytes, "a\tx\nb\ty\nc\tz\n");
    for (size_t length = 2; length < size; ++length) {
        hw_text_buffer out = { 0 };
        print_memory(&out, bytes, length);
        assert_non_null(strstr(out.bytes, "! f: bad compressed data: it ends too early\n"));
        hw_text_buffer_free(&out);
    }
}

static void test_truncated_zstd_fails_at_every_length(void **state) {
    (void)state;
    char bytes[512];
    const size_t size = zstd(bytes, sizeof bytes, "a\tx\nb\ty\nc\tz\n");
    for (size_t length = 4; length < size; ++length) {
        hw_text_buffer out = { 0 };
        print_memory(&out, bytes, length);
        assert_non_null(strstr(out.bytes, "! f: bad compressed data: "));
        hw_text_buffer_free(&out);
    }
}

static void test_damaged_gzip_stays_failed(void **state) {
    (void)state;
    char *text = repeat("a\tx\n", 100000, ""); /* more than the reader's buffers hold */
    char bytes[4096];
    const size_t size = gzip(bytes, sizeof bytes, text);
    bytes[size - 6] ^= 1; /* the checksum */
    hw_reader *reader = hw_reader_open_memory(bytes, size, "f", NULL, NULL);
    assert_non_null(reader);
    hw_record record;
    bool more = true;
    hw_error first, second;
    hw_status status = HW_OK;
    while (status == HW_OK && more) status = hw_reader_next(reader, &record, &more, &first);
    assert_int_equal(status, HW_ERROR_IO);
    assert_string_equal(first.message, "f: bad compressed data: incorrect data check");
    assert_int_equal(hw_reader_next(reader, &record, &more, &second), HW_ERROR_IO);
    assert_string_equal(first.message, second.message);
    assert_false(more);
    hw_reader_close(reader);
    free(text);
}

static void test_unreadable_files_are_named(void **state) {
    (void)state;
    check_file(path_of("missing"), "! %: No such file or directory\n");
    check_file(folder, "! %: Is a directory\n");
    const char *path = path_of("empty");
    write_file(path, "", 0);
    check_file(path, "");
}

static void test_fifo_is_read(void **state) {
    (void)state;
    const char *path = path_of("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    const pid_t writer = fork();
    if (writer == 0) {
        const int fd = open(path, O_WRONLY);
        for (const char *at = "\xEF\xBB\xBF"
                              "a\tx\nb\ty\n";
             *at; ++at)
            if (write(fd, at, 1) != 1) _exit(1);
        _exit(0);
    }
    check_file(path, "1 [a] x\n2 [b] y\n");
    int status;
    assert_int_equal(waitpid(writer, &status, 0), writer);
    assert_int_equal(status, 0);
}

/* A program that writes a line and waits for what comes of it must not wait for ever. */
static void test_a_line_is_given_as_soon_as_it_is_there(void **state) {
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const int kept = dup(STDIN_FILENO);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    alarm(5); /* ends the test if it blocks */
    hw_record record;
    bool more;
    assert_int_equal(write(ends[1], "(\n", 2), 2);
    hw_reader *reader = hw_reader_open("-", NULL, NULL);
    assert_int_equal(hw_reader_next(reader, &record, &more, NULL), HW_OK);
    assert_true(more && record.text.length == 1);
    assert_int_equal(write(ends[1], "x\n", 2), 2);
    assert_int_equal(hw_reader_next(reader, &record, &more, NULL), HW_OK);
    assert_true(more && record.text.bytes[0] == 'x');
    close(ends[1]);
    assert_int_equal(hw_reader_next(reader, &record, &more, NULL), HW_OK);
    assert_false(more);
    alarm(0);
    hw_reader_close(reader);
    dup2(kept, STDIN_FILENO);
    close(kept);
    close(ends[0]);
}

/* ---- Faults --------------------------------------------------------------------------- */

static void fail_in_turn(hw_fault kind, hw_status expected, const char *path) {
    uint64_t at = 1;
    for (;; ++at) {
        hw_error err = { .status = HW_OK };
        hw_record record;
        hw_fault_arm(kind, at, true);
        hw_reader *reader = hw_reader_open(path, NULL, &err);
        for (bool more = reader != NULL; more && err.status == HW_OK;)
            hw_reader_next(reader, &record, &more, &err);
        hw_fault_arm(kind, 0, false);
        hw_reader_close(reader);
        if (err.status == HW_OK) break;
        assert_int_equal(err.status, expected);
    }
    assert_true(at > 2);
}

static void test_every_failing_call_is_reported(void **state) {
    (void)state;
    char bytes[512];
    const char *path = path_of("faults");
    static const char *const texts[] = { "label,text\na,\"x \"\"y\"\"\"\n", "a|b\tx\n",
                                         "__label__a x __label__b y\n",
                                         "{\"text\":\"x\",\"label\":1}\n" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
        write_file(path, bytes, gzip(bytes, sizeof bytes, texts[i]));
        fail_in_turn(HW_FAULT_MEMORY, HW_ERROR_MEMORY, path);
        write_file(path, texts[i], strlen(texts[i]));
        fail_in_turn(HW_FAULT_MEMORY, HW_ERROR_MEMORY, path);
        fail_in_turn(HW_FAULT_IO, HW_ERROR_IO, path);
    }
    unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fasttext_lines),
        cmocka_unit_test(test_other_label_prefix),
        cmocka_unit_test(test_tsv_without_header),
        cmocka_unit_test(test_tsv_with_header),
        cmocka_unit_test(test_csv),
        cmocka_unit_test(test_named_columns),
        cmocka_unit_test(test_header_without_labels_gives_texts),
        cmocka_unit_test(test_jsonl),
        cmocka_unit_test(test_bad_json_is_named),
        cmocka_unit_test(test_plain_text_gives_every_line),
        cmocka_unit_test(test_forced_format_is_obeyed),
        cmocka_unit_test(test_long_labels_are_refused),
        cmocka_unit_test(test_utf16_is_refused),
        cmocka_unit_test(test_a_line_that_is_too_long_is_skipped),
        cmocka_unit_test(test_a_long_first_line_is_recognised),
        cmocka_unit_test(test_a_line_of_just_16_mib_is_read),
        cmocka_unit_test(test_unclosed_quotes_cost_linear_time),
        cmocka_unit_test(test_an_unclosed_quote_loses_one_line),
        cmocka_unit_test(test_compressed_files_are_recognised_by_content),
        cmocka_unit_test(test_compressed_members_are_one_text),
        cmocka_unit_test(test_truncated_gzip_fails_at_every_length),
        cmocka_unit_test(test_truncated_zstd_fails_at_every_length),
        cmocka_unit_test(test_damaged_gzip_stays_failed),
        cmocka_unit_test(test_unreadable_files_are_named),
        cmocka_unit_test(test_fifo_is_read),
        cmocka_unit_test(test_a_line_is_given_as_soon_as_it_is_there),
        cmocka_unit_test(test_every_failing_call_is_reported),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
