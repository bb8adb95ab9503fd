/* How a text is cut before any stage has seen it, so that the parts can be encoded, and remembered,
 * one by one. Invariant: the tokens of the segments are those of the text. */
#ifndef HW_TOKENIZER_SEGMENTATION_H
#define HW_TOKENIZER_SEGMENTATION_H

#include "tokenizer/added_tokens.h"
#include "tokenizer/pre_tokenizer.h"
#include "tokenizer/segment.h"
#include "tokenizer/template.h"

typedef enum hw_segmentation_kind {
    HW_SEGMENTS_NONE,       /* the whole text */
    HW_SEGMENTS_BERT,       /* hw_bert_segment_next */
    HW_SEGMENTS_BYTE_LEVEL, /* hw_byte_level_split */
    HW_SEGMENTS_BLANKS      /* before a blank between visible characters of ASCII */
} hw_segmentation_kind;

/* Zero-initialise: HW_SEGMENTS_NONE. */
typedef struct hw_segmentation {
    hw_segmentation_kind kind;
    bool isolates_chinese;    /* of HW_SEGMENTS_BERT */
    bool needs_ascii;         /* holds only for a text in ASCII */
    bool needs_visible_start; /* holds only if the first segment is blanks and visible ASCII */
    bool spares_first; /* not for what gives the first token: its place follows other rules */
} hw_segmentation;

/* normalizer_json: the section that the normalizer was read from. */
hw_segmentation hw_segmentation_plan(const hw_normalizer *normalizer, const json_t *normalizer_json,
                                     const hw_pre_tokenizer *pre_tokenizer,
                                     const hw_template *template, const hw_added_tokens *added);

/* Whether a part of a text, without added tokens, may be cut. */
bool hw_segmentation_holds(const hw_segmentation *segmentation, hw_text part);

/* The next segment of text.bytes[segment->end .. text.length); false at the end. */
bool hw_segmentation_next(hw_segment *segment, const hw_segmentation *segmentation, hw_text text);

#endif
