/* What is compared: an arm is a way to build the classifier, the same but for one thing (science: a
 * control says what it is matched on). Invariant: all arms of a seed see the same words, the same
 * order of texts and the same first values where they have the same parameters. */
#ifndef HW_STUDY_ARM_H
#define HW_STUDY_ARM_H

#include "base/error.h"

/* X(id, name, what it is) */
#define HW_ARM_LIST(X)                                                                       \
    X(MH, "MH", "h heads of width d / h; h is chosen on the dev part")                       \
    X(SH_A, "SH-A", "one head of width d: as many parameters as MH")                         \
    X(SH_B, "SH-B", "one head of width d / h")                                               \
    X(SH_B_PLUS, "SH-B+", "SH-B, what it saves spent on a feed-forward block")               \
    X(SH_C, "SH-C", "h layers of one head of width d / h (Liu et al. 2021)")                 \
    X(MH_FULL, "MH-full", "h heads of width d each")                                         \
    X(MH_TIED, "MH-tied", "MH, all heads with one matrix of attention weights")              \
    X(MH_RAND, "MH-rand", "MH, queries and keys stay at their random first values")          \
    X(HU, "HU", "MH, every word seen alike")                                                 \
    X(H0, "H0", "no attention layer")                                                        \
    X(CAP_MH, "CAP-MH", "MH with capsules: every head's output routed to a capsule a label") \
    X(CAP_SH, "CAP-SH", "SH-A with capsules")                                                \
    X(MH_GATE, "MH-gate", "MH, each head's output times a gate that depends on the text")

typedef enum hw_arm {
#define X(id, name, what) HW_ARM_##id,
    HW_ARM_LIST(X)
#undef X
        HW_ARMS
} hw_arm;

const char *hw_arm_name(hw_arm arm);
const char *hw_arm_what(hw_arm arm);

/* The width d of all arms. */
enum { HW_STUDY_WIDTH = 64 };

/* Sets of arms. */
#define HW_ARM_BIT(id) (1u << HW_ARM_##id)

/* Sets what the arm is about: arch, layers, heads, head_dim, inner_width, ... heads: h of MH. */
void hw_arm_set(hw_train_options *options, hw_arm arm, int32_t heads);

#endif
