/* What a BPE model is while it encodes. */
#ifndef HW_TOKENIZER_BPE_MODEL_H
#define HW_TOKENIZER_BPE_MODEL_H

#include "tokenizer/bpe.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/trie.h"

/* Where a character stands in its word, as far as the model tells the difference. */
enum {
    HW_BPE_INNER = 1, /* not the first: has the prefix of continuing subwords */
    HW_BPE_FINAL = 2  /* the last: has the suffix of the end of a word */
};

struct hw_bpe {
    hw_merge_table characters; /* (place, code point) -> id */
    hw_merge_table merges;     /* (id, id) -> rank, id */
    hw_trie words;             /* the vocabulary, if ignore_merges */
    uint32_t places;           /* of HW_BPE_INNER and HW_BPE_FINAL those the model distinguishes */
    uint32_t unknown;          /* HW_NO_TOKEN: none */
    uint32_t bytes[256];       /* <0x00> to <0xFF> */
    bool fuse_unk, byte_fallback, ignore_merges;
};

#endif
