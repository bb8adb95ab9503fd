/* Runs a program, passes its output on, and says how long it took and how much memory it had.
 *
 *     launch REPORT PROGRAM [ARGUMENT...]
 *
 * REPORT becomes one line of JSON: seconds from before the fork to the first byte of output and to
 * the end, seconds of processor time, and the peak of resident memory. The kernel counts as a
 * program's peak at least what its parent had when it forked: this parent is small.
 *
 *     gcc -O2 -D_GNU_SOURCE bench/launch.c -o launch */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void fail(const char *what) {
    perror(what);
    exit(127);
}

/* The program's process; *output is the end of a pipe. */
static pid_t start(char **command, int *output) {
    int ends[2];
    if (pipe(ends) != 0) fail("pipe");
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execvp(command[0], command);
        fail(command[0]);
    }
    close(ends[1]);
    *output = ends[0];
    return child;
}

static void write_all(const char *bytes, size_t count) {
    while (count > 0) {
        const ssize_t written = write(STDOUT_FILENO, bytes, count);
        if (written < 0) fail("write");
        bytes += written;
        count -= (size_t)written;
    }
}

/* Returns when the first byte came; when it ended, if there was none. */
static double pass_on(int output) {
    static char bytes[1 << 16];
    double first = 0;
    for (ssize_t count; (count = read(output, bytes, sizeof bytes)) > 0;) {
        if (first == 0) first = now();
        write_all(bytes, (size_t)count);
    }
    return first > 0 ? first : now();
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: launch REPORT PROGRAM [ARGUMENT...]\n");
        return 127;
    }
    int output, status;
    struct rusage used;
    const double begin = now();
    const pid_t child = start(argv + 2, &output);
    const double first = pass_on(output);
    if (wait4(child, &status, 0, &used) != child) fail("wait4");
    const double end = now();
    FILE *report = fopen(argv[1], "w");
    if (!report) fail(argv[1]);
    fprintf(report, "{\"first\": %.9f, \"seconds\": %.9f, \"cpu\": %.6f, \"mib\": %.3f}\n",
            first - begin, end - begin, seconds_of(used.ru_utime) + seconds_of(used.ru_stime),
            (double)used.ru_maxrss / 1024);
    if (fclose(report) != 0) fail(argv[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
