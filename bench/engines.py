"""The classifiers that are compared: each trains on a set's train part alone and is measured on test.

An engine is a class with `name`, `title`, `results` (the file of bench/results/ that keeps its own),
`options` (a string that names everything that shapes its result), `checksum()` of its program, and
`run(data_set, seed, folder)`, which returns a dictionary with score (per cent), seconds (of training)
and mib (peak memory of training).
"""

import hashlib
import json
import re
import shutil
import sys
from pathlib import Path

import datasets
from launch import launch

BENCH = Path(__file__).resolve().parent


def run_command(command, output=None):
    """Runs a program to its end; (what it printed, seconds, peak MiB). Its failure is ours."""
    run = launch(command, output)
    return run.printed, run.seconds, run.mib


def file_checksum(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16]


def headwise_score(program, model, data_set):
    """Per cent on the test part: micro-F1 of a multi-label set, accuracy of any other."""
    test = datasets.part_path(data_set, "test")
    printed, _, _ = run_command([program, "eval", model, "-input", test, "--json"])
    report = json.loads(printed)
    return 100 * (report["micro_f1"] if data_set.multi_label else report["accuracy"])


class Svm:
    name = "svm"
    title = "TF-IDF + linear SVM"
    results = "baselines"
    options = "words+pairs or 1-3 characters, C 0.5/1"

    def checksum(self):
        return file_checksum(BENCH / "svm.py")

    def run(self, data_set, seed, folder):
        printed, _, mib = run_command([sys.executable, BENCH / "svm.py", data_set.name])
        return {**json.loads(printed), "mib": mib}


class FastText:
    """fastText 0.9.2. Text is prepared as its tutorial does (lower case, punctuation set apart);
    Chinese text is split into characters."""

    name = "fasttext"
    title = "fastText"
    results = "baselines"
    options = "-wordNgrams 2 -epoch 25 -lr 0.5 -thread 1"

    def __init__(self):
        self.program = shutil.which("fasttext")
        if not self.program:
            raise SystemExit("fasttext is not installed (Debian package: fasttext)")

    def checksum(self):
        return file_checksum(self.program)

    @staticmethod
    def prepare(data_set, text):
        if data_set.language == "zh":
            return " ".join(text.replace(" ", ""))
        return " ".join(re.sub(r"([.!?,'/()\"])", r" \1 ", text.lower()).split())

    @staticmethod
    def label_word(label):
        return "__label__" + label.replace(" ", "_")

    def write(self, path, data_set, part):
        labels, texts = datasets.read(data_set, part)
        with open(path, "w", encoding="utf-8") as file:
            for label_set, text in zip(labels, texts):
                words = " ".join(sorted(map(self.label_word, label_set)))
                file.write(f"{words} {self.prepare(data_set, text)}\n")
        return [set(map(self.label_word, label_set)) for label_set in labels]

    def run(self, data_set, seed, folder):
        train, test, model = folder / "train.txt", folder / "test.txt", folder / "model"
        self.write(train, data_set, "train")
        truth = self.write(test, data_set, "test")
        loss = ["-loss", "ova"] if data_set.multi_label else []
        command = [self.program, "supervised", "-input", train, "-output", model, "-verbose", "0"]
        _, seconds, mib = run_command(command + self.options.split() + loss)
        count = ["-1", "0.5"] if data_set.multi_label else []
        printed, _, _ = run_command([self.program, "predict", f"{model}.bin", test] + count)
        predicted = [set(line.split()) for line in printed.split("\n")[: len(truth)]]
        return {"score": datasets.score(data_set, truth, predicted), "seconds": seconds, "mib": mib}


class Headwise:
    name = "headwise"
    title = "Headwise"
    results = "headwise"

    def __init__(self, program, arch):
        self.program = Path(program)
        self.arguments = ["-arch", arch] if arch else []
        self.options = " ".join(self.arguments) or "default"

    def checksum(self):
        return file_checksum(self.program)

    def run(self, data_set, seed, folder):
        model = folder / "model.safetensors"
        train = datasets.part_path(data_set, "train")
        command = [self.program, "train", "-input", train, "-output", model, "-seed", seed]
        _, seconds, mib = run_command(command + ["-verbose", "0"] + self.arguments)
        score = headwise_score(self.program, model, data_set)
        return {"score": score, "seconds": seconds, "mib": mib}
