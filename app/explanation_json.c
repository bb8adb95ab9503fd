/* An explanation as one JSON object. */
#include "explanation.h"

#include "json_text.h"

#include <math.h>

static json_t *attributions_json(const shown_explanation *shown, const hw_attribution *items,
                                 size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        const hw_attribution *a = &items[i];
        const hw_text piece = { shown->text.bytes + a->begin, a->end - a->begin };
        json_array_append_new(
            list, json_pack("{s:o, s:[I, I], s:[I, I], s:o, s:o}", "text", json_text(piece),
                            "bytes", (json_int_t)a->begin, (json_int_t)a->end, "characters",
                            (json_int_t)a->character_begin, (json_int_t)a->character_end, "score",
                            json_number(a->score), "ngrams", json_number(a->ngrams)));
    }
    return list;
}

static json_t *faithfulness_json(const hw_explained *e) {
    json_t *removals = json_array();
    for (size_t i = 0; i < HW_REMOVALS; i++) {
        const hw_removal *r = &e->removals[i];
        json_array_append_new(
            removals,
            json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "share", json_number(r->share),
                      "without_top", json_number(r->without_top), "only_top",
                      json_number(r->only_top), "without_random", json_number(r->without_random),
                      "only_random", json_number(r->only_random), "flips", r->flips_top > 0,
                      "flips_random", json_number(r->flips_random)));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "comprehensiveness",
                     json_number(e->comprehensiveness), "sufficiency", json_number(e->sufficiency),
                     "random_comprehensiveness", json_number(e->random_comprehensiveness),
                     "random_sufficiency", json_number(e->random_sufficiency), "tau",
                     json_number(e->tau), "removals", removals);
}

json_t *explanation_json(const shown_explanation *shown) {
    size_t words, tokens;
    const hw_attribution *word = hw_explanation_words(shown->explanation, &words);
    const hw_attribution *token = hw_explanation_tokens(shown->explanation, &tokens);
    const hw_explained *e = hw_explanation_summary(shown->explanation);
    json_t *object =
        json_pack("{s:o, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "text",
                  json_text(shown->text), "label", hw_classifier_label(shown->classifier, e->label),
                  "probability", json_number(e->probability), "method", method_name(e->method),
                  "score", json_number(e->score), "base", json_number(e->base), "sum",
                  json_number(e->sum), "gap", json_number(e->gap), "steps", (json_int_t)e->steps,
                  "words", attributions_json(shown, word, words));
    if (token != word)
        json_object_set_new(object, "tokens", attributions_json(shown, token, tokens));
    if (!isnan(e->comprehensiveness))
        json_object_set_new(object, "faithfulness", faithfulness_json(e));
    return object;
}
