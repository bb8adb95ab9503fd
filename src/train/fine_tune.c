/* hw_train with a base: the order in which a fine-tuning goes. */
#include "train/fine_tune.h"

#include "base/memory.h"

#include <math.h>

const hw_token_texts *hw_fine_tune_held_texts(const hw_fine_tuning *f) {
    return f->training.valid.dataset ? &f->valid_texts : &f->texts;
}

hw_label_loss hw_fine_tune_loss(const hw_fine_tuning *f) {
    const hw_training *t = &f->training;
    return (hw_label_loss){ .targets = t->data.targets,
                            .weights = t->data.weights,
                            .label_weights = t->data.label_weights,
                            .labels = t->labels,
                            .multi_label = t->plan.multi_label };
}

static hw_status choose(hw_fine_tuning *f, const hw_dataset *dataset, const hw_dataset *valid,
                        hw_error *err) {
    HW_TRY(hw_training_choose(&f->training, dataset, valid, err));
    HW_TRY(hw_fine_tune_plan_make(f, err));
    return hw_training_hold_back(&f->training, err);
}

static hw_status tokenize(hw_fine_tuning *f, const hw_dataset *dataset, const hw_dataset *valid,
                          hw_error *err) {
    const hw_tokenizer *tokenizer = f->base.tokenizer;
    HW_TRY(hw_token_texts_make(&f->texts, dataset, tokenizer, f->plan.max_tokens, err));
    if (valid)
        HW_TRY(hw_token_texts_make(&f->valid_texts, valid, tokenizer, f->plan.max_tokens, err));
    if (!f->texts.cut) return HW_OK;
    char note[128];
    snprintf(note, sizeof note, "%zu texts are longer than %zu tokens and were cut", f->texts.cut,
             f->plan.max_tokens);
    hw_training_note(&f->training, note);
    return HW_OK;
}

static hw_status learn(hw_fine_tuning *f, hw_error *err) {
    f->training.stage_to = 1;
    if (f->plan.few_shot) return hw_fine_tune_few_shot(f, err);
    if (f->plan.only_readout) return hw_fine_tune_frozen(f, err);
    return hw_fine_tune_epochs(f, err);
}

static hw_status run(hw_fine_tuning *f, const hw_dataset *dataset, const hw_dataset *valid,
                     hw_error *err) {
    HW_TRY(hw_fine_tune_open_base(f, err));
    HW_TRY(choose(f, dataset, valid, err));
    HW_TRY(hw_fine_tune_make_encoder(f, err));
    HW_TRY(tokenize(f, dataset, valid, err));
    HW_TRY(learn(f, err));
    return hw_fine_tune_calibrate(f, err);
}

static void free_all(hw_fine_tuning *f) {
    hw_encoder_free(f->encoder); /* views the base's tensors */
    hw_pretrained_close(&f->base);
    hw_token_texts_free(&f->texts);
    hw_token_texts_free(&f->valid_texts);
    hw_frozen_free(&f->readout);
    hw_free(f->held_logits);
    hw_free(f->best);
    hw_training_free(&f->training);
}

hw_classifier *hw_fine_tune(const hw_train_options *options, const hw_dataset *dataset,
                            const hw_dataset *valid, hw_error *err) {
    hw_fine_tuning f = { .score = NAN, .temperature = 1 };
    hw_classifier *classifier = NULL;
    if (hw_training_start(&f.training, options, err) == HW_OK &&
        run(&f, dataset, valid, err) == HW_OK)
        classifier = hw_fine_tune_classifier(&f, err);
    free_all(&f);
    return classifier;
}
