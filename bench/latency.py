"""How long one short text takes in MiniLM-L6, a call for each, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/latency.py [--isa avx2] --markdown docs/performance.md

64 texts of 16 tokens in turn. Headwise is given text and tokenizes it in its time; the others are
given the ids. In every round each engine answers so many calls, after some that do not count. A ratio
is the median of the rounds' ratios of medians; the percentiles are those of all calls of all rounds.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy

import minilm
import plot
import report
import workloads
from processes import FP32, INT8, LIMIT_NOTE, HeadwiseProcess, PeerProcess, prepare_peers, \
    quantized_model, small_engines

TEXTS = 64
SETTLING = 0.2  # seconds until threads that wait by spinning have gone to sleep
OWN = {"Headwise": FP32, "Headwise bf16": (), "Headwise int8": INT8}  # and whom it is compared with
HEADINGS = ["engine", "p50, ms:", "p90, ms:", "p99, ms:", "p99 / p50:", "longest, ms:",
            "Headwise takes its share of", "compared with"]


def engines_of(arguments, folder, peers):
    build = arguments.build
    made = [HeadwiseProcess("Headwise", folder, arguments.threads, build)]
    for dtype in ("bf16", "int8"):
        model = quantized_model(folder, build, dtype)
        made.append(HeadwiseProcess(f"Headwise {dtype}", model, arguments.threads, build))
    return made + [PeerProcess(name, folder, arguments.threads) for name in peers]


def measure(engines, workload, arguments):
    """{engine: [seconds of the calls of a round, ...]}"""
    seconds = {engine.title: [] for engine in engines}
    for _ in range(arguments.rounds):
        for engine in engines:
            time.sleep(SETTLING)
            called = engine.call_seconds(workload, arguments.warm_up + arguments.calls)
            seconds[engine.title].append(called[arguments.warm_up:])
    return seconds


def own_of(title):
    return next((own for own, peers in OWN.items() if title in peers), None)


class Results:
    def __init__(self, seconds, arguments):
        self.seconds, self.threads = seconds, arguments.threads
        self.figures, self.bars = [], {}
        self.cells = [self._row(title) for title in seconds]

    def _row(self, title):
        p50, p90, p99 = 1000 * numpy.percentile(self.seconds[title], (50, 90, 99))
        longest = 1000 * max(map(max, self.seconds[title]))
        for share in (50, 99):
            of_rounds = [numpy.percentile(calls, share) for calls in self.seconds[title]]
            self.figures.append(report.figure(f"p{share}", title, self.threads, of_rounds, "s"))
        return [title, f"{p50:.3f}", f"{p90:.3f}", f"{p99:.3f}", f"{p99 / p50:.2f}",
                f"{longest:.3f}", *self._comparison(title)]

    def _comparison(self, title):
        own = own_of(title)
        if not own:
            return ["1", ""]
        shares = report.ratios(*([median(calls) for calls in self.seconds[name]]
                                 for name in (own, title)))
        self.figures.append(report.figure("p50", title, self.threads, shares, "headwise's share"))
        self.bars.setdefault(own, {})[title] = (median(shares), min(shares), max(shares))
        return [report.ratio_cell(shares), own]

    def plot(self, path):
        plot.bars(path, "Headwise's median time as a share of each engine's", self.bars)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser)
    parser.add_argument("--engines", default="", help="names of bench/peers.py, with commas")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--calls", type=int, default=300, help="of an engine in a round")
    parser.add_argument("--warm-up", type=int, default=50, help="calls that do not count")
    arguments = report.parse(parser)
    folder = minilm.classifier_folder()
    peers = arguments.engines.split(",") if arguments.engines else FP32 + small_engines(arguments)
    prepare_peers(peers, folder)
    with tempfile.TemporaryDirectory() as scratch:
        workload = workloads.of_length(arguments.tokens, TEXTS, ("sst2", "agnews"), folder,
                                       Path(scratch))
        engines = engines_of(arguments, folder, peers)
        results = Results(measure(engines, workload, arguments), arguments)
        for engine in engines:
            engine.close()
    note = f"{arguments.calls} calls a round of one text of {arguments.tokens} tokens, " \
           f"on {arguments.threads} CPUs. {report.stamp(arguments)}"
    if arguments.isa == "avx2":
        note += f" {LIMIT_NOTE}"
    table = report.table_of(HEADINGS, results.cells) + "\n\n" + note
    report.publish("latency", table, results.figures, arguments, [("latency", results.plot)])


if __name__ == "__main__":
    main()
