/* hw_pretrain: the order in which a pretraining goes. */
#include "train/pretrain.h"

#include "base/clock.h"
#include "base/folder.h"
#include "base/memory.h"
#include "base/text_buffer.h"
#include "classify/encoder_classifier.h"

#include <inttypes.h>
#include <math.h>

/* ---- Progress --------------------------------------------------------------------------- */

/* Of the whole, by time: reading and tokenising are little. */
static const double share_of_reading = 0.02;

static bool tell(hw_pretraining *p, const hw_progress *progress) {
    if (p->options->progress && !p->stopped)
        p->stopped = !p->options->progress(p->options->user, progress);
    return !p->stopped;
}

static bool tell_stage(hw_pretraining *p, const char *stage, double overall) {
    return tell(p, &(hw_progress){ .stage = stage,
                                   .total = 1,
                                   .overall = overall,
                                   .loss = NAN,
                                   .learning_rate = NAN,
                                   .texts_per_second = NAN,
                                   .valid_score = NAN,
                                   .valid_loss = NAN });
}

static bool tell_step(hw_pretraining *p, const hw_masked_trainer *trainer, double seconds) {
    const size_t done = hw_masked_trainer_done(trainer), total = hw_masked_trainer_steps(trainer);
    const double share = (double)done / (double)total;
    return tell(p, &(hw_progress){
                       .stage = "masked tokens",
                       .done = done,
                       .total = total,
                       .overall = share_of_reading + (1 - share_of_reading) * share,
                       .loss = hw_masked_trainer_loss(trainer),
                       .learning_rate = hw_masked_trainer_rate(trainer),
                       .texts_per_second =
                           seconds > 0 ? (double)hw_masked_trainer_texts(trainer) / seconds : NAN,
                       .valid_score = NAN,
                       .valid_loss = NAN });
}

/* ---- The parts ----------------------------------------------------------------------------- */

static hw_status read_texts(hw_pretraining *p, hw_error *err) {
    tell_stage(p, "read", 0);
    p->dataset = hw_dataset_load_texts(p->options->input, &p->options->reader, err);
    if (!p->dataset) return err->status;
    return p->options->base ? hw_pretrained_open(&p->base, p->options->base, err) : HW_OK;
}

static hw_status tokenize(hw_pretraining *p, hw_error *err) {
    if (!p->options->base) {
        tell_stage(p, "vocabulary", 0.25 * share_of_reading);
        HW_TRY(hw_pretrain_make_tokenizer(p, err));
    }
    HW_TRY(hw_pretrain_shape(p, err));
    tell_stage(p, "tokens", 0.5 * share_of_reading);
    HW_TRY(hw_pretrain_encode(p, err));
    return hw_pretrain_plan(p, err);
}

static hw_status make_encoder(hw_pretraining *p, hw_error *err) {
    const hw_encoder_source source = { .name = p->options->base,
                                       .find = hw_pretrained_find,
                                       .context = &p->base,
                                       .readout_seed = &p->options->seed };
    p->encoder = p->options->base ? hw_encoder_new(&p->config, &source, p->pool, err)
                                  : hw_encoder_init(&p->config, p->options->seed, err);
    return p->encoder ? HW_OK : err->status;
}

static hw_status run_steps(hw_pretraining *p, hw_masked_trainer *trainer, hw_error *err) {
    const double start = hw_seconds_now();
    while (hw_masked_trainer_done(trainer) < hw_masked_trainer_steps(trainer)) {
        if (!hw_masked_trainer_step(trainer))
            return hw_fail(err, HW_ERROR_DIVERGED,
                           "pretraining diverged at step %zu; a lower learning rate may help",
                           hw_masked_trainer_done(trainer));
        if (!tell_step(p, trainer, hw_seconds_now() - start)) break;
    }
    return HW_OK;
}

static hw_status learn(hw_pretraining *p, hw_error *err) {
    if (p->stopped) return hw_fail(err, HW_ERROR_STOPPED, "stopped before there was an encoder");
    HW_TRY(make_encoder(p, err));
    hw_masked_trainer *trainer =
        hw_masked_trainer_new(p->encoder, &p->texts, &p->learning, p->kernels, p->pool, err);
    if (!trainer) return HW_ERROR_MEMORY;
    const hw_status status = run_steps(p, trainer, err);
    hw_masked_trainer_free(trainer);
    return status;
}

/* ---- The folder ------------------------------------------------------------------------------ */

static void write_card(hw_text_buffer *card, const hw_pretraining *p) {
    hw_text_printf(card,
                   "# A pretrained encoder\n\n"
                   "Made by `headwise pretrain` (Headwise " HW_VERSION "): %d layers of width %d, "
                   "%d heads, a vocabulary of %d.\n\n",
                   (int)p->config.layers, (int)p->config.width, (int)p->config.heads,
                   (int)p->config.vocabulary);
    hw_text_printf(card,
                   "Trained to predict masked tokens of %zu texts (CRC-32C %08" PRIx32
                   "), %zu epochs, seed %" PRIu64 ".\n\n",
                   p->dataset->count, p->dataset->checksum, p->learning.epochs, p->options->seed);
    hw_text_printf(card, "Fine-tune it with `headwise train -base` and this folder.\n");
}

static hw_status save(const hw_pretraining *p, hw_error *err) {
    hw_text_buffer card = { 0 };
    write_card(&card, p);
    const hw_encoder_folder folder = { .encoder = p->encoder,
                                       .tokenizer = hw_pretraining_tokenizer(p),
                                       .card = card.bytes };
    const hw_status status = card.failed ? hw_fail_memory(err, card.length)
                                         : hw_encoder_folder_save(p->options->output, &folder, err);
    hw_text_buffer_free(&card);
    return status;
}

/* An output that cannot be made is told before hours of work, not after. */
static hw_status try_output(const hw_pretraining *p, hw_error *err) {
    hw_new_folder folder = { 0 };
    const hw_status status = hw_folder_begin(&folder, p->options->output, err);
    hw_folder_end(&folder);
    return status;
}

static hw_status pretrain(hw_pretraining *p, hw_error *err) {
    HW_TRY(hw_pretrain_check(p->options, err));
    HW_TRY(try_output(p, err));
    p->pool = hw_pool_new(p->options->threads > 0 ? p->options->threads : hw_cpu_count(), err);
    if (!p->pool) return err->status;
    HW_TRY(read_texts(p, err));
    HW_TRY(tokenize(p, err));
    HW_TRY(learn(p, err));
    return save(p, err);
}

hw_status hw_pretrain(const hw_pretrain_options *options, hw_error *err) {
    hw_error own;
    if (!err) err = &own;
    hw_pretraining p = { .options = options, .kernels = hw_kernels_select() };
    const hw_status status = pretrain(&p, err);
    hw_token_texts_free(&p.texts);
    hw_encoder_free(p.encoder);
    hw_pretrained_close(&p.base);
    hw_tokenizer_free(p.made);
    hw_dataset_free(p.dataset);
    hw_pool_free(p.pool);
    hw_free(p.is_special);
    return status;
}
