/* Messages and plain text on the two streams. Invariant: a message is one line and names the
 * program; nothing here writes to standard output but what was asked to be printed. */
#include "console.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

static bool quiet;

void console_quieten(void) {
    quiet = true;
}

static void say(const char *kind, const char *format, va_list values) {
    char line[1024];
    vsnprintf(line, sizeof line, format, values);
    fputs("headwise: ", stderr);
    fputs(kind, stderr);
    for (const char *c = line; *c; c++)
        fputc((unsigned char)*c < ' ' || *c == 127 ? '?' : *c, stderr);
    fputc('\n', stderr);
}

int console_failure(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say("", format, values);
    va_end(values);
    return FAILED;
}

int console_usage(const char *format, ...) {
    va_list values;
    va_start(values, format);
    say("", format, values);
    va_end(values);
    return USAGE;
}

void console_note(const char *format, ...) {
    if (quiet) return;
    va_list values;
    va_start(values, format);
    say("note: ", format, values);
    va_end(values);
}

int console_error(const hw_error *err) {
    return console_failure("%s", err->message);
}

bool console_flush(void) {
    return fflush(stdout) == 0 && !ferror(stdout);
}

/* A pipe that nobody reads any more. */
static bool has_no_reader(int fd) {
    struct pollfd state = { .fd = fd, .events = POLLOUT };
    return poll(&state, 1, 0) == 1 && (state.revents & POLLERR);
}

int console_finish(int code) {
    if (console_flush() || has_no_reader(STDOUT_FILENO)) return code;
    return console_failure("standard output could not be written (is the disk full?); the results "
                           "are not complete");
}

/* Decodes one code point of UTF-8 and moves on; a stray byte stands for itself. */
static uint32_t next_code_point(const char **text) {
    const unsigned char *byte = (const unsigned char *)*text;
    const int more = byte[0] >= 0xf0 ? 3 : byte[0] >= 0xe0 ? 2 : byte[0] >= 0xc0 ? 1 : 0;
    uint32_t point = more ? byte[0] & (0x3fu >> more) : byte[0];
    int read = 0;
    while (read < more && (byte[read + 1] & 0xc0) == 0x80)
        point = point << 6 | (byte[++read] & 0x3f);
    *text += read + 1;
    return point;
}

/* East Asian wide and full-width blocks (Unicode Standard Annex 11), and emoji. */
static int point_columns(uint32_t point) {
    static const struct {
        uint32_t first, last;
    } wide[] = { { 0x1100, 0x115f },   { 0x2e80, 0x303e },  { 0x3041, 0xa4cf },
                 { 0xac00, 0xd7a3 },   { 0xf900, 0xfaff },  { 0xfe30, 0xfe6f },
                 { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },  { 0x1f300, 0x1f64f },
                 { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };
    if (point >= 0x300 && point <= 0x36f) return 0; /* combining marks */
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (point >= wide[i].first && point <= wide[i].last) return 2;
    return 1;
}

int text_columns(const char *text) {
    int columns = 0;
    while (*text) columns += point_columns(next_code_point(&text));
    return columns;
}

static bool is_control(const char *text) {
    const unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    return first < ' ' || first == 127 || (first == 0xc2 && second >= 0x80 && second < 0xa0);
}

void print_padded(FILE *file, const char *text, int columns) {
    int padding = (columns < 0 ? -columns : columns) - text_columns(text);
    if (columns > 0)
        while (padding-- > 0) fputc(' ', file);
    for (const char *c = text; *c; c++) fputc(is_control(c) ? '?' : *c, file);
    while (padding-- > 0) fputc(' ', file);
}

void print_label(FILE *file, const char *prefix, const char *label) {
    fputs(prefix, file);
    for (const char *c = label; *c; c++) fputc(is_control(c) || *c == ' ' ? '_' : *c, file);
}
