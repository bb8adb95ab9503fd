/* How the library reports failure: a status, and one line of text with its place. */
#ifndef HW_BASE_ERROR_H
#define HW_BASE_ERROR_H

#include "headwise.h"

#if defined(__GNUC__)
#define HW_PRINTF(string, first) __attribute__((format(printf, string, first)))
#else
#define HW_PRINTF(string, first)
#endif

/* Fills err (which may be NULL) and returns status, so that a guard is one line:
 *     if (!x) return hw_fail(err, HW_ERROR_FORMAT, "%s: no tensor %s", path, name); */
hw_status hw_fail(hw_error *err, hw_status status, const char *format, ...) HW_PRINTF(3, 4);

/* hw_fail(HW_ERROR_MEMORY) with the size that was asked for. */
hw_status hw_fail_memory(hw_error *err, size_t bytes);

/* Passes a failure up. */
#define HW_TRY(expression)                                \
    do {                                                  \
        const hw_status hw_try_status = (expression);     \
        if (hw_try_status != HW_OK) return hw_try_status; \
    } while (0)

#endif
