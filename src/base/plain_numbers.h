/* Numbers with a decimal point, whatever the locale of the program that uses the library: for files
 * that other programs read. Invariant: between begin and end only the calling thread's numbers
 * differ, and after end nothing does. */
#ifndef HW_BASE_PLAIN_NUMBERS_H
#define HW_BASE_PLAIN_NUMBERS_H

#include "base/error.h"

#include <locale.h>

typedef struct hw_plain_numbers {
    locale_t plain, before;
} hw_plain_numbers;

/* Each begin that gave HW_OK is followed by one end, in the same thread. HW_ERROR_MEMORY is the
 * only failure. */
hw_status hw_plain_numbers_begin(hw_plain_numbers *numbers, hw_error *err);
void hw_plain_numbers_end(hw_plain_numbers *numbers);

#endif
