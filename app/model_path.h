/* Names of model files, with fastText's habits: a model is named without its ending. */
#ifndef APP_MODEL_PATH_H
#define APP_MODEL_PATH_H

#include "headwise.h"

enum { MODEL_PATH = 4096 };

bool path_ends_with(const char *path, const char *end);

/* Where a model called name is written: name, or name.safetensors. False if it is too long. */
bool model_path_to_write(char path[MODEL_PATH], const char *name);

/* Opens name, name.safetensors, or for fastText's m.bin and m.ftz m.safetensors (and says
 * so). path, which may be NULL, receives what was opened. NULL on failure. */
hw_classifier *model_open(const char *name, char path[MODEL_PATH], hw_error *err);

#endif
