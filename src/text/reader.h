/* The reader of headwise.h, over memory. */
#ifndef HW_TEXT_READER_H
#define HW_TEXT_READER_H

#include "base/error.h"

/* The bytes are borrowed, and may be compressed; name is what messages call them. */
hw_reader *hw_reader_open_memory(const void *data, size_t size, const char *name,
                                 const hw_reader_options *options, hw_error *err);

#endif
