"""Time and memory of training and predicting against rows, classes and length, as markdown tables.

    bench/scale.py --markdown docs/performance.md
    bench/scale.py --rows 1000,10000,100000,1000000 --axes rows

Time is the processor's, all threads together. Texts are agnews' train part, repeated with noise: in each copy a third of the words is replaced by
words drawn from all. The exponent is that of y = a x^e, fitted to the larger half of each curve; where
memory is linear, what a unit of x adds is told, too.
"""

import argparse
import functools
import math
import random
import tempfile
from pathlib import Path

import datasets
import plot
import report
from launch import launch

SOURCE = "agnews"
REPLACED = 1 / 3  # of a copy's words
HEADINGS = ["against", "value:", "rows:", "training, s:", "training, MiB:", "predicting, s:",
            "predicting, MiB:", "model, MiB:"]
CURVES = ("training, s", "predicting, s", "training, MiB", "predicting, MiB")


# ---- Data ------------------------------------------------------------------------------------


@functools.cache
def source():
    """([label, ...], [words, ...], all words)"""
    labels, texts = datasets.read(datasets.find(SOURCE), "train")
    split = [text.split() for text in texts]
    return [next(iter(label)) for label in labels], split, [word for words in split for word in words]


def noisy(words, generator):
    pool = source()[2]
    return [generator.choice(pool) if generator.random() < REPLACED else word for word in words]


def rows_of(count, generator):
    """(label, words): the texts once as they are, then in noisy copies."""
    labels, split, _ = source()
    order = generator.sample(range(len(split)), len(split))
    for i in range(count):
        at = order[i % len(order)]
        words = split[at] if i < len(order) else noisy(split[at], generator)
        yield labels[at], words


def by_rows(rows, _, generator):
    return rows_of(rows, generator)


def by_classes(classes, rows, generator):
    """A class has a word of its own, twice in each of its texts."""
    for i, (_, words) in enumerate(rows_of(rows, generator)):
        name = f"class{i % classes}"
        yield name, [name, *words, name]


def by_length(length, rows, generator):
    """That many words of texts of one label, one after the other."""
    labels, split, _ = source()
    texts_of = {label: [w for own, w in zip(labels, split) if own == label] for label in set(labels)}
    names = sorted(texts_of)
    for i in range(rows):
        words = []
        while len(words) < length:
            words += noisy(generator.choice(texts_of[names[i % len(names)]]), generator)
        yield names[i % len(names)], words[:length]


# What x is: (who makes the rows from x, how many there are where x is not their number).
AXES = {"rows": (by_rows, 0), "classes": (by_classes, 20000), "words a text": (by_length, 500)}


# ---- Measuring -------------------------------------------------------------------------------


def write_data(axis, value, share, folder):
    """Returns how many rows there are."""
    count, (make, rows) = 0, AXES[axis]
    with open(folder / "train.tsv", "w", encoding="utf-8") as train, \
            open(folder / "texts.txt", "w", encoding="utf-8") as texts:
        for label, words in make(value, int(share * rows), random.Random(1)):
            text = " ".join(words)
            train.write(f"{label}\t{text}\n")
            texts.write(text + "\n")
            count += 1
    return count


class Point:
    """One value of x: medians are of the rounds."""

    def __init__(self, axis, value, arguments):
        self.axis, self.value = axis, value
        program, common = arguments.build / "headwise", ["-thread", arguments.threads]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            self.rows = write_data(axis, value, arguments.share, folder)
            model = folder / "model.safetensors"
            train = [program, "train", "-input", folder / "train.tsv", "-output", model, "-arch",
                     arguments.arch, "-verbose", "0", *common, *arguments.options.split()]
            predict = [program, "predict", model, folder / "texts.txt", "1", *common]
            self.runs = {"training": [], "predicting": []}
            for _ in range(arguments.rounds):
                self.runs["training"].append(launch(train))
                self.runs["predicting"].append(launch(predict, folder / "predicted.txt"))
            self.model_mib = model.stat().st_size / 2**20
        self.figures = [figure for stage in self.runs for figure in self._figures(stage, arguments)]

    def _figures(self, stage, arguments):
        case, runs = f"{self.axis} {self.value}", self.runs[stage]
        yield report.figure(case, f"{arguments.arch} {stage}", arguments.threads,
                            [run.cpu for run in runs], "s")
        yield report.figure(case, f"{arguments.arch} {stage}", arguments.threads,
                            [run.mib for run in runs], "MiB")

    def heights(self):
        """{curve: its y here}"""
        seconds, mib, more_seconds, more_mib = (figure.value for figure in self.figures)
        return dict(zip(CURVES, (seconds, more_seconds, mib, more_mib)))

    def row(self):
        y = self.heights()
        return [self.axis, self.value, self.rows, f"{y['training, s']:.2f}",
                f"{y['training, MiB']:.0f}", f"{y['predicting, s']:.3f}",
                f"{y['predicting, MiB']:.0f}", f"{self.model_mib:.1f}"]


# ---- Curves ------------------------------------------------------------------------------------


def slope(points):
    """Of the least-squares line."""
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) \
        / sum((x - x_mean) ** 2 for x, _ in points)


def upper_half(points):
    return sorted(points)[min(len(points) // 2, len(points) - 2):]


def exponent(points):
    return slope([(math.log(x), math.log(y)) for x, y in upper_half(points)])


def curves_of(points):
    """{curve: [(x, y), ...]}"""
    return {name: [(point.value, point.heights()[name]) for point in points] for name in CURVES}


def sentence_of(axis, curves):
    words = ", ".join(f"{name.split(',')[0]} {exponent(curves[name]):.2f}" for name in CURVES[:2])
    memory = ", ".join(f"{name.split(',')[0]} {1024 * slope(upper_half(curves[name])):.2f} KiB "
                       f"(exponent {exponent(curves[name]):.2f})" for name in CURVES[2:])
    return f"Against {axis}: exponents of time: {words}; a unit more takes in memory: {memory}."


def plots_of(axis, curves, arch):
    for unit, title in (("s", "processor seconds"), ("MiB", "MiB at most")):
        some = {name.split(",")[0]: curve for name, curve in curves.items() if name.endswith(unit)}
        yield f"scale {axis} {unit} {arch}", lambda path, t=title, c=some: plot.lines(
            path, f"{t[0].upper()}{t[1:]} against {axis}, {arch}", axis, t, c)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser, rounds=1)
    parser.add_argument("--axes", default=",".join(AXES))
    parser.add_argument("--rows", default="1000,3162,10000,31623,100000")
    parser.add_argument("--classes", default="2,10,100,1000,10000")
    parser.add_argument("--lengths", default="8,32,128,512,2048,8192", help="words of a text")
    parser.add_argument("--share", type=float, default=1,
                        help="of the rows where x is not their number")
    parser.add_argument("--arch", choices=("hybrid", "attention", "bag"), default="hybrid")
    parser.add_argument("--options", default="", help="more of headwise train's")
    parser.add_argument("--threads", type=int, default=1)
    return report.parse(parser)


def main():
    arguments = parse_arguments()
    values = {"rows": arguments.rows, "classes": arguments.classes,
              "words a text": arguments.lengths}
    points, sentences, plots = [], [], []
    for axis in arguments.axes.split(","):
        own = []
        for value in map(int, values[axis].split(",")):
            own.append(Point(axis, value, arguments))
            print(*own[-1].row(), sep="  ", flush=True)
        points += own
        if len(own) > 1:
            curves = curves_of(own)
            sentences.append(sentence_of(axis, curves))
            plots += plots_of(axis, curves, arguments.arch)
    options = f"-arch {arguments.arch} -thread {arguments.threads} {arguments.options}".strip()
    note = f"`{options}`. {report.stamp(arguments)}"
    table = "\n\n".join([report.table_of(HEADINGS, [point.row() for point in points]),
                         "\n".join(f"- {sentence}" for sentence in sentences), note])
    report.publish(f"scale {arguments.arch}", table,
                   [figure for point in points for figure in point.figures], arguments, plots)


if __name__ == "__main__":
    main()
