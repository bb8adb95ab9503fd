/* What the program says and where: results on standard output, everything else on standard
 * error, one line each. The exit codes. */
#ifndef APP_CONSOLE_H
#define APP_CONSOLE_H

#include "headwise.h"

#include <stdio.h>

enum exit_code { DONE = 0, FAILED = 1, USAGE = 2, INTERRUPTED = 130 };

/* Silences console_note. */
void console_quieten(void);

/* "headwise: ..." on standard error; they return FAILED and USAGE, to be returned. */
int console_error(const hw_error *err);
int console_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));
int console_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "headwise: note: ..." unless quiet. */
void console_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Flushes standard output. code, or FAILED and a message if something was not written; a
 * reader that has gone away (a closed pipe) is no failure. */
int console_finish(int code);
/* False once nothing more can be written to standard output. */
bool console_flush(void);

/* Columns that UTF-8 takes on a terminal. */
int text_columns(const char *text);
/* Prints text in at least that many columns (negative: to the left), with control
 * characters shown as "?", so that a label can never steer the terminal. */
void print_padded(FILE *file, const char *text, int columns);
/* Prints prefix and label with white space and control characters as "_": one word. */
void print_label(FILE *file, const char *prefix, const char *label);

#endif
