"""Speed of training an encoder in Headwise and in transformers + PyTorch, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/encoder_training.py --markdown docs/performance.md
    bench/venv/bin/python bench/encoder_training.py --model minilm --sets trec6,agnews \\
        --texts 1000 --markdown docs/performance.md

The recipe and the programs are those of bench/fine_tune.py: the same model, tokens, optimizer and
batches of 32. The small encoder is that of bench/small_encoder.py. In every round the two train one
after the other, on as many CPUs as they have threads. Tokens are real ones: padding does not count.
Headwise's seconds are those of the whole command, from reading the data to the written model;
PyTorch's are those of its steps.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import datasets
import minilm
import reference
import report
import small_encoder
import work
from engines import BENCH, run_command
from fine_tune import RECIPE
from gemm_peers import Engine
from line_process import first_cpus

MODELS = {"minilm": minilm.encoder_folder, "small": small_encoder.encoder_folder}
MOST_TOKENS, EPOCHS = 128, 3  # of RECIPE
HELD_BACK = 0.05  # of the texts, by Headwise
TEST_TEXTS = 10  # PyTorch's program wants some
SETTLING, PEAK_SECONDS = 0.2, 0.02
HEADINGS = ["set", "threads:", "PyTorch, tokens/s:", "Headwise, tokens/s:", "times PyTorch",
            "PyTorch, of the fp32 peak:", "Headwise, of the fp32 peak:", "PyTorch, MiB:",
            "Headwise, MiB:"]


def write_part(data_set, part, count, folder):
    labels, texts = datasets.read(data_set, part)
    pairs = list(zip(labels, texts))[:count]
    (folder / f"{part}.tsv").write_text(
        "".join(f"{'|'.join(sorted(label))}\t{text}\n" for label, text in pairs), encoding="utf-8")


def write_some(name, texts, scratch):
    """A set of that many texts (0: all), where datasets.py will find it. Returns its train part."""
    data_set, folder = datasets.find(name), scratch / name
    folder.mkdir()
    write_part(data_set, "train", texts or None, folder)
    write_part(data_set, "test", TEST_TEXTS, folder)
    return folder / "train.tsv"


class Pair:
    """Both programs on one set with one number of threads; speeds in real tokens a second."""

    def __init__(self, name, path, encoder, threads, arguments):
        self.name, self.path, self.encoder, self.threads = name, path, encoder, threads
        self.build, self.model = arguments.build, path.parent / "model.safetensors"
        self.pin = ["taskset", "-c", ",".join(map(str, sorted(first_cpus(threads))))]
        _, texts = datasets.read(datasets.find(name), "train")
        ids = reference.token_ids(reference.tokenizer_of(str(encoder)), texts, MOST_TOKENS)
        lengths = [len(row) for row in ids]
        self.tokens = EPOCHS * sum(lengths)
        self.whole, self.done = (
            work.training_operations(work.config_of(encoder), lengths, first_only) / sum(lengths)
            for first_only in (False, True))  # operations a token
        self.speeds, self.mib, self.peaks = {}, {}, []

    def _keep(self, title, tokens, seconds, mib):
        self.speeds.setdefault(title, []).append(tokens / seconds)
        self.mib.setdefault(title, []).append(mib)

    def take_turns(self, meter):
        time.sleep(SETTLING)
        self.peaks.append(meter.peak(PEAK_SECONDS))
        printed, _, mib = run_command([*self.pin, sys.executable, BENCH / "fine_tune_torch.py",
                                       self.name, self.encoder, 1])
        self._keep("torch", self.tokens, json.loads(printed)["seconds"], mib)
        _, seconds, mib = run_command(
            [*self.pin, self.build / "headwise", "train", "-input", self.path, "-output",
             self.model, "-base", self.encoder, "-verbose", "0", "-thread", self.threads,
             "--valid-split", HELD_BACK, *RECIPE.split()])
        self._keep("Headwise", (1 - HELD_BACK) * self.tokens, seconds, mib)

    def shares(self, title, whole=False):
        """Of the peak, by what is done, or as if it were the whole (PyTorch does the whole)."""
        operations = self.whole if whole or title == "torch" else self.done
        return report.ratios([operations * speed for speed in self.speeds[title]], self.peaks)

    def _share_cells(self):
        torch, done, whole = (100 * median(shares) for shares in (
            self.shares("torch"), self.shares("Headwise"), self.shares("Headwise", whole=True)))
        return [f"{torch:.0f} %", f"{done:.0f} % ({whole:.0f} %)"]

    def row(self):
        titles = ("torch", "Headwise")
        return [f"`{self.name}`", self.threads,
                *(f"{median(self.speeds[title]):.0f}" for title in titles),
                report.ratio_cell(report.ratios(self.speeds["Headwise"], self.speeds["torch"])),
                *self._share_cells(),
                *(f"{max(self.mib[title]):.0f}" for title in titles)]

    def figures(self):
        times = report.ratios(self.speeds["Headwise"], self.speeds["torch"])
        yield report.figure(self.name, "torch", self.threads, times, "headwise is times")
        for title in self.speeds:
            yield report.figure(self.name, title, self.threads, self.speeds[title], "tokens/s")
            yield report.figure(self.name, title, self.threads, self.shares(title), "of peak")
            yield report.figure(self.name, title, self.threads, self.mib[title], "MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser)
    parser.add_argument("--model", choices=MODELS, default="small")
    parser.add_argument("--sets", default="sst2")
    parser.add_argument("--texts", type=int, default=0, help="the first of the train part; 0: all")
    parser.add_argument("--threads", default="1,2")
    arguments = report.parse(parser)
    encoder, pairs = MODELS[arguments.model](), []
    with tempfile.TemporaryDirectory() as scratch:
        paths = {name: write_some(name, arguments.texts, Path(scratch))
                 for name in arguments.sets.split(",")}
        os.environ["HEADWISE_DATA"] = scratch
        for threads in map(int, arguments.threads.split(",")):
            with Engine("headwise", threads, arguments.build) as meter:
                for name, path in paths.items():
                    pairs.append(Pair(name, path, encoder, threads, arguments))
                    for _ in range(arguments.rounds):
                        pairs[-1].take_turns(meter)
                    print(*pairs[-1].row(), sep="  ", flush=True)
    table = report.table_of(HEADINGS, [pair.row() for pair in pairs]) \
        + f"\n\n`{RECIPE} --valid-split {HELD_BACK}`. {work.LEFT_OUT} {report.stamp(arguments)}"
    marker = f"{'small encoder' if arguments.model == 'small' else 'encoder'} training"
    report.publish(marker, table, [f for pair in pairs for f in pair.figures()], arguments)


if __name__ == "__main__":
    main()
