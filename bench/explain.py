#!/usr/bin/env python3
"""Whether explanations are faithful: what every method's top words take from the probability, less what
random words take (comprehensiveness), and what they keep (sufficiency), with 95 % intervals over the
texts; and how often integrated gradients sum to the score within 1 %.

    python3 bench/explain.py HEADWISE MODEL TEXTS.tsv [TEXTS=1000] [METHOD ...]

Prints a table of Markdown.
"""

import json
import subprocess
import sys
import tempfile

import numpy

METHODS = ["ig", "grad-input", "lrp", "loo", "attention", "rollout", "flow", "norm", "grad-attention", "random"]


def explanations(program, model, texts, method):
    command = [program, "explain", model, texts, "--json", "--method", method]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def interval(values):
    """Mean, and percentile bootstrap of it over the texts."""
    draws = numpy.random.default_rng(0).integers(0, len(values), (1000, len(values)))
    low, high = numpy.percentile(values[draws].mean(1), [2.5, 97.5])
    return f"{values.mean():+.4f} [{low:+.4f}, {high:+.4f}]"


def row(method, found):
    measured = [e["faithfulness"] for e in found if "faithfulness" in e]
    top = numpy.array([m["comprehensiveness"] - m["random_comprehensiveness"] for m in measured])
    kept = numpy.array([m["random_sufficiency"] - m["sufficiency"] for m in measured])
    gaps = [e["gap"] for e in found]
    within = "" if None in gaps else f"{numpy.mean(numpy.array(gaps) <= 0.01):.1%}"
    steps = numpy.array([e["steps"] for e in found])
    return f"| {method} | {interval(top)} | {interval(kept)} | {within} | {numpy.median(steps):.0f} |"


def main():
    program, model, source = sys.argv[1:4]
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as texts:
        with open(source, encoding="utf-8") as lines:
            texts.writelines(line for _, line in zip(range(count), lines))
        texts.flush()
        print("| method | comprehensiveness over random | sufficiency over random | gap at most 1 % | steps |")
        print("|---|---|---|---|---|")
        for method in sys.argv[5:] or METHODS:
            print(row(method, explanations(program, model, texts.name, method)), flush=True)


if __name__ == "__main__":
    main()
