/* A text as measures of attention see it: which tokens are the text's own, and what is known of
 * them. Invariant: queries are tokens of the text; keys are all tokens, special ones too. */
#ifndef HW_EXPLAIN_HEAD_TEXT_H
#define HW_EXPLAIN_HEAD_TEXT_H

#include "explain/subject.h"

/* A token of a text: equal keys are the same word or piece. */
typedef struct hw_head_token {
    uint64_t key;
    bool is_special; /* [CLS], [SEP] */
    bool separates;  /* a mark, or a special token that is not the first */
    double rarity;   /* -ln of the share of texts that have it */
    double evidence; /* how much it says of the text's label; both 0 of special ones */
} hw_head_token;

/* Reused; zero-initialise. */
typedef struct hw_head_text {
    hw_head_token *tokens; /* [count] */
    size_t count, capacity;
    uint32_t *query; /* [queries] places of the tokens that are not special, ascending */
    size_t queries, query_capacity;
    bool has_label; /* the tokens have evidence */
} hw_head_text;

/* The tokens of a subject, without rarity and evidence. */
hw_status hw_head_text_take(hw_head_text *text, const hw_subject *subject, hw_error *err);
/* Of those only [count] places, token_of[count] (attention_matrices.h). */
hw_status hw_head_text_select(hw_head_text *text, const uint32_t *token_of, size_t count,
                              hw_error *err);
void hw_head_text_free(hw_head_text *text);

#endif
