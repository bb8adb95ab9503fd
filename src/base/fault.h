/* Faults on purpose. In a build with HW_FAULTS the k-th fallible call of a kind fails
 * (or kills the process); elsewhere hw_fault_hits() is the constant false. */
#ifndef HW_BASE_FAULT_H
#define HW_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

typedef enum hw_fault {
    HW_FAULT_MEMORY, /* an allocation returns NULL */
    HW_FAULT_IO,     /* open, read, write, fsync, close or rename fails with EIO */
    HW_FAULT_KILL,   /* SIGKILL just before an I/O call */
    HW_FAULT_KINDS
} hw_fault;

#ifdef HW_FAULTS
bool hw_fault_hits(hw_fault kind);
/* The at-th call from now (1 is the next) fails, and all after it if persistent; 0: never. */
void hw_fault_arm(hw_fault kind, uint64_t at, bool persistent);
uint64_t hw_fault_calls(hw_fault kind); /* calls since the last hw_fault_arm of this kind */
#else
static inline bool hw_fault_hits(hw_fault kind) {
    (void)kind;
    return false;
}
#endif

#endif
