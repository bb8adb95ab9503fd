/* How many CPUs the process may use: its affinity mask, further bounded by the CPU quota
 * of its control group (a container's limit). Invariant: at least 1; a file that cannot
 * be read or understood sets no bound. */
#include "base/file.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_BYTES = 4096 };

/* The start of a small text file as a string; "" if it cannot be read. */
static void read_start(char text[LINE_BYTES], const char *path) {
    size_t length = 0;
    const int fd = hw_io_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
        const ptrdiff_t got = hw_io_read(fd, text, LINE_BYTES - 1);
        if (got > 0) length = (size_t)got;
        hw_io_close(fd);
    }
    text[length] = '\0';
}

static int64_t smaller_bound(int64_t bound, int64_t quota, int64_t period) {
    if (quota <= 0 || period <= 0) return bound; /* "max" of version 2, -1 of version 1 */
    const int64_t cpus = quota / period + (quota % period != 0);
    return cpus < bound ? cpus : bound;
}

static int64_t read_number(const char *folder, const char *file) {
    char path[LINE_BYTES], text[LINE_BYTES];
    const int length = snprintf(path, sizeof path, "%s/%s", folder, file);
    if (length < 0 || (size_t)length >= sizeof path) return 0;
    read_start(text, path);
    return strtoll(text, NULL, 10);
}

/* The quota of one group: "quota period" in cpu.max (version 2), or two files (1). */
static int64_t bound_by_group(int64_t bound, const char *folder) {
    char path[LINE_BYTES], text[LINE_BYTES];
    const int length = snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (length < 0 || (size_t)length >= sizeof path) return bound;
    read_start(text, path);
    char *end = text;
    const int64_t quota = strtoll(text, &end, 10);
    bound = smaller_bound(bound, quota, strtoll(end, NULL, 10));
    return smaller_bound(bound, read_number(folder, "cpu.cfs_quota_us"),
                         read_number(folder, "cpu.cfs_period_us"));
}

/* The quotas of a group and of all groups above it, up to the mount point. */
static int64_t bound_by_hierarchy(int64_t bound, const char *mount, const char *group) {
    char folder[LINE_BYTES];
    const int length = snprintf(folder, sizeof folder, "%s%s", mount, group);
    if (length < 0 || (size_t)length >= sizeof folder) return bound;

    for (;;) {
        bound = bound_by_group(bound, folder);
        char *slash = strrchr(folder, '/');
        if (!slash || slash < folder + strlen(mount)) return bound;
        *slash = '\0';
    }
}

static bool lists_controller(const char *controllers, const char *name) {
    const size_t length = strlen(name);
    for (const char *item = controllers; item; item = strchr(item, ',')) {
        if (*item == ',') item++;
        if (strncmp(item, name, length) == 0 && (item[length] == ',' || item[length] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Lines of /proc/self/cgroup are "hierarchy:controllers:group" (cgroups(7)); version 2
 * has no controllers there. */
static int64_t bound_by_quota(int64_t bound) {
    char groups[LINE_BYTES];
    read_start(groups, "/proc/self/cgroup");
    char *rest = groups;
    for (char *line = strtok_r(groups, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *group++ = '\0';
        controllers++;
        if (*controllers == '\0') {
            bound = bound_by_hierarchy(bound, "/sys/fs/cgroup", group);
        } else if (lists_controller(controllers, "cpu")) {
            bound = bound_by_hierarchy(bound, "/sys/fs/cgroup/cpu", group);
        }
    }
    return bound;
}

static int64_t cpus_of_affinity(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return sysconf(_SC_NPROCESSORS_ONLN); /* more CPUs than the set has room for */
}

int32_t hw_cpu_count(void) {
    const int64_t cpus = bound_by_quota(cpus_of_affinity());
    return cpus < 1 ? 1 : (int32_t)cpus;
}
