/* A batch of texts, from lines as they arrive or from the records of a data file. */
#ifndef APP_RECORDS_H
#define APP_RECORDS_H

#include "head_list.h"
#include "options.h"

#include "headwise.h"

#include "base/text_buffer.h"

typedef struct batch_row {
    size_t offset, length;      /* of batch.bytes */
    size_t first_label, labels; /* of batch.labels */
    size_t unknown_labels;      /* that the model does not have */
    size_t line;
    bool bad; /* the record could not be read; its text is empty */
} batch_row;

/* Reused; zero-initialise. */
typedef struct text_batch {
    batch_row *rows; /* [count] */
    size_t count, capacity;
    hw_text *texts; /* [count] */
    size_t texts_capacity;
    int32_t *labels; /* [label_count] indices of the model's labels */
    size_t label_count, label_capacity;
    hw_text_buffer bytes;
} text_batch;

void batch_clear(text_batch *batch);
void batch_free(text_batch *batch);
hw_text batch_text(const text_batch *batch, size_t row);
/* Adds a record without labels. */
hw_status batch_add(text_batch *batch, hw_text text, size_t line, hw_error *err);
/* Fills batch->texts once all records are in. */
hw_status batch_seal(text_batch *batch, hw_error *err);

/* Reads up to limit records; none are left if batch->count is 0 afterwards. A record that
 * cannot be read is marked bad and noted, up to ten times a *bad_records. */
hw_status batch_read(text_batch *batch, hw_reader *reader, const hw_classifier *classifier,
                     size_t limit, size_t *bad_records, hw_error *err);

/* Takes the words that begin with prefix out of a text, in place; returns its new length. */
size_t text_without_labels(char *text, size_t length, const char *prefix);
/* The same for all texts of a sealed batch. */
void batch_remove_labels(text_batch *batch, const char *prefix);

/* Texts in one batch of a model with that many labels. */
size_t batch_limit(int32_t labels);

/* The options that say how data is read. */
hw_reader_options reader_options(const arguments *args);
/* The options that say how an encoder reads a text, and the heads to do without, which are kept
 * in `heads`. */
hw_session_options session_options(hw_head_id heads[HEADS_LIMIT], const arguments *args);

#endif
