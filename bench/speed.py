"""Speed of Headwise beside fastText in one run, as a markdown table.

    bench/speed.py [--sets trec6,agnews] [--rounds 3]

The programs take turns, each on one thread, and the median of the rounds is shown, so that a slow
moment of the machine meets both. Predicting includes opening the model. Texts are repeated to
20,000 for predicting.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import datasets
from accuracy import ROOT, commit, cpu_name
from engines import FastText, run_command

PREDICTED_TEXTS = 20000


class Contestant:
    """One program: how to train it, how to predict with it, and where its model is."""

    def __init__(self, title, train, predict, model):
        self.title, self.train, self.predict, self.model = title, train, predict, model
        self.train_seconds, self.predict_seconds = [], []
        self.train_mib = self.predict_mib = 0

    def take_turn(self, folder):
        _, seconds, mib = run_command(self.train)
        self.train_seconds.append(seconds)
        self.train_mib = max(self.train_mib, mib)
        _, seconds, mib = run_command(self.predict, output=folder / "predicted.txt")
        self.predict_seconds.append(seconds)
        self.predict_mib = max(self.predict_mib, mib)

    def row(self, data_set):
        return (f"| `{data_set.name}` | {self.title} | {median(self.train_seconds):.1f} | "
                f"{self.train_mib:.0f} | {PREDICTED_TEXTS / median(self.predict_seconds):.0f} | "
                f"{self.predict_mib:.0f} | {self.model.stat().st_size / 2**20:.1f} |")


def write_texts(path, data_set, prepare):
    _, texts = datasets.read(data_set, "test")
    repeated = (texts * (PREDICTED_TEXTS // len(texts) + 1))[:PREDICTED_TEXTS]
    path.write_text("".join(prepare(text) + "\n" for text in repeated), encoding="utf-8")


def contestants(data_set, program, folder):
    fasttext = FastText()
    fasttext.write(folder / "train.txt", data_set, "train")
    write_texts(folder / "prepared.txt", data_set, lambda text: fasttext.prepare(data_set, text))
    write_texts(folder / "texts.txt", data_set, str)
    loss = ["-loss", "ova"] if data_set.multi_label else []
    yield Contestant(
        "fastText",
        [fasttext.program, "supervised", "-input", folder / "train.txt", "-output",
         folder / "model", "-verbose", "0", *fasttext.options.split(), *loss],
        [fasttext.program, "predict-prob", folder / "model.bin", folder / "prepared.txt"],
        folder / "model.bin")
    for arch in ("hybrid", "bag"):
        model = folder / f"{arch}.safetensors"
        yield Contestant(
            f"Headwise, {arch}",
            [program, "train", "-input", datasets.part_path(data_set, "train"), "-output", model,
             "-arch", arch, "-thread", "1", "-verbose", "0"],
            [program, "predict-prob", model, folder / "texts.txt", "1", "-thread", "1",
             "--format", "text"],
            model)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="trec6,agnews,toutiao")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    arguments = parser.parse_args()
    print("| set | program | training, s | MiB | texts/s | MiB | model, MiB |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for data_set in map(datasets.find, arguments.sets.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            taking_part = list(contestants(data_set, arguments.program, folder))
            for _ in range(arguments.rounds):
                for contestant in taking_part:
                    contestant.take_turn(folder)
            for contestant in taking_part:
                print(contestant.row(data_set), flush=True)
    print(f"\nMedian of {arguments.rounds} rounds taken in turns, one thread. {cpu_name()}, commit "
          f"{commit()}. fastText: {FastText.options}.")


if __name__ == "__main__":
    main()
