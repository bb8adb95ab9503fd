/* What a training tells the progress callback. Invariant: once the callback has said no, it is
 * not called again, and training->stopped stays true. */
#include "train/training.h"

#include <math.h>

static bool tell(hw_training *t, const hw_progress *progress) {
    if (!t->options->progress || t->stopped) return !t->stopped;
    t->stopped = !t->options->progress(t->options->user, progress);
    return !t->stopped;
}

bool hw_training_report(hw_training *t, const char *stage, double share, double loss, double rate,
                        double texts_per_second, double valid_score) {
    t->overall = t->stage_from + share * (t->stage_to - t->stage_from);
    return tell(t, &(hw_progress){ .stage = stage,
                                   .done = (uint64_t)lround(share * 1000),
                                   .total = 1000,
                                   .overall = t->overall,
                                   .loss = loss,
                                   .learning_rate = rate,
                                   .texts_per_second = texts_per_second,
                                   .valid_score = valid_score,
                                   .valid_loss = t->steps ? t->held_loss : NAN,
                                   .step = t->steps });
}

void hw_training_note(hw_training *t, const char *note) {
    tell(t, &(hw_progress){ .stage = "note",
                            .note = note,
                            .overall = t->overall,
                            .loss = NAN,
                            .learning_rate = NAN,
                            .texts_per_second = NAN,
                            .valid_score = NAN,
                            .valid_loss = NAN });
}
