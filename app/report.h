/* eval's report, for people and as JSON. */
#ifndef APP_REPORT_H
#define APP_REPORT_H

#include "headwise.h"

/* All of the confusion matrix, or the most confused pairs if it is large. */
void report_print(const hw_metrics *metrics, const hw_classifier *classifier, bool whole_confusion);
hw_status report_print_json(const hw_metrics *metrics, const hw_classifier *classifier,
                            hw_error *err);

#endif
