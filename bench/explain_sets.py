"""Whether explanations beat chance on several sets, with the best method chosen on texts of their own.

    python3 bench/explain_sets.py --markdown docs/explain.md        (NumPy; no test part is read)

Of each set's training part, 2 * TEXTS texts are held back and a model is trained on the others. The
first half chooses the method (random aside) with the largest comprehensiveness over random; the second
half measures it, with a 95 % bootstrap interval over the texts, Kendall's tau with leaving words out,
and how often the decision flips without the top 20 % of the words and without random ones.
"""

import argparse
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import datasets
import numpy
from accuracy import ROOT, commit, cpu_name, write_between_markers
from explain import METHODS, explanations, interval

SETS = "trec6,sst2,subj,agnews,toutiao,chnsenticorp"
SHARE = 3  # which of the removals is shown: 20 % of the words


def split(name, texts, folder):
    """train.tsv, choose.tsv and measure.tsv of the training part, shuffled by a fixed seed."""
    data_set = datasets.find(name)
    labels, lines = datasets.read(data_set, "train")
    rows = ["|".join(sorted(label)) + "\t" + line for label, line in zip(labels, lines)]
    random.Random(1).shuffle(rows)
    parts = {"choose": rows[:texts], "measure": rows[texts : 2 * texts], "train": rows[2 * texts :]}
    for part, content in parts.items():
        (folder / f"{part}.tsv").write_text("\n".join(content) + "\n", encoding="utf-8")


def train(program, folder, arch):
    options = ["-arch", arch] if arch else []
    subprocess.run([program, "train", "-input", folder / "train.tsv", "-output", folder / "model",
                    "-thread", "1", "-quiet", *options], check=True)


def gains(found):
    measured = [e["faithfulness"] for e in found if "faithfulness" in e]
    return numpy.array([m["comprehensiveness"] - m["random_comprehensiveness"] for m in measured])


def best_method(program, folder, methods):
    """Of those that all texts are short enough for (flow: 256 tokens)."""
    means = {}
    for method in methods:
        try:
            found = explanations(program, folder / "model", folder / "choose.tsv", method)
        except subprocess.CalledProcessError as failure:
            if "is offered for up to" not in failure.stderr:
                raise
            print(f"without {method}: {failure.stderr.strip()}", file=sys.stderr)
            continue
        means[method] = gains(found).mean()
    return max(means, key=means.get)


def row(name, method, found):
    measured = [e["faithfulness"] for e in found if "faithfulness" in e]
    taus = [m["tau"] for m in measured if m["tau"] is not None]
    removals = [m["removals"][SHARE] for m in measured]
    flips = numpy.mean([r["flips"] for r in removals])
    at_random = numpy.mean([r["flips_random"] for r in removals])
    return (f"| `{name}` | {method} | {interval(gains(found))} | {numpy.mean(taus):+.3f} | {flips:.1%} | "
            f"{at_random:.1%} |")


def rows(arguments):
    for name in arguments.sets.split(","):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            split(name, arguments.texts, folder)
            train(arguments.program, folder, arguments.arch)
            method = best_method(arguments.program, folder, arguments.methods.split(","))
            found = explanations(arguments.program, folder / "model", folder / "measure.tsv", method)
            yield row(name, method, found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default=SETS, help="names separated by commas")
    parser.add_argument("--texts", type=int, default=200, help="that choose, and as many that measure")
    parser.add_argument("--methods", default=",".join(m for m in METHODS if m != "random"))
    parser.add_argument("--arch", default="", help="of the models (hybrid)")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    arguments = parser.parse_args()
    lines = ["| set | best method | comprehensiveness over random | tau | flips | flips at random |",
             "|---|---|---|---:|---:|---:|"]
    print("\n".join(lines), flush=True)
    for line in rows(arguments):
        print(line, flush=True)
        lines.append(line)
    lines += ["", f"{arguments.texts} texts a set. {cpu_name()}, commit {commit()}."]
    print("\n".join(lines[-2:]))
    if arguments.markdown:
        name = f"explain sets {arguments.arch}".strip()
        write_between_markers(arguments.markdown, "\n".join(lines), name)


if __name__ == "__main__":
    main()
