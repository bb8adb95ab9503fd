/* The measures of a model as a part of its model card. */
#ifndef APP_CARD_H
#define APP_CARD_H

#include "headwise.h"

#include "base/text_buffer.h"

/* Appends a heading and tables in Markdown. data: the name of the measured file. */
void card_append(hw_text_buffer *card, const hw_metrics *metrics, const hw_classifier *classifier,
                 const char *data);

#endif
