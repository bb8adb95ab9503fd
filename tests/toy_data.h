/* Small labelled files, and options to learn from them in milliseconds. For the tests of what
 * trains: each works in a folder of its own. */
#ifndef TOY_DATA_H
#define TOY_DATA_H

#include "headwise.h"

#include <stdio.h>

typedef struct toy_shape {
    int32_t rows;
    int32_t labels; /* "a", "b", ...; at most 26 */
    bool multi_label;
    uint64_t seed;
    bool noise; /* labels have nothing to do with the texts */
} toy_shape;

/* A new folder as working directory, and its removal with all files in it. As
 * cmocka's group setup and teardown. */
int toy_enter_folder(void **state);
int toy_leave_folder(void **state);

void toy_write(const char *path, toy_shape shape);
/* Lines as they are. */
void toy_write_text(const char *path, const char *text);

/* One thread, one tower of width 16 with 2 heads, one epoch of steps of 8, whole words. */
hw_train_options toy_options(const char *input);

/* hw_train that must succeed; free with hw_classifier_close. */
hw_classifier *toy_train(const hw_train_options *options);

/* Accuracy, or micro-F1 of several labels, on the file's texts without these heads. */
double toy_score_without(const hw_classifier *classifier, const char *path, const hw_head_id *heads,
                         size_t count);
/* The log-loss likewise. */
double toy_loss_without(const hw_classifier *classifier, const char *path, const hw_head_id *heads,
                        size_t count);

/* The file's bytes, 64-byte aligned; free with hw_free. */
unsigned char *toy_read(const char *path, size_t *size);

/* CRC-32C over what hw_classifier_save writes, and its size in the upper half. */
uint64_t toy_fingerprint(const hw_classifier *classifier);
uint64_t toy_train_fingerprint(const hw_train_options *options);

#endif
