/* The scratch memory of one thread for a classifier with a pretrained encoder. Texts are cut into
 * windows, windows are run in batches as they come, and a text's logits are the mean over its
 * windows. Invariant: a text's logits are the same bits whatever else is in the call. */
#ifndef HW_CLASSIFY_ENCODER_SESSION_H
#define HW_CLASSIFY_ENCODER_SESSION_H

#include "classify/classifier.h"

typedef struct hw_encoder_session hw_encoder_session;

/* options may be NULL. The classifier must outlive the session. */
hw_encoder_session *hw_encoder_session_new(const hw_classifier *classifier,
                                           const hw_session_options *options, hw_error *err);
void hw_encoder_session_free(hw_encoder_session *session); /* accepts NULL */

/* probabilities, logits: [count][labels], each may be NULL. */
hw_status hw_encoder_session_run(hw_encoder_session *session, const hw_text *texts, size_t count,
                                 float *probabilities, float *logits, hw_error *err);
/* hw_session_windows and hw_tokenize. */
size_t hw_encoder_session_windows(const hw_encoder_session *session, size_t i);
hw_status hw_encoder_session_tokenize(hw_encoder_session *session, hw_text text, hw_token *tokens,
                                      size_t capacity, size_t *count, hw_error *err);

#endif
