"""What the attention towers add to the n-grams: hybrid against `-arch bag`, over sets and seeds.

    bench/venv/bin/python bench/tower_gain.py --markdown docs/accuracy.md

For each seed the gain is averaged over the sets. The interval is Student's over the seeds: it
speaks about these sets and about other seeds. Results are kept as those of bench/accuracy.py are.
"""

import argparse
from statistics import stdev

import datasets
from accuracy import ROOT, Results, commit, cpu_name, mean, measure, write_between_markers
from engines import Headwise

SETS = "trec6,trec50,sst2,mr,subj,agnews,banking77,hwu64,snips,emotion_zh,thucnews,smp2020"
STUDENT_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306}


def interval(values):
    half = STUDENT_95[len(values)] * stdev(values) / len(values) ** 0.5
    return mean(values) - half, mean(values) + half


def markdown_of(scores, sets, seeds):
    """scores[arch][set]: one score a seed."""
    lines = ["| set | n-grams alone | hybrid | gain | least and most of the seeds |",
             "|---|---:|---:|---:|---|"]
    gains = {}
    for name in sets:
        bag, hybrid = scores["bag"][name], scores["hybrid"][name]
        gains[name] = [with_tower - alone for with_tower, alone in zip(hybrid, bag)]
        lines.append(f"| `{name}` | {mean(bag):.2f} | {mean(hybrid):.2f} | {mean(gains[name]):+.2f} | "
                     f"{min(gains[name]):+.2f} to {max(gains[name]):+.2f} |")
    of_seeds = [mean([gains[name][i] for name in sets]) for i in range(len(seeds))]
    low, high = interval(of_seeds)
    lines.append(f"| **mean of {len(sets)}** | {mean([mean(scores['bag'][n]) for n in sets]):.2f} | "
                 f"{mean([mean(scores['hybrid'][n]) for n in sets]):.2f} | **{mean(of_seeds):+.2f}** | "
                 f"95 % interval {low:+.2f} to {high:+.2f} |")
    return "\n".join(lines + ["", f"Test parts, per cent. Seeds {' '.join(map(str, seeds))}. "
                              f"{cpu_name()}, commit {commit()}."])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default=SETS, help="names separated by commas")
    parser.add_argument("--seeds", default="1,2,3,4,5")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--results", default=ROOT / "bench" / "results", help="folder of results")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    results = Results(arguments.results)
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    sets = [datasets.find(name) for name in arguments.sets.split(",")]
    scores = {}
    for arch, engine in (("hybrid", Headwise(arguments.program, "")),
                         ("bag", Headwise(arguments.program, "bag"))):
        scores[arch] = {s.name: [measure(results, s, engine, seed)["score"] for seed in seeds]
                        for s in sets}
    table = markdown_of(scores, list(scores["bag"]), seeds)
    print(table)
    if arguments.markdown:
        write_between_markers(arguments.markdown, table, "tower gain")


if __name__ == "__main__":
    main()
