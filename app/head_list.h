/* Heads on a command line: "0.3,1.2" is head 3 of layer 0 and head 2 of layer 1. */
#ifndef APP_HEAD_LIST_H
#define APP_HEAD_LIST_H

#include "headwise.h"

enum { HEADS_LIMIT = 4096 };

/* Returns how many there are; 0 if text is no such list. */
size_t head_list_read(hw_head_id heads[HEADS_LIMIT], const char *text);

#endif
