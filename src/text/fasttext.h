/* fastText lines: words that start with the prefix are labels, wherever they stand; the
 * rest is the text. Invariant: the text keeps its bytes, less the labels and the blanks
 * behind each of them. */
#ifndef HW_TEXT_FASTTEXT_H
#define HW_TEXT_FASTTEXT_H

#include "text/draft.h"

hw_status hw_fasttext_parse(hw_draft *draft, hw_text line, const char *prefix, hw_error *err);

#endif
