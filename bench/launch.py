"""Runs a program to its end and says what it took (bench/launch.c)."""

import json
import os
import subprocess
import tempfile
from collections import namedtuple
from pathlib import Path

from cache import ROOT, cached

SOURCE = ROOT / "bench" / "launch.c"

# What it printed; seconds to the first byte of that, to the end, and of processor time; peak MiB.
Run = namedtuple("Run", "printed first seconds cpu mib")


def launcher():
    def compile_launcher(path):
        subprocess.run(["gcc", "-std=c17", "-O2", "-D_GNU_SOURCE", SOURCE, "-o", path], check=True)
    return cached("launch", compile_launcher, SOURCE)


def launch(command, output=None):
    """output: a file, for what it prints. Its failure is ours."""
    command = [str(word) for word in command]
    with tempfile.NamedTemporaryFile() as report, open(output or os.devnull, "wb") as sink:
        done = subprocess.run([launcher(), report.name, *command], check=False,
                              stdout=sink if output else subprocess.PIPE)
        if done.returncode != 0:
            raise SystemExit(f"exit status {done.returncode}: {' '.join(command)}")
        measured = json.loads(Path(report.name).read_text())
    return Run((done.stdout or b"").decode(), **measured)
