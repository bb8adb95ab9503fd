/* The matrices of an attention layer of h heads of width k have 4 d h k parameters, so that those
 * of MH (h k = d), SH-A (h = 1, k = d) and SH-C (h layers of k = d / h) have as many. Beside them a
 * head has its positions and its gate, and a layer its norm and output bias, 3 d: MH has 18 more
 * for each head after the first, SH-C 3 d + 18 more for each layer after the first. */
#include "study/arm.h"

const char *hw_arm_name(hw_arm arm) {
    static const char *const names[] = {
#define X(id, name, what) name,
        HW_ARM_LIST(X)
#undef X
    };
    return names[arm];
}

const char *hw_arm_what(hw_arm arm) {
    static const char *const whats[] = {
#define X(id, name, what) what,
        HW_ARM_LIST(X)
#undef X
    };
    return whats[arm];
}

/* The inner width whose 2 d inner parameters are those that SH-B has less than SH-A. */
static int32_t spared_inner_width(int32_t heads) {
    const int32_t spared = 2 * (HW_STUDY_WIDTH - HW_STUDY_WIDTH / heads);
    return spared / 16 * 16;
}

void hw_arm_set(hw_train_options *o, hw_arm arm, int32_t heads) {
    o->arch = HW_ARCH_ATTENTION;
    o->layers = 1;
    o->heads = heads;
    o->head_dim = HW_STUDY_WIDTH / heads;
    o->inner_width = -1;
    switch (arm) {
    case HW_ARM_SH_A:
        o->heads = 1;
        o->head_dim = HW_STUDY_WIDTH;
        break;
    case HW_ARM_SH_B:
        o->heads = 1;
        break;
    case HW_ARM_SH_B_PLUS:
        o->heads = 1;
        o->inner_width = spared_inner_width(heads);
        break;
    case HW_ARM_SH_C:
        o->heads = 1;
        o->layers = heads;
        break;
    case HW_ARM_MH_FULL:
        o->head_dim = HW_STUDY_WIDTH;
        break;
    case HW_ARM_MH_TIED:
        o->attention = HW_ATTENTION_TIED;
        break;
    case HW_ARM_MH_RAND:
        o->attention = HW_ATTENTION_FROZEN;
        break;
    case HW_ARM_HU:
        o->attention = HW_ATTENTION_UNIFORM;
        break;
    case HW_ARM_H0:
        o->layers = -1;
        break;
    case HW_ARM_CAP_SH:
        o->heads = 1;
        o->head_dim = HW_STUDY_WIDTH;
        o->arch = HW_ARCH_CAPSULE;
        break;
    case HW_ARM_CAP_MH:
        o->arch = HW_ARCH_CAPSULE;
        break;
    case HW_ARM_MH_GATE:
        o->head_gates = HW_HEAD_GATES_INPUT;
        break;
    case HW_ARM_MH:
    case HW_ARMS:
        break;
    }
}
