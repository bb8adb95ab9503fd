/* Head capsules: at each token, what a head of the last layer gathered (after its gate) is a
 * capsule, with the token's own state added as the residual connection of the head's subspace:
 *
 *   z = norm(x);  capsules = squash(dropout(heads + z P + p)), a head at a time
 *
 * They are routed to a capsule for each label (model/routing.h), whose length a is its
 * activation; the label's logit is the log-odds of a. A reconstruction of Jia and Wang (2020:
 * capsules over multi-head attention), with the squash and the shared transforms of Zhao et al.
 * (2018). Invariant: a text's logits depend on that text alone. */
#include "model/capsule.h"

#include "model/noise.h"
#include "model/projection.h"
#include "model/squash.h"

#include <string.h>

/* ---- Shape -------------------------------------------------------------------------------- */

static hw_routing routing_of(const hw_tower_config *config, const hw_tower_views *weights) {
    return (hw_routing){ .heads = (size_t)config->heads,
                         .head_dim = (size_t)config->head_dim,
                         .width = hw_all_heads_width(config),
                         .labels = (size_t)config->labels,
                         .dim = (size_t)config->capsule_dim,
                         .iterations = (size_t)config->routing,
                         .transform = weights->transform,
                         .bias = weights->transform_bias };
}

static hw_projection primary_of(const hw_tower_config *config, const hw_tower_views *weights) {
    return (hw_projection){ weights->primary, weights->primary_bias, (size_t)config->width,
                            hw_all_heads_width(config) };
}

static hw_routing_tape tape_of(const hw_capsule_tape *tape, const hw_routing *r, size_t text) {
    const size_t vectors = tape->keeps_texts ? text * r->iterations * r->labels : 0;
    return (hw_routing_tape){ .wanted = tape->routing.wanted + vectors * r->width,
                              .gathered = tape->routing.gathered + vectors * r->width,
                              .pose = tape->routing.pose + vectors * r->dim };
}

/* ---- Dropout: of the same elements at every token of a text; its own transpose -------------- */

/* primary: [tokens][heads * head_dim] */
static void drop_primary(float *primary, const hw_pass *pass) {
    const size_t width = hw_all_heads_width(pass->config);
    for (size_t text = 0; text < pass->batch.texts; text++)
        for (size_t token = pass->batch.offsets[text]; token < pass->batch.offsets[text + 1];
             token++)
            hw_noise_drop_pooled(primary + token * width, width, pass->noise, text);
}

/* ---- Forward and backward ------------------------------------------------------------------- */

static void make_capsules(const hw_pass *pass, const hw_capsule_tape *tape,
                          const hw_tower_views *weights) {
    const hw_kernels *kernels = pass->kernels;
    const hw_norm_tape *norm = &tape->norm;
    const size_t tokens = hw_pass_tokens(pass), width = hw_all_heads_width(pass->config);
    kernels->norm(norm->y, norm->mean, norm->rstd, norm->x, weights->norm_gain, weights->norm_bias,
                  HW_NORM_EPSILON, tokens, (size_t)pass->config->width);
    hw_projection_forward(tape->primary, norm->y, primary_of(pass->config, weights), tokens,
                          kernels);
    if (tape->heads) kernels->add(tape->primary, tape->heads, tokens * width);
    drop_primary(tape->primary, pass);
    hw_squash_forward(tape->capsules, tape->primary, tokens * (size_t)pass->config->heads,
                      (size_t)pass->config->head_dim, kernels);
}

void hw_capsule_forward(float *logits, const hw_pass *pass, const hw_capsule_tape *tape,
                        const hw_tower_views *weights) {
    const hw_routing r = routing_of(pass->config, weights);
    const size_t columns = (size_t)hw_tower_columns(pass->config->labels);
    make_capsules(pass, tape, weights);
    memset(logits, 0, pass->batch.texts * columns * sizeof *logits);
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const size_t begin = pass->batch.offsets[text], end = pass->batch.offsets[text + 1];
        const hw_routing_tape kept = tape_of(tape, &r, text);
        hw_routing_forward(&kept, &r, &pass->work->routing, tape->capsules + begin * r.width,
                           end - begin, pass->kernels);
        hw_squash_log_odds(logits + text * columns, hw_routing_poses(&kept, &r), r.labels, r.dim,
                           pass->kernels);
    }
}

/* work->d_capsules[tokens][heads * head_dim], the gradient of the capsules */
static void route_backward(const hw_tower_views *gradient, const hw_pass *pass,
                           const hw_capsule_tape *tape, const hw_tower_views *weights,
                           const float *d_logits) {
    const hw_routing r = routing_of(pass->config, weights);
    const hw_workspace *work = pass->work;
    const size_t columns = (size_t)hw_tower_columns(pass->config->labels);
    for (size_t text = 0; text < pass->batch.texts; text++) {
        const size_t begin = pass->batch.offsets[text], end = pass->batch.offsets[text + 1];
        const hw_routing_tape kept = tape_of(tape, &r, text);
        hw_squash_log_odds_backward(work->routing.d_pose, d_logits + text * columns,
                                    hw_routing_poses(&kept, &r), r.labels, r.dim, pass->kernels);
        hw_routing_backward(work->d_capsules + begin * r.width, gradient->transform,
                            gradient->transform_bias, &r, &kept, &work->routing,
                            tape->capsules + begin * r.width, end - begin, pass->kernels);
    }
}

void hw_capsule_backward(float *d_x, const hw_tower_views *gradient, const hw_pass *pass,
                         const hw_capsule_tape *tape, const hw_tower_views *weights,
                         const float *d_logits) {
    const hw_kernels *kernels = pass->kernels;
    const hw_workspace *work = pass->work;
    const hw_norm_tape *norm = &tape->norm;
    const size_t tokens = hw_pass_tokens(pass), width = (size_t)pass->config->width;
    const size_t heads = hw_all_heads_width(pass->config);
    route_backward(gradient, pass, tape, weights, d_logits);
    hw_squash_backward(work->d_capsules, work->d_capsules, tape->primary,
                       tokens * (size_t)pass->config->heads, (size_t)pass->config->head_dim,
                       kernels);
    drop_primary(work->d_capsules, pass);
    if (tape->d_heads) memcpy(tape->d_heads, work->d_capsules, tokens * heads * sizeof(float));
    hw_projection_backward(work->d_norm, gradient->primary, gradient->primary_bias, work->packed,
                           work->d_capsules, norm->y, primary_of(pass->config, weights), tokens,
                           kernels);
    memset(d_x, 0, tokens * width * sizeof *d_x);
    kernels->norm_backward(d_x, gradient->norm_gain, gradient->norm_bias, work->d_norm, norm->x,
                           norm->mean, norm->rstd, weights->norm_gain, tokens, width);
}
