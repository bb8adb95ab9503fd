/* Names of model files, with fastText's habits: a model is named without its ending. A folder of
 * Hugging Face's is a model too. */
#ifndef APP_MODEL_PATH_H
#define APP_MODEL_PATH_H

#include "headwise.h"

enum { MODEL_PATH = 4096 };

bool path_is_folder(const char *path);
bool path_ends_with(const char *path, const char *end);

/* Where a model called name is written: name, or name.safetensors. False if it is too long. */
bool model_path_to_write(char path[MODEL_PATH], const char *name);

/* Where the model called name is: name itself, which may be a folder with a config.json,
 * name.safetensors, or for fastText's m.bin and m.ftz m.safetensors (and says so). */
hw_status model_find(char path[MODEL_PATH], const char *name, hw_error *err);
/* Opens it. path, which may be NULL, receives what was opened. NULL on failure. */
hw_classifier *model_open(const char *name, char path[MODEL_PATH], hw_error *err);
/* The same of a model that can classify; a pretrained encoder without labels is refused. */
hw_classifier *model_open_with_labels(const char *name, char path[MODEL_PATH], hw_error *err);

#endif
