/* One step of masked-token training, against numerical gradients. */
#include "base/memory.h"
#include "encoder_case.h"
#include "model/loss.h"
#include "train/masked_trainer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* One text of bert_masked, as the first step sees it. */
typedef struct first_step {
    encoder_case c;
    hw_token_texts texts;
    hw_masking masking;
    hw_encoder_scratch *scratch;
    uint32_t *tokens; /* [texts.longest] masked */
    hw_masked masked;
} first_step;

static first_step first_step_open(void) {
    first_step s = { .c = encoder_case_open("bert_masked") };
    const size_t length = s.c.batch.offsets[1], vocabulary = (size_t)s.c.config.vocabulary;
    uint32_t *arrays = hw_calloc(4 * length, sizeof *arrays);
    size_t *offsets = hw_calloc(2, sizeof *offsets);
    bool *is_special = hw_calloc(vocabulary, sizeof *is_special);
    s.scratch = encoder_case_scratch(&s.c, false, NULL);
    assert_true(arrays && offsets && is_special && s.scratch);
    memcpy(arrays, s.c.batch.tokens, length * sizeof *arrays);
    offsets[1] = length;
    s.texts = (hw_token_texts){ .ids = arrays, .offsets = offsets, .count = 1, .longest = length };
    s.masking = (hw_masking){ 0.3, 1, (uint32_t)vocabulary, is_special, 7 };
    s.tokens = arrays + length;
    s.masked = (hw_masked){ arrays + 2 * length, arrays + 3 * length, 0 };
    memcpy(s.tokens, arrays, length * sizeof *arrays);
    hw_masking_apply(&s.masked, s.tokens, 0, length, &s.masking, 0, 0);
    return s;
}

static void first_step_close(first_step *s) {
    hw_encoder_scratch_free(s->scratch);
    hw_free((void *)s->masking.is_special);
    hw_token_texts_free(&s->texts);
    encoder_case_close(&s->c);
}

static double first_loss(const first_step *s) {
    const size_t vocabulary = (size_t)s->c.config.vocabulary, count = s->masked.count;
    const uint32_t offsets[2] = { 0, (uint32_t)s->texts.longest };
    float *logits = hw_calloc((count + 1) * vocabulary, sizeof *logits);
    assert_non_null(logits);
    hw_encoder_masked_forward(logits, s->scratch, s->c.encoder, hw_kernels_select(),
                              (hw_encoder_batch){ s->tokens, offsets, 1, NULL }, s->masked.places,
                              count, NULL);
    double loss = 0;
    for (size_t row = 0; row < count; row++)
        loss += hw_softmax_loss(logits + count * vocabulary, logits + row * vocabulary, vocabulary,
                                s->masked.targets[row], 0, 1, hw_kernels_select());
    hw_free(logits);
    return loss / (double)count;
}

/* d loss / d *weight by central differences. */
static double slope(const first_step *s, float *weight) {
    const float step = 1e-2f, before = *weight;
    *weight = before + step;
    const double above = first_loss(s);
    *weight = before - step;
    const double below = first_loss(s);
    *weight = before;
    return (above - below) / (2 * (double)step);
}

/* The first step of Adam goes against the sign of each weight's gradient. The row of a token in the
 * text is read by the input and by the decoder, every other row by the decoder alone. */
static void test_first_step_goes_down_every_slope_of_the_word_embedding(void **state) {
    (void)state;
    first_step s = first_step_open();
    const size_t count = hw_encoder_word_floats(&s.c.config);
    float *weights = hw_encoder_thaw(s.c.encoder, NULL); /* the word embedding comes first */
    double *slopes = hw_calloc(count, sizeof *slopes);
    float *before = hw_calloc(count, sizeof *before);
    assert_true(weights && slopes && before);
    for (size_t i = 0; i < count; i++) slopes[i] = slope(&s, weights + i);
    memcpy(before, weights, count * sizeof *before);
    const hw_masked_trainer_options options = {
        .epochs = 1, .batch = 1, .learning_rate = 1e-3, .masking = s.masking
    };
    hw_masked_trainer *trainer =
        hw_masked_trainer_new(s.c.encoder, &s.texts, &options, hw_kernels_select(), NULL, NULL);
    assert_non_null(trainer);
    assert_true(hw_masked_trainer_step(trainer));
    size_t steep = 0;
    for (size_t i = 0; i < count; i++) {
        if (fabs(slopes[i]) < 1e-3) continue;
        assert_true(((double)weights[i] - (double)before[i]) * slopes[i] < 0);
        steep++;
    }
    assert_true(steep > count / 2);
    hw_masked_trainer_free(trainer);
    hw_free(slopes);
    hw_free(before);
    first_step_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_step_goes_down_every_slope_of_the_word_embedding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
