/* What the operations of an encoder share while a block of texts passes through them.
 * Invariant: a tape keeps, from forward to backward, what one operation's gradient needs (when
 * there is no backward, all layers share one tape); the workspace keeps nothing from one operation
 * to the next. In shapes, `tokens` and `texts` are those of the block; `rows` are those that a
 * layer gives (first_tokens.h), its tokens mostly. */
#ifndef HW_ENCODER_PASS_H
#define HW_ENCODER_PASS_H

#include "encoder/weights.h"

#include <math.h>

/* y = x + f(u) and its norm, which reads x (pre-norm: u = norm(x), y = sum) or the sum (post-norm:
 * u = x, y = norm(sum)). What is the same is the same array. What attention reads is
 * [tokens][width], all else [rows][width]. */
typedef struct hw_residual_tape {
    float *x, *u, *sum, *y;
    float *mean, *rstd; /* [tokens] */
} hw_residual_tape;

typedef struct hw_layer_tape {
    hw_residual_tape attention, inner;
    float *qkv;            /* [tokens][3 * width]: q scaled, q and k turned */
    float *heads;          /* [rows][width]: softmax(scores) v */
    float *position_key;   /* [position_rows][width]: of relative positions ... */
    float *position_query; /* ... scaled like q (disentangled attention) */
    float *before, *after; /* the activation: [tokens][inner_width]; gated: before is twice that */
} hw_layer_tape;

typedef struct hw_embedding_tape {
    float *sum;         /* [tokens][embedding_width]: of the tables' rows */
    float *in, *out;    /* what the norm reads and writes: [tokens][columns of the norm] */
    float *mean, *rstd; /* [tokens] */
    float *relative;    /* [position_rows][width]: relative positions after their norm */
    float *relative_mean, *relative_rstd; /* [position_rows] */
} hw_embedding_tape;

/* rows: texts, or places of masked tokens. n: the dense layer's outputs. */
typedef struct hw_readout_tape {
    float *features;      /* [rows][width], dropped if config->drop_features */
    float *before;        /* [rows][n] */
    float *active, *norm; /* [rows][n]; the same array without a norm */
    float *mean, *rstd;   /* [rows] */
} hw_readout_tape;

/* Of one worker. longest: tokens of the longest text, rounded up to a multiple of 16; block: the
 * queries that are looked at together; relative: rows of relative positions, rounded up. */
enum { HW_QUERY_BLOCK = 64, HW_PANEL_GROUP = 4 };
typedef struct hw_head_work {
    float *keys, *values;     /* packed: [longest / 16][head_dim][16] */
    float *scores, *d_scores; /* [block][longest] */
    float *dropped;           /* [block][longest] */
    float *near, *d_near;     /* [2 * longest]: bias by j - i */
    float *packed_position;   /* [relative / 16][head_dim][16] */
    float *query_relative;    /* [block][relative]: q by position_key */
    float *key_relative;      /* [longest][relative]: k by position_query */
    float *d_query_relative, *d_key_relative;
    float *panels; /* HW_PANEL_GROUP panels of what is not packed */
} hw_head_work;

typedef struct hw_encoder_work {
    float *d_y, *d_sum, *d_u;  /* [tokens][width] */
    float *d_heads, *d_qkv;    /* [tokens][width], [tokens][3 * width] */
    float *d_after, *d_before; /* like after and before */
    float *d_position_key, *d_position_query;
    float *relative;                      /* [position_rows][width], dropped */
    float *d_relative, *d_relative_layer; /* [position_rows][width] */
    float *d_features, *d_dense, *d_norm; /* [rows][width], [rows][n], [rows][n] */
    float *norm_sums;                     /* [chunks][2 * width] */
    float *first[2];                      /* [texts][width]: of first tokens */
    hw_bf16_pair *pairs;                  /* [tokens][widest input / 2], or in its place: */
    int8_t *quantized;                    /* [tokens][widest input] */
    hw_int8_row *quantized_rows;          /* [tokens] */
    hw_head_work *worker;                 /* [threads] */
} hw_encoder_work;

struct hw_encoder_scratch {
    size_t max_texts, max_tokens, longest; /* of a block */
    size_t readout_rows;
    bool training;
    bool all_tokens;       /* what the last layer's tape has of them is read afterwards */
    const bool *heads_off; /* [layers][heads], or NULL */
    hw_pool *pool;
    const hw_attention_watch *watch, *forward_watch; /* or NULL */
    float *head_slopes;                              /* [texts][layers][heads], or NULL */
    float *block;                                    /* what all arrays point into */
    hw_embedding_tape embedding;
    hw_layer_tape layer[HW_ENCODER_LAYERS];
    float *final_mean, *final_rstd, *final; /* a pre-norm encoder's last norm: [tokens][width] */
    hw_readout_tape readout;
    float *turn[2];    /* [longest][head_dim]: cosines | sines, of global and of local layers */
    int32_t *relative; /* [2 * longest]: the row of relative position j - i + longest */
    hw_encoder_work work;
};

typedef struct hw_encoder_pass {
    const hw_encoder_config *config;
    const hw_encoder *encoder;
    const hw_kernels *kernels;
    hw_encoder_scratch *scratch;
    hw_encoder_batch batch;        /* of this block; offsets[0] need not be 0 */
    const hw_encoder_noise *noise; /* or NULL */
    bool packed;                   /* its weights are */
    bool first_only;               /* see first_tokens.h */
} hw_encoder_pass;

static inline size_t hw_begin_of(const hw_encoder_pass *pass, size_t text) {
    return pass->batch.offsets[text] - pass->batch.offsets[0];
}

static inline size_t hw_block_tokens(const hw_encoder_pass *pass) {
    return hw_begin_of(pass, pass->batch.texts);
}

/* Queries are divided by sqrt(head_dim), and by that of the number of terms that their scores are
 * the sum of (He et al. 2021, eq. 4). */
static inline float hw_query_scale(const hw_encoder_config *config) {
    const int terms = 1 + config->content_to_position + config->position_to_content;
    return 1.0f / sqrtf((float)(config->head_dim * terms));
}

/* What works row by row is shared by the pool in pieces of HW_ROWS rows. */
enum { HW_ROWS = 64 };
static inline size_t hw_row_pieces(size_t rows) {
    return (rows + HW_ROWS - 1) / HW_ROWS;
}

#endif
