/* Which format a file is in, told from its first line that is not blank. */
#ifndef HW_TEXT_FORMAT_H
#define HW_TEXT_FORMAT_H

#include "text/fields.h"

/* What the reader's options and their defaults say to look for. */
typedef struct hw_naming {
    const char *text_names[2];  /* ended by NULL */
    const char *label_names[3]; /* ended by NULL */
    const char *prefix;
    bool text_is_given, label_is_given; /* by the options: then there must be a header */
} hw_naming;

/* *format is never HW_FORMAT_AUTO. Uses fields as scratch memory. */
hw_status hw_format_recognize(hw_format *format, hw_fields *fields, hw_text line,
                              const hw_naming *naming, hw_error *err);

/* Whether the first line of a TSV file is a header, and not a label and a text. */
bool hw_is_header(const hw_fields *fields, const hw_naming *naming);

#endif
