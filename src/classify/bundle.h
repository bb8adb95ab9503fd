/* A bundle is what a model consists of before anybody knows what it means: named tensors
 * and metadata strings, mapped from files or built in memory by training. A
 * classifier is made from a bundle in one place (hw_classifier_from_bundle), so a model
 * that was just trained and one that was opened pass the same checks. */
#ifndef HW_CLASSIFY_BUNDLE_H
#define HW_CLASSIFY_BUNDLE_H

#include "tensor/safetensors.h"

typedef struct hw_bundle hw_bundle;

/* The metadata that a model has: "headwise", "labels", "training", and with an encoder "config" and
 * "format". */
enum { HW_BUNDLE_KEYS = 5 };
extern const char *const hw_bundle_keys[HW_BUNDLE_KEYS];

hw_bundle *hw_bundle_new(hw_error *err);                    /* empty, in memory */
hw_bundle *hw_bundle_open(const char *path, hw_error *err); /* mapped, strict checks */
/* For tests and fuzzers: bytes (64-byte aligned) that outlive the bundle. Not strict: wrong
 * checksums are still refused, missing ones are not. */
hw_bundle *hw_bundle_parse(const void *data, size_t size, bool strict, const char *name,
                           hw_error *err);
/* Takes a file, also on failure: the bundle has views of all its tensors, but not its metadata. A
 * name that the bundle has already is HW_ERROR_FORMAT; name is for messages. */
hw_status hw_bundle_attach(hw_bundle *bundle, hw_safetensors *file, const char *name,
                           hw_error *err);
/* A copy in memory of everything but the tensors named `without` (NULL: none). */
hw_bundle *hw_bundle_copy(const hw_bundle *bundle, const char *const *without, size_t count,
                          hw_error *err);
void hw_bundle_free(hw_bundle *bundle); /* accepts NULL */

/* Adds a zeroed tensor and returns its memory (64-byte aligned, owned by the bundle) to
 * fill in, or NULL. columns 0: a vector of `rows`. Only for names the bundle does not have yet. */
void *hw_bundle_add(hw_bundle *bundle, const char *name, hw_dtype dtype, size_t rows,
                    size_t columns, hw_error *err);
/* Sets one of hw_bundle_keys (copied), of a bundle that is no opened model file. */
hw_status hw_bundle_set(hw_bundle *bundle, const char *key, const char *value, hw_error *err);

/* What was read of the files need not stay in memory; it is read again when it is used again. */
void hw_bundle_release(const hw_bundle *bundle);

size_t hw_bundle_count(const hw_bundle *bundle);
const hw_tensor *hw_bundle_at(const hw_bundle *bundle, size_t i);
const hw_tensor *hw_bundle_find(const hw_bundle *bundle, const char *name);
const char *hw_bundle_metadata(const hw_bundle *bundle, const char *key); /* or NULL */
/* Of the files; of what is in memory, of its tensors. */
size_t hw_bundle_bytes(const hw_bundle *bundle);

hw_status hw_bundle_save(const hw_bundle *bundle, const char *path, hw_error *err);

#endif
