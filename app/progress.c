/* Reports of training. Invariant: the bar is one line of the terminal that is drawn over; a
 * note or an error starts on a fresh line; without a terminal no control character is sent
 * and there are at most a few dozen lines however long it takes. */
#include "progress.h"

#include "console.h"
#include "json_text.h"

#include "base/text_buffer.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double bar_interval = 0.1, line_interval = 2; /* seconds */
static const double settling = 1;      /* seconds, in which what was done before passes by */
static const double line_share = 0.05; /* of the whole, between two plain lines */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

bool progress_was_interrupted(void) {
    return interrupted;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool has_unicode(void) {
    static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value && *value) return strstr(value, "UTF-8") || strstr(value, "utf8");
    }
    return false;
}

static progress_mode choose_mode(const arguments *args) {
    const char *name = text_option(args, OPTION_PROGRESS, "auto"), *term = getenv("TERM");
    if (is_given(args, OPTION_QUIET)) return PROGRESS_NONE;
    if (strcmp(name, "json") == 0) return PROGRESS_JSON;
    if (strcmp(name, "bar") == 0) return PROGRESS_BAR;
    if (strcmp(name, "none") == 0 || whole_option(args, OPTION_VERBOSE, 2) < 2)
        return PROGRESS_NONE;
    const bool can_draw = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    return can_draw ? PROGRESS_BAR : PROGRESS_LINES;
}

void progress_start(progress_view *view, const arguments *args) {
    *view = (progress_view){ .mode = choose_mode(args),
                             .is_unicode = has_unicode(),
                             .started = now(),
                             .valid_score = (double)NAN };
    const struct sigaction action = { .sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND };
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void progress_end(progress_view *view) {
    if (view->is_bar_drawn) fputc('\n', stderr);
    view->is_bar_drawn = false;
}

static int terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
    return size.ws_col;
}

/* Seconds left at the pace since work settled; NaN if it is not known yet. */
static double seconds_left(const progress_view *view, double overall) {
    enum { SMALLEST_PERCENT = 1 };
    if (view->paced_from == 0) return (double)NAN;
    const double done = overall - view->paced_overall;
    if (done < SMALLEST_PERCENT / 100.0 || overall >= 1) return (double)NAN;
    return (now() - view->paced_from) * (1 - overall) / done;
}

/* "  1049 texts/s  loss 0.287  valid 0.8061  ETA 0:37" without what is not known. */
static void describe(hw_text_buffer *text, const progress_view *view, const hw_progress *report) {
    if (isfinite(report->texts_per_second) && report->texts_per_second > 0)
        hw_text_printf(text, "  %.0f texts/s", report->texts_per_second);
    if (isfinite(report->loss)) hw_text_printf(text, "  loss %.3f", report->loss);
    if (isfinite(view->valid_score)) hw_text_printf(text, "  valid %.4f", view->valid_score);
    const double left = seconds_left(view, report->overall);
    if (isfinite(left))
        hw_text_printf(text, "  ETA %.0f:%02.0f", floor(left / 60), floor(fmod(left, 60)));
}

static void draw_blocks(int columns, double share, bool is_unicode) {
    static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
    const int filled = (int)(share * columns * 8);
    for (int i = 0; i < columns; i++) {
        const int part = filled - i * 8 > 8 ? 8 : filled - i * 8 < 0 ? 0 : filled - i * 8;
        if (is_unicode)
            fputs(eighths[part], stderr);
        else
            fputc(part == 8 ? '#' : '.', stderr);
    }
}

static void draw_bar(progress_view *view, const hw_progress *report) {
    hw_text_buffer text = { 0 };
    describe(&text, view, report);
    const int columns = terminal_columns() - 1 - (int)strlen("towers again  100%");
    const int left = columns - (int)text.length - 1;
    fprintf(stderr, "\r%-12.12s ", report->stage);
    draw_blocks(left > 30 ? 30 : left < 0 ? 0 : left, report->overall, view->is_unicode);
    fprintf(stderr, " %3.0f%%%.*s\x1b[K", floor(report->overall * 100), columns,
            text.length ? text.bytes : "");
    fflush(stderr);
    view->is_bar_drawn = true;
    hw_text_buffer_free(&text);
}

static void print_line(const progress_view *view, const hw_progress *report) {
    hw_text_buffer text = { 0 };
    describe(&text, view, report);
    fprintf(stderr, "%-12s %3.0f%%%s\n", report->stage, floor(report->overall * 100),
            text.length ? text.bytes : "");
    hw_text_buffer_free(&text);
}

static void print_json(const hw_progress *report, const char *event) {
    json_t *object =
        json_pack("{s:s, s:s, s:s*, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "event", event, "stage",
                  report->stage, "note", report->note, "done", (json_int_t)report->done, "total",
                  (json_int_t)report->total, "overall", json_number(report->overall), "loss",
                  json_number(report->loss), "learning_rate", json_number(report->learning_rate),
                  "texts_per_second", json_number(report->texts_per_second), "valid_score",
                  json_number(report->valid_score));
    if (!object) return;
    json_dumpf(object, stderr, JSON_COMPACT | JSON_REAL_PRECISION(9));
    fputc('\n', stderr);
    json_decref(object);
}

static bool has_new_score(const progress_view *view, const hw_progress *report) {
    return isfinite(report->valid_score) && report->valid_score != view->valid_score;
}

static bool is_due(const progress_view *view, const hw_progress *report, bool is_new_stage) {
    const double since = now() - view->last_time;
    const bool is_end = report->overall >= 1 && view->last_overall < 1;
    if (is_new_stage || is_end) return true;
    if (view->mode == PROGRESS_BAR) return since >= bar_interval;
    if (view->mode == PROGRESS_JSON && has_new_score(view, report)) return true;
    return since >= line_interval && report->overall >= view->last_overall + line_share;
}

static void show_note(progress_view *view, const hw_progress *report) {
    if (view->mode == PROGRESS_JSON) {
        print_json(report, "note");
        return;
    }
    if (view->is_bar_drawn) fputs("\r\x1b[K", stderr);
    view->is_bar_drawn = false;
    console_note("%s", report->note);
}

/* Every report counts, not only those that are shown. */
static void follow_pace(progress_view *view, double overall) {
    if (view->paced_from > 0 || now() - view->started < settling) return;
    view->paced_from = now();
    view->paced_overall = overall;
}

static void show_progress(progress_view *view, const hw_progress *report) {
    follow_pace(view, report->overall);
    const bool is_new_stage = strcmp(view->stage, report->stage) != 0;
    if (view->mode == PROGRESS_NONE || !is_due(view, report, is_new_stage)) return;
    const bool is_score = has_new_score(view, report);
    if (isfinite(report->valid_score)) view->valid_score = report->valid_score;
    if (view->mode == PROGRESS_JSON)
        print_json(report, is_score ? "eval" : "log");
    else if (view->mode == PROGRESS_BAR)
        draw_bar(view, report);
    else
        print_line(view, report);
    snprintf(view->stage, sizeof view->stage, "%s", report->stage);
    view->last_time = now();
    view->last_overall = report->overall;
}

bool progress_report(void *user, const hw_progress *report) {
    progress_view *view = user;
    if (report->note)
        show_note(view, report);
    else
        show_progress(view, report);
    return !interrupted;
}
