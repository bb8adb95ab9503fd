/* Turns options and the size of the data into a plan. Invariant: a plan depends on nothing
 * else (not on threads, time or the machine). */
#include "train/training.h"

#include <math.h>

enum {
    LARGEST_TABLE = 1 << 27 /* floats */,
    STEPS_WANTED = 2000,
    LEAST_EPOCHS = 12,
    MOST_EPOCHS = 40,
    MOST_CELLS = 2000000,    /* held-back rows x labels of all trials */
    MANY_TARGETS = 20000000, /* rows x labels from which an epoch is long */
    MANY_ROWS = 40000,       /* from which towers learn once, */
    STEPS_OF_MANY = 4800     /* for about so many steps */
};

static hw_status refuse(hw_error *err, const char *name, const char *range) {
    return hw_fail(err, HW_ERROR_ARGUMENT, "%s must be %s", name, range);
}

static bool is_weight(double penalty) {
    return penalty >= 0 && penalty <= 1000;
}

/* Zero means "the default" everywhere, so only what was set is looked at. */
static hw_status check(const hw_train_options *o, hw_error *err) {
    const bool finite = isfinite(o->valid_split) && isfinite(o->learning_rate) &&
                        isfinite(o->dropout) && isfinite(o->regularization) &&
                        isfinite(o->drop_head);
    if (!finite) return refuse(err, "every number", "finite");
    if (o->valid_split < 0 || o->valid_split > 0.5)
        return refuse(err, "valid_split", "above 0 and at most 0.5");
    if (o->heads < 0 || o->heads > HW_TOWER_HEADS) return refuse(err, "heads", "1 to 256");
    if (o->head_dim < 0 || o->head_dim > 1024) return refuse(err, "head_dim", "1 to 1024");
    if (o->layers > HW_TOWER_LAYERS) return refuse(err, "layers", "1 to 64");
    if (o->width < 0 || o->width > 4096 || o->width % 16)
        return refuse(err, "dim", "a multiple of 16, 16 to 4096");
    if (o->inner_width > 16384 || (o->inner_width > 0 && o->inner_width % 16))
        return refuse(err, "inner_width", "a multiple of 16, 16 to 16384");
    if (o->window < 0 || o->window > 65536) return refuse(err, "window", "1 to 65536");
    if (o->towers < 0 || o->towers > HW_TOWERS_LIMIT) return refuse(err, "towers", "1 to 16");
    if (o->capsule_dim < 0 || o->capsule_dim > 64) return refuse(err, "capsule_dim", "1 to 64");
    if (o->routing < 0 || o->routing > 16) return refuse(err, "routing", "1 to 16");
    if (o->epochs < 0 || o->epochs > 10000) return refuse(err, "epoch", "1 to 10000");
    if (o->patience < 0) return refuse(err, "patience", "1 or more");
    if (o->batch < 0 || o->batch > 4096) return refuse(err, "batch", "1 to 4096");
    if (o->learning_rate < 0 || o->learning_rate > 1)
        return refuse(err, "lr", "above 0 and at most 1");
    if (o->dropout >= 1) return refuse(err, "dropout", "below 1");
    if (o->regularization < 0 || o->regularization > 1e6)
        return refuse(err, "regularization", "above 0 and at most 1e6");
    if (o->word_ngrams < 0 || o->word_ngrams > HW_NGRAM_LIMIT)
        return refuse(err, "wordNgrams", "1 to 16");
    if (o->char_max > HW_NGRAM_LIMIT || (o->char_max > 0 && o->char_min > o->char_max))
        return refuse(err, "minn and maxn", "1 <= minn <= maxn <= 16");
    if ((int)o->attention < 0 || o->attention > HW_ATTENTION_COLLABORATIVE)
        return refuse(err, "attention", "one of hw_attention");
    if ((int)o->head_gates < 0 || o->head_gates > HW_HEAD_GATES_INPUT)
        return refuse(err, "head_gates", "one of hw_head_gates");
    if (o->drop_head >= 1) return refuse(err, "drop_head", "below 1");
    if (!is_weight(fabs(o->gate_penalty)) || !is_weight(o->disagreement) ||
        !is_weight(o->orthogonality))
        return refuse(err, "gate_penalty, disagreement and orthogonality", "0 to 1000");
    if (o->shared_dim < 0 || o->shared_dim > 16384) return refuse(err, "shared_dim", "1 to 16384");
    if (o->min_count < 0 || o->min_count_label < 0)
        return refuse(err, "minCount and minCountLabel", "1 or more");
    return HW_OK;
}

static hw_ngram_options ngram_options(const hw_train_options *o) {
    hw_ngram_options ngrams = { .word_max = o->word_ngrams ? o->word_ngrams : 2,
                                .cjk_max = o->word_ngrams ? o->word_ngrams : 3,
                                .char_min = o->char_min > 0 ? o->char_min : 2,
                                .char_max = o->char_max > 0 ? o->char_max : 5 };
    if (o->char_min < 0 || o->char_max < 0) ngrams.char_min = ngrams.char_max = 0;
    if (ngrams.char_max && ngrams.char_min > ngrams.char_max) ngrams.char_min = ngrams.char_max;
    return ngrams;
}

/* Collaborative heads do with a quarter of the queries (Cordonnier et al. 2020, section 6). */
static int32_t shared_dim(const hw_train_options *o, int32_t all_heads) {
    if (o->attention != HW_ATTENTION_COLLABORATIVE) return 0;
    return o->shared_dim ? o->shared_dim : all_heads < 4 ? 1 : all_heads / 4;
}

static hw_tower_config tower_config(const hw_train_options *o) {
    const int32_t width = o->width ? o->width : 32, heads = o->heads ? o->heads : 4;
    const int32_t layers = o->layers > 0 ? o->layers : o->layers == 0;
    const int32_t head_dim = o->head_dim ? o->head_dim : width / heads > 0 ? width / heads : 1;
    const int32_t usual_inner = layers > 1 ? 2 * width : 0;
    const bool capsules = o->arch == HW_ARCH_CAPSULE;
    return (hw_tower_config){ .width = width,
                              .layers = layers,
                              .heads = heads,
                              .head_dim = head_dim,
                              .inner_width = o->inner_width > 0   ? o->inner_width
                                             : o->inner_width < 0 ? 0
                                                                  : usual_inner,
                              .distance = 8,
                              .queries = capsules ? 0 : 4,
                              .window = o->window ? o->window : 128,
                              .capsule_dim = !capsules        ? 0
                                             : o->capsule_dim ? o->capsule_dim
                                                              : 16,
                              .routing = !capsules    ? 0
                                         : o->routing ? o->routing
                                                      : 3,
                              .attention = o->attention,
                              .shared_dim = shared_dim(o, heads * head_dim),
                              .head_gates = o->head_gates };
}

static hw_tower_penalties penalties(const hw_train_options *o) {
    const bool of_values = o->disagreement_of == HW_DISAGREEMENT_VALUES;
    const double open = o->gate_penalty > 0 ? o->gate_penalty : o->gate_penalty < 0 ? 0 : 0.01;
    return (hw_tower_penalties){ .open_gates = o->head_gates == HW_HEAD_GATES_L0 ? (float)open : 0,
                                 .like_values = of_values ? (float)o->disagreement : 0,
                                 .like_outputs = of_values ? 0 : (float)o->disagreement,
                                 .overlap = (float)o->orthogonality };
}

static hw_tower_trainer_options learning_options(const hw_train_options *o) {
    const float usual_dropout = o->arch == HW_ARCH_CAPSULE ? 0.1f : 0.5f;
    return (hw_tower_trainer_options){ .epochs = o->epochs,
                                       .batch = o->batch ? o->batch : 32,
                                       .crop = 512,
                                       .learning_rate =
                                           o->learning_rate > 0 ? (float)o->learning_rate : 0.004f,
                                       .embedding_rate = 1,
                                       .weight_decay = 0.01f,
                                       .dropout = o->dropout > 0   ? (float)o->dropout
                                                  : o->dropout < 0 ? 0.0f
                                                                   : usual_dropout,
                                       .embedding_dropout = 0.1f,
                                       .drop_head = o->drop_head > 0   ? (float)o->drop_head
                                                    : o->drop_head < 0 ? 0.0f
                                                                       : 0.1f,
                                       .drop_head_v = o->drop_head_v,
                                       .penalties = penalties(o),
                                       .ngram_dropout = 0.5f,
                                       .token_dropout = 0.2f,
                                       .label_smoothing = 0.1f,
                                       .average = 0.999f,
                                       .seed = o->seed };
}

hw_status hw_plan_make(hw_plan *plan, const hw_train_options *o, const hw_dataset *dataset,
                       hw_error *err) {
    HW_TRY(check(o, err));
    const double split = o->valid_split > 0 ? o->valid_split : 0.1;
    *plan = (hw_plan){ .arch = o->arch == HW_ARCH_DEFAULT ? HW_ARCH_HYBRID : o->arch,
                       .multi_label =
                           o->loss == HW_LOSS_AUTO ? dataset->multi_label : o->loss == HW_LOSS_OVA,
                       .folds = (size_t)lround(1 / fmax(split, 1e-6)),
                       .regularization = o->regularization > 0 ? o->regularization : 0.5,
                       .towers = o->towers ? o->towers : 2,
                       .tower = tower_config(o),
                       .learning = learning_options(o),
                       .patience = o->patience ? o->patience : 3 };
    if (!plan->multi_label && dataset->multi_label)
        return hw_fail(err, HW_ERROR_ARGUMENT,
                       "%s: some texts have several labels, which the softmax loss cannot learn; "
                       "leave the loss out or use -loss ova",
                       o->input);
    plan->set =
        (hw_training_set_options){ .ngrams = ngram_options(o),
                                   .min_documents = o->min_count ? (uint32_t)o->min_count : 2 };
    plan->set.ngrams_limit = LARGEST_TABLE / (dataset->label_count ? dataset->label_count : 1);
    if (plan->set.ngrams_limit > HW_NGRAMS_LIMIT) plan->set.ngrams_limit = HW_NGRAMS_LIMIT;
    if (plan->arch == HW_ARCH_BAG) plan->towers = 0;
    plan->set.features = hw_arch_has_bag(plan->arch);
    plan->set.tokens = plan->towers > 0;
    plan->learning.multi_label = plan->multi_label;
    return HW_OK;
}

/* Small data is judged by many trials, because one fold of it says little; of much data one
 * fold says enough, and every trial takes long. */
static size_t trials_for(size_t tokens) {
    if (tokens <= 50000) return 8;
    return tokens <= 600000 ? 4 : 2;
}

/* The join is fitted to held-back rows x labels: with very many labels, to fewer rows. */
static void choose_trials(hw_plan *plan, size_t tokens, size_t rows, size_t labels) {
    const size_t cells = rows * labels / plan->folds + 1; /* of a fold */
    plan->trials = trials_for(tokens);
    if (plan->trials * cells > MOST_CELLS)
        plan->trials = cells < MOST_CELLS ? MOST_CELLS / cells : 1;
    if (cells > MOST_CELLS) plan->folds = rows * labels / MOST_CELLS;
    if (plan->trials > plan->folds) plan->trials = plan->folds;
}

static size_t epochs_for(size_t steps_per_epoch, size_t rows, size_t labels) {
    const size_t least = rows * labels > MANY_TARGETS ? LEAST_EPOCHS / 3 : LEAST_EPOCHS;
    const size_t epochs = (STEPS_WANTED + steps_per_epoch - 1) / steps_per_epoch;
    return epochs < least ? least : epochs > MOST_EPOCHS ? MOST_EPOCHS : epochs;
}

/* Many rows need less noise. They are gone through few times, so steps are large; and once, since
 * the rows held back would teach little more (docs/accuracy.md, "Many texts"). */
static void learn_once(hw_plan *plan, const hw_train_options *o, size_t steps_per_epoch) {
    hw_tower_trainer_options *learning = &plan->learning;
    plan->trials = 1;
    plan->keeps_towers = true;
    if (o->learning_rate == 0) learning->learning_rate = 0.016f;
    if (o->dropout == 0) learning->dropout = 0.1f;
    learning->token_dropout = 0.1f;
    if (!learning->epochs)
        learning->epochs = (int32_t)((STEPS_OF_MANY + steps_per_epoch - 1) / steps_per_epoch);
}

void hw_plan_finish(hw_plan *plan, const hw_train_options *o, const hw_training_set *set,
                    size_t labels, size_t rows, bool has_valid) {
    const size_t batch = (size_t)plan->learning.batch, steps = (rows + batch - 1) / batch;
    choose_trials(plan, set->tokens.text_offsets[set->rows], rows, labels);
    if (has_valid) plan->trials = 1;
    if (rows >= MANY_ROWS && plan->arch != HW_ARCH_CAPSULE) learn_once(plan, o, steps);
    plan->tower.vocabulary = set->dictionary.count ? (int32_t)set->dictionary.count : 1;
    plan->tower.labels = (int32_t)labels;
    if (!plan->learning.epochs) plan->learning.epochs = (int32_t)epochs_for(steps, rows, labels);
}

int32_t hw_plan_trial_towers(const hw_plan *plan) {
    return plan->trials == 1 ? plan->towers : plan->towers > 0;
}
