/* Bytes as a model file. What is accepted must classify a text into probabilities. Not
 * strict: without checksums the semantic checks are reached. */
#include "classify/classifier.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Larger ones would only be slow. */
enum { PARAMETERS_LIMIT = 1 << 16, LABELS_LIMIT = 64 };

static void require(bool condition) {
    if (!condition) abort();
}

static void classify(const hw_classifier *classifier) {
    const hw_summary *summary = hw_classifier_summary(classifier);
    if (summary->parameters > PARAMETERS_LIMIT || summary->labels > LABELS_LIMIT) return;
    hw_session *session = hw_session_new(classifier, NULL, NULL);
    if (!session) return;
    float p[LABELS_LIMIT];
    const hw_text text = hw_text_of("A quiet film, no? \xe5\xa5\xbd\xe7\x94\xb5\xe5\xbd\xb1 \xff");
    if (hw_classify(session, &text, 1, p, NULL) == HW_OK)
        for (int32_t label = 0; label < summary->labels; label++)
            require(p[label] >= 0 && p[label] <= 1);
    hw_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    void *aligned;
    if (posix_memalign(&aligned, 64, size ? size : 1) != 0) return 0;
    if (size) memcpy(aligned, data, size);
    hw_bundle *bundle = hw_bundle_parse(aligned, size, false, "fuzz", NULL);
    hw_classifier *classifier = bundle ? hw_classifier_from_bundle(bundle, "fuzz", NULL) : NULL;
    if (classifier) classify(classifier);
    hw_classifier_close(classifier);
    free(aligned);
    return 0;
}
