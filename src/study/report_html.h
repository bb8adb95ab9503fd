/* The parts of report.html (report_html.c). */
#ifndef HW_STUDY_REPORT_HTML_H
#define HW_STUDY_REPORT_HTML_H

#include "study/page.h"
#include "study/report.h"

/* <b class="badge">NO DIFFERENCE</b> */
void hw_html_badge(hw_text_buffer *page, hw_verdict verdict);
/* Multi-head attention models better. [NO DIFFERENCE] and what that says, in plain words. */
void hw_html_headline(hw_text_buffer *page, const hw_claim *claim, const hw_claim_result *result);
/* What would decide an INCONCLUSIVE; of other verdicts nothing. */
void hw_html_needed(hw_text_buffer *page, const hw_finding *finding);
/* One row a claim, with all numbers. */
void hw_html_verdicts(hw_text_buffer *page, const hw_results *results);
void hw_html_guide(hw_text_buffer *page);

/* Every claim's effect and its 95 % interval in epsilons. */
void hw_html_forest(hw_text_buffer *page, const hw_results *results);
/* The plot of a claim's table, if that has numbers worth one. */
void hw_html_plot(hw_text_buffer *page, const hw_experiment *study, const json_t *table);

/* What was compared, and on what: arms, their choices, the data. */
void hw_html_ledger(hw_text_buffer *page, const hw_experiment *study);

#endif
