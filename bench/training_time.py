"""Seconds of training and the accuracy that they buy, beside fastText's best, as a markdown table.

    bench/training_time.py [--sets agnews,online_shopping] [--rounds 3] [--markdown docs/performance.md]

fastText trains for several numbers of epochs, and its best is the one that does best on the test
part, which favours it. Headwise trains with its defaults. The programs take turns, each with so
many threads; Headwise's seconds are those of the whole command.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import mean, median

import datasets
from accuracy import ROOT, commit, cpu_name, write_between_markers
from engines import FastText, Headwise

EPOCHS = (5, 10, 25, 50)
HEADINGS = ["| set | program | training, s | accuracy, % | times the seconds of fastText's best |",
            "|---|---|---:|---:|---:|"]


class FastTextOf(FastText):
    """fastText with other options."""

    def __init__(self, epochs, threads):
        super().__init__()
        self.title = f"fastText, {epochs} epochs"
        self.options = f"-wordNgrams 2 -epoch {epochs} -lr 0.5 -thread {threads}"


class HeadwiseOf(Headwise):
    def __init__(self, program, arch, threads):
        super().__init__(program, arch)
        self.title = f"Headwise, {arch}"
        self.arguments += ["-thread", str(threads)]


class Entry:
    """One program on one set."""

    def __init__(self, engine):
        self.engine, self.seconds, self.scores = engine, [], []

    def take_turn(self, data_set, seed):
        with tempfile.TemporaryDirectory() as folder:
            result = self.engine.run(data_set, seed, Path(folder))
        self.seconds.append(result["seconds"])
        self.scores.append(result["score"])

    def row(self, data_set, best):
        times = median(self.seconds) / median(best.seconds)
        return (f"| `{data_set.name}` | {self.engine.title} | {median(self.seconds):.1f} | "
                f"{mean(self.scores):.2f} | {times:.2f} |")


def rows_of(data_set, arguments):
    peers = [Entry(FastTextOf(epochs, arguments.threads)) for epochs in EPOCHS]
    ours = [Entry(HeadwiseOf(arguments.program, arch, arguments.threads))
            for arch in ("bag", "hybrid")]
    for seed in range(1, arguments.rounds + 1):
        for entry in peers + ours:
            entry.take_turn(data_set, seed)
    best = max(peers, key=lambda entry: mean(entry.scores))
    return [entry.row(data_set, best) for entry in peers + ours]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="agnews,online_shopping")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    arguments = parser.parse_args()
    lines = list(HEADINGS)
    for data_set in map(datasets.find, arguments.sets.split(",")):
        lines += rows_of(data_set, arguments)
        print("\n".join(lines[-len(EPOCHS) - 2:]), flush=True)
    lines += ["", f"Median seconds and mean accuracy of {arguments.rounds} rounds taken in turns, "
              f"{arguments.threads} threads. {cpu_name()}, commit {commit()}. fastText: "
              "-wordNgrams 2 -lr 0.5."]
    if arguments.markdown:
        write_between_markers(arguments.markdown, "\n".join(lines), "training time")


if __name__ == "__main__":
    main()
