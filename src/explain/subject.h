/* A text that is explained: its words, its tokens, and a label whose score can be asked for with
 * any of the words removed. A removed word is one that nobody knows: without n-grams, or an
 * encoder's mask token. Invariant: with nothing removed, score and probability are those of
 * hw_classify. */
#ifndef HW_EXPLAIN_SUBJECT_H
#define HW_EXPLAIN_SUBJECT_H

#include "classify/classifier.h"

#define HW_NO_WORD UINT32_MAX

typedef struct hw_subject {
    hw_session *session;
    const hw_classifier *classifier;
    hw_text text;
    size_t label;
    hw_attribution *words; /* [word_count], scores 0 */
    size_t word_count;
    hw_attribution *tokens; /* [token_count] those of hw_tokenize; NULL without an encoder */
    size_t token_count;
    uint32_t *word_of; /* [token_count] HW_NO_WORD of special ones */
    size_t before;     /* special tokens in front */
    uint32_t unknown;  /* what a removed token is replaced by */
    bool *removed_tokens;
    size_t removed_capacity;
    float *rows[3]; /* probabilities and logits of some removals */
} hw_subject;

/* label: a name, or NULL: the most probable one. *subject is zero before, and freed by
 * hw_subject_free also on failure. */
hw_status hw_subject_start(hw_subject *subject, hw_session *session, hw_text text,
                           const char *label, hw_error *err);
void hw_subject_free(hw_subject *subject);

/* What the classifier makes of the text, or of a part of it. */
typedef struct hw_outcome {
    double score, probability; /* of the label */
    size_t decision; /* the most probable label; multi-label: 1 if the label has its threshold */
} hw_outcome;

/* outcomes[count] without the words that removed[count][word_count] names. */
hw_status hw_subject_run(hw_outcome *outcomes, hw_subject *subject, const bool *removed,
                         size_t count, hw_error *err);
/* drops[word_count]: what the score, `score` of the whole text, loses without each of the words. */
hw_status hw_subject_leave_out(double *drops, hw_subject *subject, double score, hw_error *err);

/* False of n-grams alone. */
bool hw_subject_has_network(const hw_subject *subject);
/* How a logit of the towers or the encoder counts in the score. */
double hw_subject_weight(const hw_subject *subject);

#endif
