/* From attention matrices to one number a token. */
#ifndef HW_EXPLAIN_ATTENTION_SCORES_H
#define HW_EXPLAIN_ATTENTION_SCORES_H

#include "explain/attention_matrices.h"

/* Whether a method looks at attention, and what it needs of it. */
bool hw_is_attention_method(hw_explain_method method);
hw_attention_detail hw_attention_detail_of(hw_explain_method method);

/* scores: [tokens]. */
hw_status hw_attention_scores(double *scores, const hw_attention_matrices *matrices,
                              hw_explain_method method, hw_error *err);

#endif
