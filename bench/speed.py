"""Speed of Headwise beside fastText in one run, as a markdown table.

    bench/speed.py [--sets sst2,agnews] [--rounds 5] [--markdown docs/performance.md]

The programs take turns, each on one thread, and the median of the rounds is shown, so that a slow
moment of the machine meets both. Opening a model is timed by predicting one text, and taken off the
time of predicting many; the test texts are repeated to 100,000.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import datasets
from accuracy import ROOT, commit, cpu_name, write_between_markers
from engines import FastText, run_command

PREDICTED_TEXTS = 100000


class Contestant:
    """One program: how to train it, how to predict with it, and where its model is."""

    def __init__(self, title, train, predict, model):
        self.title, self.train, self.predict, self.model = title, train, predict, model
        self.train_seconds, self.open_seconds, self.predict_seconds = [], [], []
        self.train_mib = self.predict_mib = 0

    def take_turn(self, folder):
        _, seconds, mib = run_command(self.train)
        self.train_seconds.append(seconds)
        self.train_mib = max(self.train_mib, mib)
        _, seconds, _ = run_command(self.predict("one.txt"), output=folder / "predicted.txt")
        self.open_seconds.append(seconds)
        _, seconds, mib = run_command(self.predict("many.txt"), output=folder / "predicted.txt")
        self.predict_seconds.append(seconds)
        self.predict_mib = max(self.predict_mib, mib)

    def texts_per_second(self):
        return PREDICTED_TEXTS / (median(self.predict_seconds) - median(self.open_seconds))

    def row(self, data_set, peer):
        return (f"| `{data_set.name}` | {self.title} | {median(self.train_seconds):.1f} | "
                f"{self.train_mib:.0f} | {1000 * median(self.open_seconds):.0f} | "
                f"{self.texts_per_second():.0f} | "
                f"{self.texts_per_second() / peer.texts_per_second():.2f} | {self.predict_mib:.0f} | "
                f"{self.model.stat().st_size / 2**20:.1f} |")


def write_texts(folder, data_set, prepare):
    _, texts = datasets.read(data_set, "test")
    repeated = (texts * (PREDICTED_TEXTS // len(texts) + 1))[:PREDICTED_TEXTS]
    folder.mkdir()
    for name, some in (("one.txt", texts[:1]), ("many.txt", repeated)):
        lines = "".join(prepare(text) + "\n" for text in some)
        (folder / name).write_text(lines, encoding="utf-8")


def contestants(data_set, program, folder):
    fasttext = FastText()
    fasttext.write(folder / "train.txt", data_set, "train")
    prepared, texts = folder / "prepared", folder / "texts"
    write_texts(prepared, data_set, lambda text: fasttext.prepare(data_set, text))
    write_texts(texts, data_set, str)
    loss = ["-loss", "ova"] if data_set.multi_label else []
    yield Contestant(
        "fastText",
        [fasttext.program, "supervised", "-input", folder / "train.txt", "-output",
         folder / "model", "-verbose", "0", *fasttext.options.split(), *loss],
        lambda name: [fasttext.program, "predict-prob", folder / "model.bin", prepared / name],
        folder / "model.bin")
    for arch in ("hybrid", "bag"):
        model = folder / f"{arch}.safetensors"
        yield Contestant(
            f"Headwise, {arch}",
            [program, "train", "-input", datasets.part_path(data_set, "train"), "-output", model,
             "-arch", arch, "-thread", "1", "-verbose", "0"],
            lambda name, model=model: [program, "predict-prob", model, texts / name, "1",
                                       "-thread", "1", "--format", "text"],
            model)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="trec6,sst2,agnews,toutiao")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    arguments = parser.parse_args()
    lines = ["| set | program | training, s | MiB | opening, ms | texts/s | times fastText | MiB | "
             "model, MiB |", "|---|---|---:|---:|---:|---:|---:|---:|---:|"]
    for data_set in map(datasets.find, arguments.sets.split(",")):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            taking_part = list(contestants(data_set, arguments.program, folder))
            for _ in range(arguments.rounds):
                for contestant in taking_part:
                    contestant.take_turn(folder)
            lines += [contestant.row(data_set, taking_part[0]) for contestant in taking_part]
            print("\n".join(lines[-len(taking_part):]), flush=True)
    lines += ["", f"Median of {arguments.rounds} rounds taken in turns, one thread. {cpu_name()}, "
              f"commit {commit()}. fastText: {FastText.options}."]
    if arguments.markdown:
        write_between_markers(arguments.markdown, "\n".join(lines), "speed")


if __name__ == "__main__":
    main()
