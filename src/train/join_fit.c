/* Searches the tower's share on a grid by held-back log-loss, then walks it back while the
 * held-back score is below the bag's. */
#include "train/join_fit.h"

#include "base/memory.h"
#include "classify/calibration.h"
#include "classify/events.h"

#include <math.h>

enum { SHARES = 20, NEWTON_STEPS = 50 };

typedef struct affine {
    double scale, bias;
} affine;

typedef struct fitting {
    const float *bag, *tower;
    affine bag_fit, tower_fit;
    hw_targets targets;
    size_t labels;
    bool multi_label;
    float *z, *probabilities; /* [rows][labels] scratch */
    float *thresholds;
} fitting;

static size_t cells(const fitting *f) {
    return f->targets.rows * f->labels;
}

static double softplus(double x) {
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* Newton's method on the two parameters of sigmoid(scale * logit + bias). */
static affine platt(const float *logits, hw_targets targets, size_t labels) {
    affine fit = { 1, 0 };
    for (int step = 0; step < NEWTON_STEPS; step++) {
        double g_scale = 1e-6 * (fit.scale - 1), g_bias = 0; /* a weak pull to the identity */
        double h_ss = 1e-6, h_sb = 0, h_bb = 1e-6;
        for (size_t row = 0; row < targets.rows; row++)
            for (size_t label = 0; label < labels; label++) {
                const double x = (double)logits[row * labels + label];
                const double p = 1 / (1 + exp(-(fit.scale * x + fit.bias)));
                const double d = p - (hw_targets_have(targets, row, label) ? 1 : 0),
                             h = p * (1 - p);
                g_scale += d * x;
                g_bias += d;
                h_ss += h * x * x;
                h_sb += h * x;
                h_bb += h;
            }
        const double determinant = h_ss * h_bb - h_sb * h_sb;
        if (!(determinant > 1e-12)) break;
        const double d_scale = (h_bb * g_scale - h_sb * g_bias) / determinant;
        const double d_bias = (h_ss * g_bias - h_sb * g_scale) / determinant;
        const double largest = fmax(fabs(d_scale), fabs(d_bias));
        const double damp = largest > 1 ? 1 / largest : 1;
        fit.scale -= damp * d_scale;
        fit.bias -= damp * d_bias;
        if (largest < 1e-7) break;
    }
    if (!isfinite(fit.scale) || !isfinite(fit.bias) || fit.scale <= 0) fit = (affine){ 1, 0 };
    return fit;
}

static affine calibrate(const fitting *f, const float *logits) {
    if (!logits) return (affine){ 0, 0 };
    if (f->multi_label) return platt(logits, f->targets, f->labels);
    return (affine){ 1 / hw_temperature_fit(logits, f->targets, f->labels, false), 0 };
}

static hw_join join_of(const fitting *f, double share) {
    return (hw_join){ .bag = (1 - share) * f->bag_fit.scale,
                      .tower = share * f->tower_fit.scale,
                      .bias = (1 - share) * f->bag_fit.bias + share * f->tower_fit.bias };
}

static void mix(fitting *f, hw_join join) {
    for (size_t i = 0; i < cells(f); i++)
        f->z[i] = (float)((f->bag ? join.bag * (double)f->bag[i] : 0) +
                          (f->tower ? join.tower * (double)f->tower[i] : 0) + join.bias);
}

/* Mean log-loss of z / temperature. */
static double log_loss(const fitting *f, double temperature) {
    double loss = 0;
    for (size_t row = 0; row < f->targets.rows; row++) {
        const float *z = f->z + row * f->labels;
        if (f->multi_label) {
            for (size_t i = 0; i < f->labels; i++) {
                const double x = (double)z[i] / temperature;
                loss += softplus(hw_targets_have(f->targets, row, i) ? -x : x);
            }
            continue;
        }
        double largest = -INFINITY, sum = 0;
        for (size_t i = 0; i < f->labels; i++) largest = fmax(largest, (double)z[i]);
        for (size_t i = 0; i < f->labels; i++) sum += exp(((double)z[i] - largest) / temperature);
        const double gold = (double)z[f->targets.labels[f->targets.offsets[row]]];
        loss += log(sum) - (gold - largest) / temperature;
    }
    return loss / (double)f->targets.rows;
}

static double temperature_of_mix(const fitting *f) {
    return hw_temperature_fit(f->z, f->targets, f->labels, f->multi_label);
}

static void to_probabilities(fitting *f, double temperature) {
    for (size_t row = 0; row < f->targets.rows; row++) {
        const float *z = f->z + row * f->labels;
        float *p = f->probabilities + row * f->labels;
        double largest = -INFINITY, sum = 0;
        for (size_t i = 0; i < f->labels; i++) largest = fmax(largest, (double)z[i]);
        for (size_t i = 0; i < f->labels; i++) {
            const double x = (double)z[i];
            p[i] = (float)(f->multi_label ? 1 / (1 + exp(-x / temperature))
                                          : exp((x - largest) / temperature));
            sum += (double)p[i];
        }
        for (size_t i = 0; i < f->labels && !f->multi_label; i++)
            p[i] = (float)((double)p[i] / sum);
    }
}

/* The score of a share, with thresholds fitted to it. */
static hw_status score_of(fitting *f, double share, double *score, hw_join *join, hw_error *err) {
    *join = join_of(f, share);
    mix(f, *join);
    const double temperature = temperature_of_mix(f);
    to_probabilities(f, temperature);
    if (f->multi_label)
        HW_TRY(hw_thresholds_fit(f->thresholds, f->probabilities, f->targets, f->labels, err));
    *score = hw_metrics_score(f->probabilities, f->targets, f->labels,
                              f->multi_label ? f->thresholds : NULL);
    join->bag /= temperature;
    join->tower /= temperature;
    join->bias /= temperature;
    return HW_OK;
}

static double best_share(fitting *f) {
    double best = 0, least = INFINITY;
    for (int i = 0; i <= SHARES; i++) {
        const double share = (double)i / SHARES;
        mix(f, join_of(f, share));
        const double loss = log_loss(f, temperature_of_mix(f));
        if (loss < least) {
            least = loss;
            best = share;
        }
    }
    return best;
}

static hw_status fit(void *where, fitting *f, hw_error *err) {
    hw_join_result *result = where;
    if (!f->bag || !f->tower) {
        result->tower_share = f->bag ? 0 : 1;
        HW_TRY(score_of(f, result->tower_share, &result->score, &result->join, err));
        result->bag_score = f->bag ? result->score : NAN;
        return HW_OK;
    }
    hw_join join;
    HW_TRY(score_of(f, 0, &result->bag_score, &join, err));
    for (double share = best_share(f);; share -= 1.0 / SHARES) {
        if (share < 0.5 / SHARES) share = 0;
        HW_TRY(score_of(f, share, &result->score, &result->join, err));
        result->tower_share = share;
        if (share == 0 || result->score >= result->bag_score) return HW_OK;
    }
}

static hw_status with_scratch(hw_status work(void *result, fitting *f, hw_error *err), void *result,
                              fitting *f, hw_error *err) {
    f->z = hw_calloc(f->targets.rows, f->labels * sizeof *f->z);
    f->probabilities = hw_calloc(f->targets.rows, f->labels * sizeof *f->probabilities);
    hw_status status = HW_OK;
    if (f->z && f->probabilities) {
        f->bag_fit = calibrate(f, f->bag);
        f->tower_fit = calibrate(f, f->tower);
        status = work(result, f, err);
    } else {
        status = hw_fail_memory(err, cells(f) * sizeof *f->z);
    }
    hw_free(f->z);
    hw_free(f->probabilities);
    return status;
}

hw_status hw_join_fit(hw_join_result *result, float *thresholds, const float *bag,
                      const float *tower, hw_targets targets, size_t labels, bool multi_label,
                      hw_error *err) {
    for (size_t i = 0; i < labels; i++) thresholds[i] = 0.5f;
    fitting f = { .bag = bag,
                  .tower = tower,
                  .targets = targets,
                  .labels = labels,
                  .multi_label = multi_label,
                  .thresholds = thresholds };
    return with_scratch(fit, result, &f, err);
}

typedef struct measured {
    double loss, score;
} measured;

static hw_status measure(void *result, fitting *f, hw_error *err) {
    (void)err;
    measured *m = result;
    mix(f, join_of(f, 1));
    m->loss = log_loss(f, 1);
    to_probabilities(f, 1);
    m->score = hw_metrics_score(f->probabilities, f->targets, f->labels,
                                f->multi_label ? f->thresholds : NULL);
    return HW_OK;
}

hw_status hw_held_back_loss(double *loss, double *score, const float *logits, hw_targets targets,
                            size_t labels, bool multi_label, hw_error *err) {
    float *thresholds = hw_calloc(labels, sizeof *thresholds);
    if (!thresholds) return hw_fail_memory(err, labels * sizeof *thresholds);
    for (size_t i = 0; i < labels; i++) thresholds[i] = 0.5f;
    fitting f = { .tower = logits,
                  .targets = targets,
                  .labels = labels,
                  .multi_label = multi_label,
                  .thresholds = thresholds };
    measured m = { 0 };
    const hw_status status = with_scratch(measure, &m, &f, err);
    *loss = m.loss;
    *score = m.score;
    hw_free(thresholds);
    return status;
}
