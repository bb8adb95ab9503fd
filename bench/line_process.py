"""A process that answers each line with a line of JSON."""

import json
import os
import subprocess
import tempfile


def first_cpus(count):
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < count:
        raise SystemExit(f"{count} threads: there are {len(cpus)} CPUs")
    return set(cpus[:count])


class LineProcess:
    """`hello` is the line that it began with. It runs on `cpus` alone, if given, and libraries that
    read their number of threads from the environment are told `threads`."""

    def __init__(self, command, cpus=None, threads=1):
        self.command = [str(word) for word in command]
        environment = dict(os.environ)
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment[name] = str(threads)
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            text=True, env=environment,
            preexec_fn=(lambda: os.sched_setaffinity(0, cpus)) if cpus else None)
        self.hello = self._answer()

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise SystemExit(f"{' '.join(self.command)}: status {self.process.wait()}: "
                             f"{self.errors.read()}")
        return json.loads(line)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
