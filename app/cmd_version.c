/* version: what was built and what it runs on. */
#include "commands.h"
#include "console.h"
#include "json_text.h"

#if defined(__clang__)
static const char compiler[] = "clang " __clang_version__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

int cmd_version(const arguments *args) {
    if (!is_given(args, OPTION_JSON)) {
        printf("headwise %s\ncompiler %s\nkernels %s\ncpus %d\n", hw_version(), compiler,
               hw_kernels_name(), hw_cpu_count());
        return DONE;
    }
    hw_error err;
    const hw_status status =
        json_print_line(json_pack("{s:s, s:s, s:s, s:i}", "version", hw_version(), "compiler",
                                  compiler, "kernels", hw_kernels_name(), "cpus", hw_cpu_count()),
                        &err);
    return status == HW_OK ? DONE : console_error(&err);
}
