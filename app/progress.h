/* How training is shown on standard error: a bar, plain lines, or JSON lines. */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include "options.h"

#include "headwise.h"

typedef enum progress_mode {
    PROGRESS_NONE,
    PROGRESS_LINES,
    PROGRESS_BAR,
    PROGRESS_JSON
} progress_mode;

typedef struct progress_view {
    progress_mode mode;
    bool is_unicode;      /* the terminal shows block characters */
    double started;       /* seconds */
    double paced_from;    /* seconds from which the pace counts; 0 before */
    double paced_overall; /* how much was done then */
    double last_time;     /* of the last report */
    double last_overall;
    double valid_score; /* the latest; NaN before the first */
    char stage[32];     /* of the last report */
    bool is_bar_drawn;
} progress_view;

/* Also sets SIGINT and SIGTERM to end training with the best model so far; a second one
 * ends the program at once. */
void progress_start(progress_view *view, const arguments *args);
/* Ends the bar's line. */
void progress_end(progress_view *view);
bool progress_was_interrupted(void);

/* An hw_progress_fn; user is the view. */
bool progress_report(void *user, const hw_progress *report);

#endif
