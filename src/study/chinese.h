/* The Chinese of what a study says in English. */
#ifndef HW_STUDY_CHINESE_H
#define HW_STUDY_CHINESE_H

#include <stdbool.h>
#include <stddef.h>

/* The numbers of the English are in the Chinese too. False, and nothing is written, of what has no
 * translation, such as a number alone. */
bool hw_chinese(char *chinese, size_t capacity, const char *english);

#endif
