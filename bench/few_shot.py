"""Accuracy from 8 to 64 labelled texts a label: the classifier from scratch, and three ways to use
MiniLM-L6, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/few_shot.py --markdown docs/encoders.md

The texts are drawn from the train part by the seed, the same for every way; labels with fewer have
all of theirs. Results are kept as those of bench/accuracy.py are.
"""

import argparse
import random
import time
from pathlib import Path
from statistics import stdev

import datasets
import minilm
from accuracy import ROOT, Results, commit, cpu_name, mean, measure, write_between_markers
from engines import file_checksum, headwise_score, run_command

STEPS, BATCH = 300, 32  # of fine-tuning, at least, whatever the number of texts
BASE = "from MiniLM-L6"  # in the place of `-base <folder>`, which differs between machines

# name in the table: options of `headwise train`
WAYS = {
    "from scratch": "",
    "readout alone": f"{BASE} -freeze all",
    "contrasts": f"{BASE} --few-shot",
    "all layers": BASE,
}


def draw(data_set, count, seed):
    """Up to `count` (label, text) of each label."""
    labels, texts = datasets.read(data_set, "train")
    of_label = {}
    for label_set, text in zip(labels, texts):
        of_label.setdefault(next(iter(label_set)), []).append(text)
    rng = random.Random(f"{data_set.name} {seed}")
    drawn = []
    for label in sorted(of_label):
        rng.shuffle(of_label[label])
        drawn += [(label, text) for text in of_label[label][:count]]
    rng.shuffle(drawn)
    return drawn


def epochs_of(texts):
    return max(3, -(-STEPS * BATCH // texts))


class FewShot:
    """One way to learn from `count` texts a label."""

    name = "few-shot"
    results = "encoders"

    def __init__(self, program, way, count):
        self.program, self.way, self.count = Path(program), way, count
        self.options = f"{count} a label, {way}: {WAYS[way]}"

    def checksum(self):
        return file_checksum(self.program)

    def arguments(self, texts):
        words = WAYS[self.way].replace(BASE, f"-base {minilm.encoder_folder()}").split()
        return words + (["-epoch", epochs_of(texts)] if self.way == "all layers" else [])

    def run(self, data_set, seed, folder):
        train, model = folder / "train.tsv", folder / "model.safetensors"
        drawn = draw(data_set, self.count, seed)
        lines = [f"{label}\t{text}\n" for label, text in drawn]
        train.write_text("".join(lines), encoding="utf-8")
        command = [self.program, "train", "-input", train, "-output", model, "-seed", seed,
                   "-verbose", "0", *self.arguments(len(drawn))]
        _, seconds, mib = run_command(command)
        score = headwise_score(self.program, model, data_set)
        return {"score": score, "seconds": seconds, "mib": mib}


def cell_of(runs):
    scores = [run["score"] for run in runs]
    spread = f" ± {stdev(scores):.1f}" if len(scores) > 1 else ""
    return f"{mean(scores):.1f}{spread}"


def markdown_of(runs_of, sets, counts, seeds):
    lines = ["| set | texts a label | " + " | ".join(WAYS) + " | training, s |",
             "|---|---:|" + "---:|" * len(WAYS) + "---|"]
    for name in sets:
        for count in counts:
            runs = [runs_of[name, count, way] for way in WAYS]
            seconds = ", ".join(f"{mean([run['seconds'] for run in of_way]):.0f}" for of_way in runs)
            cells = [f"`{name}`", str(count), *map(cell_of, runs), seconds]
            lines.append("| " + " | ".join(cells) + " |")
    for count in counts:
        runs = [sum((runs_of[name, count, way] for name in sets), []) for way in WAYS]
        means = [f"{mean([run['score'] for run in of_way]):.1f}" for of_way in runs]
        lines.append(f"| **mean of {len(sets)}** | {count} | " + " | ".join(means) + " | |")
    ways = "; ".join(f"{way}: `{options or 'no options'}`" for way, options in WAYS.items())
    notes = f"Accuracy on the whole test parts, per cent: mean and deviation over seeds " \
            f"{' '.join(map(str, seeds))}; seconds in the order of the columns. {ways}, with as " \
            f"many epochs as make {STEPS} steps of {BATCH} texts, at least 3. {cpu_name()}, " \
            f"{time.strftime('%Y-%m-%d')}, commit {commit()}."
    return "\n".join([*lines, "", notes])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="trec6,sst2,banking77,sms_spam")
    parser.add_argument("--counts", default="8,16,32,64", help="texts a label")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--results", default=ROOT / "bench" / "results", help="folder of results")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    results = Results(arguments.results)
    sets = arguments.sets.split(",")
    counts = [int(count) for count in arguments.counts.split(",")]
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    runs_of = {}
    for name in sets:
        for count in counts:
            for way in WAYS:
                engine = FewShot(arguments.program, way, count)
                runs_of[name, count, way] = [
                    measure(results, datasets.find(name), engine, seed) for seed in seeds]
    table = markdown_of(runs_of, sets, counts, seeds)
    print(table)
    if arguments.markdown:
        write_between_markers(arguments.markdown, table, "few-shot")


if __name__ == "__main__":
    main()
