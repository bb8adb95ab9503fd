/* Attention flow (Abnar and Zuidema 2020, section 3): of each token, the greatest flow from the
 * readout to it, where an edge of layer l from i to j carries at most (A_l[i][j] + [i = j]) / 2,
 * and one from the readout to i its row's i. */
#ifndef HW_EXPLAIN_ATTENTION_FLOW_H
#define HW_EXPLAIN_ATTENTION_FLOW_H

#include "explain/attention_matrices.h"

enum { HW_FLOW_TOKENS = 256 }; /* at most */

/* flow: [tokens]. */
hw_status hw_attention_flow(double *flow, const hw_attention_matrices *matrices, hw_error *err);

#endif
