/* How much the loss of labelled texts moves with the heads (Michel et al. 2019, eq. 2): with a gate
 * xi_h, which is 1, on the output of head h,
 *
 *     I_h = mean over texts of |d loss / d xi_h|,
 *
 * then divided by the Euclidean norm of its layer's. The loss is -ln p of the label, multi-label
 * the sum over labels of that of the right answer. Invariant: the same bits for any number of
 * threads. */
#ifndef HW_EXPLAIN_IMPORTANCE_H
#define HW_EXPLAIN_IMPORTANCE_H

#include "classify/corpus.h"

/* importance: [layers][heads], 0 of heads that are not there or that the session switches off.
 * corpus: after hw_corpus_run with the session's heads switched off. normalize: false leaves the
 * division out. HW_ERROR_UNSUPPORTED of an int8 encoder, which has no gradients. */
hw_status hw_importance_measure(double *importance, hw_session *session, const hw_corpus *corpus,
                                int32_t threads, bool normalize, hw_error *err);

/* For the above: the gradient of a text's loss by the logits of its towers, or of its encoder, that
 * hw_session_run gives. d_logits: [labels] */
void hw_importance_loss(float *d_logits, const hw_classifier *classifier, const hw_corpus *corpus,
                        size_t row);
/* sums[layers][heads] += |slope| of each text of an encoder's corpus. */
hw_status hw_encoder_importance(double *sums, hw_session *session, const hw_corpus *corpus,
                                int32_t threads, hw_error *err);

#endif
