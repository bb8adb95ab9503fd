/* Folders: telling one, and making one whole or not at all. */
#ifndef HW_BASE_FOLDER_H
#define HW_BASE_FOLDER_H

#include "base/file.h"
#include "base/json.h"

bool hw_is_folder(const char *path);

/* "folder/name", to be freed by hw_free; NULL if memory is short. */
char *hw_path_join(const char *folder, const char *name, hw_error *err);

/* A folder in the making: files are written into a temporary one beside it. Zero-initialise. */
typedef struct hw_new_folder {
    char *path, *temporary;
} hw_new_folder;

/* path must not be there yet, or be an empty folder. */
hw_status hw_folder_begin(hw_new_folder *folder, const char *path, hw_error *err);
/* Writes the file `name` into it. */
hw_status hw_folder_write(const hw_new_folder *folder, const char *name, const char *text,
                          hw_error *err);
/* The same with the text of a JSON value, for people to read. Takes the reference; NULL stands for
 * a value that memory was too short for. */
hw_status hw_folder_write_json(const hw_new_folder *folder, const char *name, json_t *value,
                               hw_error *err);
/* Gives the folder its name, by one rename. */
hw_status hw_folder_publish(hw_new_folder *folder, hw_error *err);
/* Removes the temporary folder and the files in it, unless it was published. */
void hw_folder_end(hw_new_folder *folder);

/* All of it: begins the folder, lets write fill it, publishes it if that went well, and ends it. */
typedef hw_status hw_folder_writer(const hw_new_folder *folder, const void *context, hw_error *err);
hw_status hw_folder_make(const char *path, hw_folder_writer *write, const void *context,
                         hw_error *err);

#endif
