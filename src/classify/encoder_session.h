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
/* The same for one text, `count` times, the row-th time with the token `instead` in place of those
 * that removed[count][tokens] names; tokens are those of hw_encoder_session_encode. */
hw_status hw_encoder_session_run_without(hw_encoder_session *session, hw_text text,
                                         const bool *removed, uint32_t instead, size_t count,
                                         float *probabilities, float *logits, hw_error *err);
/* The tokens of a text without special ones, until the next call. */
hw_status hw_encoder_session_encode(hw_encoder_session *session, const hw_tokens **tokens,
                                    hw_text text, hw_error *err);
/* How many windows of a text of so many tokens are read, and the tokens of one of them. */
size_t hw_encoder_session_windows_read(const hw_encoder_session *session, size_t tokens);
void hw_encoder_session_window(size_t *begin, size_t *end, const hw_encoder_session *session,
                               size_t tokens, size_t window);
/* [layers][heads] of the encoder that are switched off, or NULL. */
const bool *hw_encoder_session_heads_off(const hw_encoder_session *session);
/* The encoder of a session, or NULL. */
hw_encoder_session *hw_session_encoder(hw_session *session);
/* hw_session_windows and hw_tokenize. */
size_t hw_encoder_session_windows(const hw_encoder_session *session, size_t i);
hw_status hw_encoder_session_tokenize(hw_encoder_session *session, hw_text text, hw_token *tokens,
                                      size_t capacity, size_t *count, hw_error *err);

#endif
