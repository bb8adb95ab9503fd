/* With r the readout's row, A_l the mean over the heads of layer l, and L the last layer:
 *
 *   attention       r A_L
 *   rollout         r (A_L + I)/2 ... (A_1 + I)/2                     Abnar and Zuidema 2020
 *   flow            the greatest flow through the same matrices        likewise
 *   norm            sum over i of r_i |sum over heads h of A_L^h[i][j] v_j^h W_output^h|
 *                                                                      Kobayashi et al. 2020, eq. 5
 *   grad-attention  r (E_L + I) ... (E_1 + I), E_l the mean of (A^h * gradient)+
 *                                                                      Chefer et al. 2021, eqs. 5,
 * 6
 *
 * Without a layer all of them are r. */
#include "explain/attention_scores.h"

#include "base/memory.h"
#include "explain/attention_flow.h"

#include <math.h>
#include <string.h>

bool hw_is_attention_method(hw_explain_method method) {
    return method >= HW_EXPLAIN_ATTENTION && method <= HW_EXPLAIN_GRAD_ATTENTION;
}

hw_attention_detail hw_attention_detail_of(hw_explain_method method) {
    return method == HW_EXPLAIN_NORM ? HW_ATTENTION_LAST : HW_ATTENTION_MEANS;
}

/* row = keep * row + move * row matrix; next[tokens] is scratch. */
static void advance(double *row, double *next, const float *matrix, size_t tokens, double keep,
                    double move) {
    for (size_t j = 0; j < tokens; j++) next[j] = keep * row[j];
    for (size_t i = 0; i < tokens; i++)
        for (size_t j = 0; j < tokens; j++)
            next[j] += move * row[i] * (double)matrix[i * tokens + j];
    memcpy(row, next, tokens * sizeof *row);
}

static void roll_out(double *row, double *next, const hw_attention_matrices *m,
                     const float *matrices, double keep, double move) {
    for (size_t layer = m->layers; layer-- > 0;)
        advance(row, next, matrices + layer * m->tokens * m->tokens, m->tokens, keep, move);
}

/* |sum over heads of A[query][key] output[key]|; sum[width] is scratch. */
static double norm_of(double *sum, const hw_attention_matrices *m, size_t query, size_t key) {
    memset(sum, 0, m->width * sizeof *sum);
    for (size_t head = 0; head < m->heads; head++) {
        const double weight = (double)m->kept[(head * m->tokens + query) * m->tokens + key];
        const float *output = m->outputs + (head * m->tokens + key) * m->width;
        for (size_t c = 0; c < m->width; c++) sum[c] += weight * (double)output[c];
    }
    double squares = 0;
    for (size_t c = 0; c < m->width; c++) squares += sum[c] * sum[c];
    return sqrt(squares);
}

static hw_status weigh_norms(double *scores, const hw_attention_matrices *m, hw_error *err) {
    double *sum = hw_calloc(m->width, sizeof *sum);
    if (!sum) return hw_fail_memory(err, m->width * sizeof *sum);
    for (size_t key = 0; key < m->tokens; key++) {
        scores[key] = 0;
        for (size_t query = 0; query < m->tokens; query++)
            if (m->row[query] != 0)
                scores[key] += (double)m->row[query] * norm_of(sum, m, query, key);
    }
    hw_free(sum);
    return HW_OK;
}

static hw_status follow(double *scores, const hw_attention_matrices *m, hw_explain_method method,
                        hw_error *err) {
    const size_t square = m->tokens * m->tokens;
    double *next = hw_calloc(m->tokens, sizeof *next);
    if (!next) return hw_fail_memory(err, m->tokens * sizeof *next);
    if (method == HW_EXPLAIN_ATTENTION)
        advance(scores, next, m->mean + (m->layers - 1) * square, m->tokens, 0, 1);
    else if (method == HW_EXPLAIN_ROLLOUT)
        roll_out(scores, next, m, m->mean, 0.5, 0.5);
    else
        roll_out(scores, next, m, m->relevance, 1, 1);
    hw_free(next);
    return HW_OK;
}

hw_status hw_attention_scores(double *scores, const hw_attention_matrices *m,
                              hw_explain_method method, hw_error *err) {
    for (size_t i = 0; i < m->tokens; i++) scores[i] = (double)m->row[i];
    if (m->layers == 0) return HW_OK;
    if (method == HW_EXPLAIN_FLOW) return hw_attention_flow(scores, m, err);
    if (method == HW_EXPLAIN_NORM) return weigh_norms(scores, m, err);
    return follow(scores, m, method, err);
}
