/* What test_heads and test_head_alignment share: the golden file of make_heads_golden.py. */
#ifndef HEADS_GOLDEN_H
#define HEADS_GOLDEN_H

#include <jansson.h>

extern json_t *heads_golden; /* between open and close */

/* Setup and teardown of a group; they also enter and leave a folder of the test's own. */
int heads_golden_open(void **state);
int heads_golden_close(void **state);
/* Fails the test if they are not. */
void heads_assert_near(double value, double expected, double most);

#endif
