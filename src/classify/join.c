/* From the branches' logits to probabilities: a weighted sum, a temperature, and softmax or
 * sigmoid. In double: a probability's error is that of its rounding to float. */
#include "classify/classifier.h"

#include <math.h>

/* Logits beyond this are cut, and what is no number counts as the least of them. */
static const double logit_limit = 1e30;

double hw_classifier_logit(const hw_classifier *classifier, const float *bag, const float *tower,
                           size_t label) {
    const hw_join *join = &classifier->config.join;
    double logit = join->bias;
    if (bag) logit += join->bag * (double)bag[label];
    if (tower) logit += join->tower * (double)tower[label];
    return fmin(fmax(logit, -logit_limit), logit_limit);
}

void hw_classifier_join(const hw_classifier *classifier, float *probabilities, const float *bag,
                        const float *tower) {
    const size_t labels = (size_t)classifier->summary.labels;
    const double temperature = classifier->config.temperature;
    if (classifier->config.multi_label) {
        for (size_t label = 0; label < labels; label++) {
            const double logit = hw_classifier_logit(classifier, bag, tower, label);
            probabilities[label] = (float)(1 / (1 + exp(-logit / temperature)));
        }
        return;
    }
    double largest = -INFINITY, sum = 0;
    for (size_t label = 0; label < labels; label++)
        largest = fmax(largest, hw_classifier_logit(classifier, bag, tower, label));
    for (size_t label = 0; label < labels; label++) {
        const double logit = hw_classifier_logit(classifier, bag, tower, label);
        const double power = exp((logit - largest) / temperature);
        probabilities[label] = (float)power;
        sum += power;
    }
    for (size_t label = 0; label < labels; label++)
        probabilities[label] = (float)((double)probabilities[label] / sum);
}
