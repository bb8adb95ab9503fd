/* What jansson leaves to its users: texts that may not be UTF-8, numbers that may not be
 * finite, and one object a line. */
#ifndef APP_JSON_TEXT_H
#define APP_JSON_TEXT_H

#include "headwise.h"

#include <jansson.h>

/* Makes jansson allocate by base/memory.h; call it first. */
void json_start(void);

/* A string with every invalid byte as U+FFFD. */
json_t *json_text(hw_text text);
/* null if number is not finite. */
json_t *json_number(double number);
/* Prints on standard output and gives the object back; fails if any allocation of jansson's
 * has failed so far, because then something may be missing from it. */
hw_status json_print_line(json_t *object, hw_error *err);

#endif
