/* A labelled file as a classifier sees it: its true labels by the classifier's indices, and
 * what the classifier makes of its texts. Invariant: results do not depend on threads. */
#ifndef HW_CLASSIFY_CORPUS_H
#define HW_CLASSIFY_CORPUS_H

#include "classify/classifier.h"
#include "classify/metrics.h"
#include "text/dataset.h"

typedef struct hw_corpus {
    hw_dataset *dataset;
    uint32_t *offsets;    /* [count + 1] */
    uint32_t *labels;     /* of the model; from its label count up: those it does not have */
    hw_targets targets;   /* a view of the two */
    float *probabilities; /* [count][labels]; this and the rest by hw_corpus_run */
    float *bag, *tower;   /* likewise, logits; NULL of a branch that the classifier lacks */
} hw_corpus;

/* *corpus is zero before, and freed by hw_corpus_free also on failure. */
hw_status hw_corpus_load(hw_corpus *corpus, const hw_classifier *classifier, const char *path,
                         const hw_reader_options *options, hw_error *err);
hw_status hw_corpus_run(hw_corpus *corpus, const hw_classifier *classifier,
                        const hw_session_options *options, int32_t threads, hw_error *err);
/* Frees what hw_corpus_run made, so that it can run again. */
void hw_corpus_clear(hw_corpus *corpus);
void hw_corpus_free(hw_corpus *corpus);

#endif
