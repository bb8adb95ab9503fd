/* What a study leaves behind. Invariant: the files say the same, and study.json is the same bytes
 * for the same data, options and version, but for the claim about times. */
#ifndef HW_STUDY_REPORT_H
#define HW_STUDY_REPORT_H

#include "study/claim.h"

/* The claims of the study that were measured. */
typedef struct hw_results {
    hw_claim_id ids[HW_CLAIMS];
    hw_claim_result items[HW_CLAIMS]; /* [count] */
    size_t count;
} hw_results;

/* study.json: data, options, choices, ledger, and of every claim all numbers. */
hw_status hw_report_json(const hw_experiment *study, const hw_results *results, hw_error *err);
/* runs.csv: a line a training. */
hw_status hw_report_csv(const hw_experiment *study, hw_error *err);
/* verdicts.md */
hw_status hw_report_markdown(const hw_experiment *study, const hw_results *results, hw_error *err);
/* report.html: the same and more, with plots, in English and Chinese. */
hw_status hw_report_html(const hw_experiment *study, const hw_results *results, hw_error *err);

/* Replaces a file of the study's folder. */
hw_status hw_report_write(const hw_experiment *study, const char *name, const hw_text_buffer *text,
                          hw_error *err);

#endif
