/* A classifier of towers alone as a folder that `transformers` loads with trust_remote_code: no
 * class of its own has such a tower, so the folder brings one (python/modeling_headwise.py). */
#ifndef HW_CLASSIFY_TOWER_FOLDER_H
#define HW_CLASSIFY_TOWER_FOLDER_H

#include "classify/classifier.h"

#include <jansson.h>

/* The text of python/modeling_headwise.py. */
extern const char hw_modeling_code[];

/* Everything is borrowed. */
typedef struct hw_tower_folder {
    const hw_classifier *classifier; /* of HW_ARCH_ATTENTION */
    const json_t *extra;             /* entries that config.json gets (id2label, ...) */
    bool fold_temperature;           /* the logits are divided by it */
    const char *headwise;            /* text of headwise.json */
    const char *card;                /* text of README.md */
} hw_tower_folder;

/* The folder must not be there yet, or be empty; it appears whole or not at all. */
hw_status hw_tower_folder_save(const char *path, const hw_tower_folder *folder, hw_error *err);

#endif
