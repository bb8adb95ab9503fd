/* Measurements on the classifier of a run that not every run needs. */
#ifndef HW_STUDY_PROBE_H
#define HW_STUDY_PROBE_H

#include "classify/corpus.h"
#include "study/job.h"

/* score[rows] = what the classifier makes of each row: its F1, which of a single label is 1 or 0.
 */
hw_status hw_row_scores(double *score, const hw_corpus *corpus, const hw_classifier *classifier,
                        hw_error *err);

/* "scores_mean_gates" [rows], with every gate at its mean over the training texts;
 * "scores_other_gates" [rows], with the gates of another text, drawn by the job's seed; and of the
 * test texts' gates "gate_deviation", "gate_entropy", "gate_information" (gate_measures.h). */
hw_status hw_probe_gates(json_t *run, const hw_job *job, const hw_classifier *classifier,
                         const hw_parts *parts, hw_error *err);

/* Of each kind of explanation, by its key, its NAOPC on test texts; "naopc_dev" [HW_EXPLANATIONS],
 * their means on dev texts. Texts are the same for all arms and seeds. */
hw_status hw_probe_explanations(json_t *run, const hw_classifier *classifier, const hw_parts *parts,
                                hw_error *err);

/* Adds to the run what job->probes ask for. */
hw_status hw_probe(json_t *run, const hw_job *job, const hw_classifier *classifier,
                   const hw_parts *parts, hw_error *err);

#endif
