/* Turns options into a plan for fine-tuning. Invariant: a plan depends on the options, the base and
 * the data alone (not on threads, time or the machine). */
#include "classify/token_windows.h"
#include "train/fine_tune.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_TOKENS = 1024, MAX_TOKENS = 128, SMALL = 20000 /* texts */ };

static hw_status refuse(hw_error *err, const char *name, const char *range) {
    return hw_fail(err, HW_ERROR_ARGUMENT, "%s must be %s", name, range);
}

/* Zero means "the default" everywhere, so only what was set is looked at. */
static hw_status check(const hw_train_options *o, hw_error *err) {
    if (!isfinite(o->weight_decay) || !isfinite(o->warmup) || !isfinite(o->layer_decay))
        return refuse(err, "every number", "finite");
    if (o->weight_decay > 10) return refuse(err, "weight_decay", "at most 10");
    if (o->warmup >= 1) return refuse(err, "warmup", "below 1");
    if (o->layer_decay < 0 || o->layer_decay > 1)
        return refuse(err, "layer_decay", "above 0 and at most 1");
    if (o->max_tokens < 0) return refuse(err, "max_tokens", "1 or more");
    if (o->few_shot && o->freeze)
        return hw_fail(err, HW_ERROR_ARGUMENT, "few_shot and freeze exclude each other");
    return HW_OK;
}

/* A number for which negative is none and 0 the default. */
static double or_default(double value, double otherwise) {
    return value > 0 ? value : value < 0 ? 0 : otherwise;
}

static hw_status read_freeze(hw_fine_tune_plan *plan, const char *freeze,
                             const hw_encoder_config *config, hw_error *err) {
    if (!freeze) return HW_OK;
    if (strcmp(freeze, "all") == 0) {
        plan->only_readout = true;
        return HW_OK;
    }
    if (strcmp(freeze, "embeddings") == 0) {
        plan->learning.lowest = 1;
        return HW_OK;
    }
    char *end;
    errno = 0;
    const long layers = strtol(freeze, &end, 10);
    if (errno || end == freeze || *end || layers < 1 || layers > config->layers)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "freeze is \"%.40s\", not \"embeddings\", \"all\" or a number of layers, 1 "
                       "to %d",
                       freeze, config->layers);
    if (config->shared_layers)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "freeze: the layers of this encoder share their weights");
    plan->learning.lowest = (int32_t)layers + 1;
    return HW_OK;
}

/* Texts are cut at so many tokens, special ones included. */
static size_t window(const hw_train_options *o, const hw_encoder_config *config) {
    const int32_t wanted = o->max_tokens ? o->max_tokens : MAX_TOKENS;
    return (size_t)(wanted < config->max_tokens ? wanted : config->max_tokens);
}

/* 5e-5 as for BERT (Devlin et al. 2019), more for encoders narrower than MiniLM-L6, up to 1e-3: one
 * of width 128, pretrained on short English texts, reached 0.58, 0.79 and 0.82 on a part of trec6's
 * training data at 5e-5, 5e-4 and 1e-3, and 0.34, 0.77 and 0.82 on hwu64's. */
static double usual_rate(const hw_encoder_config *config) {
    const double narrow = fmax(1, 384.0 / config->width);
    return fmin(1e-3, 5e-5 * narrow * narrow * narrow);
}

/* Where there are many epochs, each is a few steps, and the first of them warm up at hardly any
 * rate: three of those without progress say nothing. 8 texts of each label of trec6's training
 * data, 200 epochs: with 3 learning ended at once (0.20 on held-back texts). */
static int32_t usual_patience(int32_t epochs) {
    return epochs < 12 ? 3 : epochs / 4;
}

static void set_dropout(hw_encoder_trainer_options *learning, double dropout,
                        const hw_encoder_config *config) {
    const bool own = dropout == 0;
    const float asked = (float)or_default(dropout, 0);
    learning->hidden_dropout = own ? config->hidden_dropout : asked;
    learning->attention_dropout = own ? config->attention_dropout : asked;
    learning->readout_dropout = own ? config->readout_dropout : asked;
}

/* The trials of a readout cost little, so that small data is judged by several; all layers learn in
 * one, and what it learned is the result. */
static void choose_trials(hw_plan *plan, const hw_fine_tuning *f) {
    if (f->plan.few_shot && f->training.options->valid_split <= 0) plan->folds = 4;
    plan->trials = 1;
    if (f->plan.only_readout && !f->training.valid.dataset && f->training.data.count < SMALL)
        plan->trials = plan->folds < 5 ? plan->folds : 5;
}

hw_status hw_fine_tune_plan_make(hw_fine_tuning *f, hw_error *err) {
    const hw_train_options *o = f->training.options;
    const hw_encoder_config *config = &f->base.config;
    HW_TRY(check(o, err));
    f->plan = (hw_fine_tune_plan){
        .few_shot = o->few_shot,
        .pooling = o->few_shot ? HW_POOLING_MEAN : config->pooling,
        .max_tokens = window(o, config),
        .learning = { .epochs = o->epochs ? o->epochs : 3,
                      .batch = o->batch ? o->batch : 32,
                      .piece_tokens = PIECE_TOKENS,
                      .learning_rate = o->learning_rate > 0 ? o->learning_rate : usual_rate(config),
                      .warm_up = or_default(o->warmup, 0.1),
                      .weight_decay = or_default(o->weight_decay, 0.01),
                      .layer_decay = o->layer_decay > 0 ? o->layer_decay : 0.95,
                      .seed = o->seed },
    };
    f->plan.patience = usual_patience(f->plan.learning.epochs);
    set_dropout(&f->plan.learning, o->dropout, config);
    HW_TRY(read_freeze(&f->plan, o->freeze, config, err));
    choose_trials(&f->training.plan, f);
    const size_t special = hw_template_tokens(f->base.tokenizer);
    if (f->plan.max_tokens > special) return HW_OK;
    return hw_fail(err, HW_ERROR_ARGUMENT, "max_tokens is %zu, and %zu of them are special",
                   f->plan.max_tokens, special);
}
