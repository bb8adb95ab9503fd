/* Whether a head has a role: what it looks at has to do with what tokens are or where they stand,
 * more than in copies of the texts whose tokens were shuffled while the weights stayed.
 * Invariant: all heads are held against the same shuffles of a text. */
#ifndef HW_EXPLAIN_HEAD_ROLES_H
#define HW_EXPLAIN_HEAD_ROLES_H

#include "explain/head_text.h"

enum { HW_SHUFFLES = 100, HW_COPIES = 1 + HW_SHUFFLES, HW_OFFSETS = 2 * HW_ROLE_REACH + 1 };

enum { HW_ROLE_WORDS = 4 /* fewest of a text for a correlation */ };

/* Sums over queries (correlations: over texts) of one copy. */
typedef struct hw_role_sums {
    double sink;             /* weight of the first token */
    double separator;        /* of separators */
    double same;             /* of other tokens that are the same word */
    double local;            /* of tokens at most 2 away */
    double rarest;           /* queries whose most regarded word is the rarest of the text */
    double rarity, evidence; /* Spearman's correlation with the weight that words receive */
    double semantic;         /* of weights between words and the likeness of these */
    double at[HW_OFFSETS];   /* queries whose most regarded token is that far away */
} hw_role_sums;

/* What they are divided by; the same in all copies. */
typedef struct hw_role_bases {
    double queries, rarest, rarity, evidence, semantic; /* how many there were */
    double separator, same; /* weight if all tokens were regarded alike */
    double at[HW_OFFSETS];
} hw_role_bases;

typedef struct hw_role_tally {
    hw_role_bases bases;
    hw_role_sums copies[HW_COPIES]; /* the first one: as it is */
} hw_role_tally;

static inline bool hw_role_is_tested(hw_head_role role) {
    return role != HW_ROLE_DEAD && role != HW_ROLE_BROAD && role != HW_ROLE_NONE;
}

/* The shuffles of a text, and what of it no head changes. */
typedef struct hw_role_texts hw_role_texts;

/* Reused from text to text. */
hw_role_texts *hw_role_texts_new(hw_error *err);
void hw_role_texts_free(hw_role_texts *texts); /* accepts NULL */
/* number: of the text, which chooses the shuffles. The text must outlive what is added of it. */
hw_status hw_role_texts_take(hw_role_texts *texts, const hw_head_text *text, uint64_t number,
                             hw_error *err);
/* What the tokens are to the heads that are added from now on: vectors [count][width], of which
 * the cosine says how like two of them are. NULL, and after hw_role_texts_take: not known. */
void hw_role_texts_embed(hw_role_texts *texts, const float *vectors, size_t width);
/* Adds a head's weights [count][count] of the text. */
void hw_role_tally_add(hw_role_tally *tally, hw_role_texts *texts, const float *weights);
void hw_role_tally_merge(hw_role_tally *tally, const hw_role_tally *more);

/* tests: [HW_HEAD_ROLES]. Score and p of the roles that have a test, by Student's t with
 * HW_SHUFFLES - 1 degrees of freedom for one more copy (Geisser 1993, section 2.2); *offset is what
 * HW_ROLE_POSITION is about. Other roles are left as they are. */
void hw_role_tally_judge(hw_role_test *tests, int32_t *offset, const hw_role_tally *tally);
/* Whether the score alone would do. */
bool hw_role_reaches(hw_head_role role, double score, double base);

#endif
