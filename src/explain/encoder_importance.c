/* The windows of the texts are run forwards and backwards in batches; a text's slope is the sum of
 * its windows', each of which has a share of the text's logits. */
#include "explain/importance.h"

#include "base/memory.h"
#include "base/threads.h"
#include "classify/encoder_session.h"
#include "classify/token_windows.h"

#include <math.h>
#include <string.h>

enum { BATCH_TOKENS = 512, BATCH_WINDOWS = 32 };

typedef struct encoder_gauge {
    const hw_classifier *classifier;
    const hw_encoder_config *config;
    hw_encoder_session *session;
    const hw_corpus *corpus;
    const hw_kernels *kernels;
    hw_pool *pool;
    hw_encoder_scratch *scratch;
    size_t most_tokens; /* of a batch */
    uint32_t *ids;      /* [most_tokens] */
    uint32_t offsets[BATCH_WINDOWS + 1];
    size_t rows[BATCH_WINDOWS]; /* the text of each window */
    size_t count;               /* of windows in the batch */
    float *logits, *d_logits;   /* [BATCH_WINDOWS][labels] */
    float *slopes;              /* [BATCH_WINDOWS][layers][heads] */
    float *gradient;            /* a block like the encoder's */
    size_t row;                 /* the text whose windows are summed up */
    double *text;               /* [layers][heads] of it so far */
    double *sums;               /* [layers][heads] */
} encoder_gauge;

static size_t head_count(const encoder_gauge *g) {
    return (size_t)g->config->layers * (size_t)g->config->heads;
}

static hw_status reserve(encoder_gauge *g, int32_t threads, hw_error *err) {
    const size_t labels = (size_t)g->config->labels, longest = (size_t)g->config->max_tokens;
    g->most_tokens = longest > BATCH_TOKENS ? longest : BATCH_TOKENS;
    g->ids = hw_calloc(g->most_tokens, sizeof *g->ids);
    g->logits = hw_calloc(BATCH_WINDOWS * labels, sizeof *g->logits);
    g->d_logits = hw_calloc(BATCH_WINDOWS * labels, sizeof *g->d_logits);
    g->slopes = hw_calloc(BATCH_WINDOWS * head_count(g), sizeof *g->slopes);
    g->text = hw_calloc(head_count(g), sizeof *g->text);
    g->gradient = hw_calloc(hw_encoder_floats(g->config), sizeof *g->gradient);
    if (!g->ids || !g->logits || !g->d_logits || !g->slopes || !g->text || !g->gradient)
        return hw_fail_memory(err, hw_encoder_floats(g->config) * sizeof *g->gradient);
    if (!(g->pool = hw_pool_new(threads, err))) return HW_ERROR_MEMORY;
    g->scratch = hw_encoder_scratch_new(g->config, BATCH_WINDOWS, g->most_tokens, longest, true,
                                        g->pool, err);
    if (!g->scratch) return HW_ERROR_MEMORY;
    hw_encoder_scratch_mask_heads(g->scratch, hw_encoder_session_heads_off(g->session));
    hw_encoder_watch_heads(g->scratch, g->slopes);
    return HW_OK;
}

static void free_gauge(encoder_gauge *g) {
    hw_free(g->ids);
    hw_free(g->logits);
    hw_free(g->d_logits);
    hw_free(g->slopes);
    hw_free(g->text);
    hw_free(g->gradient);
    hw_encoder_scratch_free(g->scratch);
    hw_pool_free(g->pool);
}

static void finish_text(encoder_gauge *g) {
    for (size_t i = 0; i < head_count(g); i++) {
        g->sums[i] += fabs(g->text[i]);
        g->text[i] = 0;
    }
}

/* Only layers are gone through (lowest 1): what the word embedding would get nobody asks for. */
static void run_batch(encoder_gauge *g) {
    const size_t heads = head_count(g);
    const hw_encoder *encoder = g->classifier->encoder;
    const hw_encoder_batch batch = { g->ids, g->offsets, g->count, NULL };
    if (g->count == 0) return;
    hw_classifier_warm(g->classifier, g->kernels, g->pool);
    hw_encoder_forward(g->logits, g->scratch, encoder, g->kernels, batch, NULL);
    hw_encoder_backward(g->gradient, NULL, g->scratch, encoder, g->kernels, batch, g->d_logits,
                        NULL, 1);
    for (size_t window = 0; window < g->count; window++) {
        if (g->rows[window] != g->row) finish_text(g);
        g->row = g->rows[window];
        for (size_t i = 0; i < heads; i++) g->text[i] += (double)g->slopes[window * heads + i];
    }
    g->count = 0;
}

static void add_window(encoder_gauge *g, size_t row, const hw_tokens *tokens, size_t begin,
                       size_t end, size_t windows) {
    const hw_tokenizer *tokenizer = g->classifier->pretrained.tokenizer;
    const size_t labels = (size_t)g->config->labels;
    const size_t most = end - begin + hw_template_tokens(tokenizer) + 1;
    if (g->count == BATCH_WINDOWS || g->offsets[g->count] + most > g->most_tokens) run_batch(g);
    const size_t used = g->offsets[g->count];
    float *d_logits = g->d_logits + g->count * labels;
    const size_t written = hw_window_write(g->ids + used, tokenizer,
                                           end > begin ? tokens->items + begin : NULL, end - begin);
    hw_importance_loss(d_logits, g->classifier, g->corpus, row);
    for (size_t label = 0; label < labels; label++) d_logits[label] /= (float)windows;
    g->rows[g->count++] = row;
    g->offsets[g->count] = (uint32_t)(used + written);
}

static hw_status add_text(encoder_gauge *g, size_t row, hw_error *err) {
    const hw_tokens *tokens;
    HW_TRY(hw_encoder_session_encode(g->session, &tokens, g->corpus->dataset->examples[row].text,
                                     err));
    const size_t windows = hw_encoder_session_windows_read(g->session, tokens->count);
    for (size_t w = 0; w < windows; w++) {
        size_t begin, end;
        hw_encoder_session_window(&begin, &end, g->session, tokens->count, w);
        add_window(g, row, tokens, begin, end, windows);
    }
    return HW_OK;
}

hw_status hw_encoder_importance(double *sums, hw_session *session, const hw_corpus *corpus,
                                int32_t threads, hw_error *err) {
    const hw_classifier *classifier = hw_session_classifier(session);
    if (classifier->summary.quantized)
        return hw_fail(
            err, HW_ERROR_UNSUPPORTED,
            "a quantised encoder has no gradients to tell how much a head matters; take the "
            "model that it was made from, and quantize afterwards");
    encoder_gauge g = { .classifier = classifier,
                        .config = hw_encoder_config_of(classifier->encoder),
                        .session = hw_session_encoder(session),
                        .corpus = corpus,
                        .kernels = hw_kernels_select(),
                        .sums = sums };
    hw_status status = reserve(&g, threads, err);
    for (size_t row = 0; row < corpus->targets.rows && status == HW_OK; row++)
        status = add_text(&g, row, err);
    if (status == HW_OK) {
        run_batch(&g);
        finish_text(&g);
    }
    free_gauge(&g);
    return status;
}
