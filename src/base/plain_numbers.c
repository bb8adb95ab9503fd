/* A copy of the thread's locale, but for its numbers. */
#include "base/plain_numbers.h"

hw_status hw_plain_numbers_begin(hw_plain_numbers *numbers, hw_error *err) {
    const locale_t none = (locale_t)0, copy = duplocale(uselocale(none));
    numbers->plain = copy ? newlocale(LC_NUMERIC_MASK, "C", copy) : none;
    if (!numbers->plain) {
        if (copy) freelocale(copy);
        return hw_fail_memory(err, 0);
    }
    numbers->before = uselocale(numbers->plain);
    return HW_OK;
}

void hw_plain_numbers_end(hw_plain_numbers *numbers) {
    uselocale(numbers->before);
    freelocale(numbers->plain);
}
