/* Faults on purpose, in test builds only. Invariant: calls are counted exactly, from
 * whatever thread they come. */
#include "base/fault.h"

#ifdef HW_FAULTS

#include <stdatomic.h>

typedef struct fault_plan {
    _Atomic uint64_t calls, at;
    atomic_bool persistent;
} fault_plan;

static fault_plan plans[HW_FAULT_KINDS];

bool hw_fault_hits(hw_fault kind) {
    fault_plan *plan = &plans[kind];
    const uint64_t call = atomic_fetch_add(&plan->calls, 1) + 1;
    const uint64_t at = atomic_load(&plan->at);
    if (at == 0) return false;
    return call == at || (call > at && atomic_load(&plan->persistent));
}

void hw_fault_arm(hw_fault kind, uint64_t at, bool persistent) {
    fault_plan *plan = &plans[kind];
    atomic_store(&plan->at, 0);
    atomic_store(&plan->calls, 0);
    atomic_store(&plan->persistent, persistent);
    atomic_store(&plan->at, at);
}

uint64_t hw_fault_calls(hw_fault kind) {
    return atomic_load(&plans[kind].calls);
}

#endif
