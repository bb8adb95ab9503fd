/* Making a data set example by example: from a file (dataset.c), or from another data set. */
#ifndef HW_TEXT_DATASET_BUILDER_H
#define HW_TEXT_DATASET_BUILDER_H

#include "text/dataset.h"

typedef struct hw_dataset_builder {
    hw_dataset *dataset; /* of the one who began, to be freed by hw_dataset_free */
    const char *name;    /* for messages */
    size_t example_capacity, name_capacity, count_capacity;
    size_t index_count, index_capacity;
} hw_dataset_builder;

/* *builder need not be initialised. On failure there is no data set. */
hw_status hw_dataset_begin(hw_dataset_builder *builder, const char *name, hw_error *err);
/* Adds a copy of the record. After a failure the data set can only be freed. */
hw_status hw_dataset_add(hw_dataset_builder *builder, const hw_record *record, hw_error *err);

#endif
