"""Speed of one encoder in Headwise and in other engines, in one run, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/encoder_speed.py --markdown docs/encoders.md
    bench/venv/bin/python bench/encoder_speed.py --int8 --markdown docs/encoders.md
    bench/venv/bin/python bench/encoder_speed.py --lengths 64,96,128 --markdown docs/performance.md
    bench/venv/bin/python bench/encoder_speed.py --model small --sets sst2 --markdown ...

The encoder is MiniLM-L6, or the small one of bench/small_encoder.py. Texts are of real lengths, at most
512 tokens, or (--lengths) all of one length, so that there is no padding. Headwise is given text and
tokenizes it in its time; the others are given the ids. Each of them runs twice: with batches of 32 in
order of arrival, padded to the longest, and at its best: sorted by length, with the batch size and the
split of the threads that a trial before the rounds found fastest. Every engine has a process of its
own; they take turns. A ratio is the median of the rounds' ratios, with the least and the most. Shares
are of the peak that a loop of multiply-adds reaches in the same round. Outputs are compared first.
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
import small_encoder
import work
import workloads
from gemm_peers import Engine
from processes import FP32, LIMIT_NOTE, HeadwiseProcess, PeerProcess, prepare_peers, \
    quantized_model, small_engines

BATCHES = (1, 8, 16, 32, 64, 128)
TOLERANCE = 1e-3  # of a logit, between engines of 32-bit floats
TIE = 1e-5  # labels whose logits differ by less are both right
SETTLING = 0.2  # seconds until threads that wait by spinning have gone to sleep
PEAK_SECONDS = 0.02
SHARE_NOTE = f"The share of the peak is that of an engine at its best; {work.LEFT_OUT}"
MODELS = {"minilm": minilm.classifier_folder, "small": small_encoder.classifier_folder}


class Check:
    """How far an engine's logits are from transformers' on one workload."""

    def __init__(self, engine, workload, scratch):
        found = engine.logits(workload, scratch)
        expected = workload.expected - workload.expected.mean(axis=1, keepdims=True)
        found = found - found.mean(axis=1, keepdims=True)
        self.difference = float(abs(found - expected).max())
        of_found = numpy.take_along_axis(expected, found.argmax(axis=1)[:, None], axis=1)[:, 0]
        self.same = float((expected.max(axis=1) - of_found < TIE).mean())

    def must_hold(self, title, workload):
        if self.difference > TOLERANCE or self.same < 1:
            raise SystemExit(f"{title} on {workload.name}: logits differ by {self.difference:.1e}, "
                             f"{100 * self.same:.2f} % of the labels are the same")


def tune(peers, workload):
    """(peer, batch): the fastest of all batch sizes and splits of the threads, sorted texts."""
    trials = [(min(peer.seconds(workload, batch, "length") for _ in range(2)), i, batch)
              for i, peer in enumerate(peers) for batch in BATCHES]
    _, best, batch = min(trials)
    return peers[best], batch


class Results:
    """Lines of the table, figures of the CSV, and ratios for the plots."""

    def __init__(self):
        self.cells, self.figures, self.bars = [], [], {}

    def plots(self, name):
        for threads, groups in self.bars.items():
            title = f"Times faster than each engine at its best, {threads} " \
                    f"{'thread' if threads == 1 else 'threads'}"
            yield f"{name} {threads}", lambda path, t=title, g=groups: plot.bars(path, t, g)


class Contest:
    """Headwise and its peers on some workloads with one number of threads."""

    def __init__(self, own, other, names, folder, threads, build):
        """own: the Headwise that everything is compared with; other: {title: Headwise}."""
        self.threads, self.own, self.other = threads, own, other
        self.config = work.config_of(folder)
        splits = [1] if threads == 1 else [1, threads]
        self.peers = {name: [PeerProcess(name, folder, threads, streams) for streams in splits]
                      for name in names}
        self.meter = Engine("headwise", threads, build)

    def close(self):
        for engine in [self.own, *self.other.values(), *sum(self.peers.values(), []), self.meter]:
            engine.close()

    def run(self, results, workload, rounds, scratch, is_exact):
        checks = {engine.title: Check(engine, workload, scratch)
                  for engine in [self.own, *self.other.values(),
                                 *(peers[0] for peers in self.peers.values())]}
        if is_exact:
            for title, check in checks.items():
                check.must_hold(title, workload)
        best = {name: tune(peers, workload) for name, peers in self.peers.items()}
        seconds = {}
        for _ in range(rounds):
            self._round(seconds, workload, best)
        self._add_rows(results, seconds, workload, best, checks)

    def _round(self, seconds, workload, best):
        def take(key, measure):
            time.sleep(SETTLING)
            seconds.setdefault(key, []).append(measure())
        take("peak", lambda: self.meter.peak(PEAK_SECONDS))
        take((self.own.title, "default"), lambda: self.own.seconds(workload))
        for title, engine in self.other.items():
            take((title, "default"), lambda: engine.seconds(workload))
        for name, peers in self.peers.items():
            take((name, "default"), lambda: peers[0].seconds(workload))
            peer, batch = best[name]
            take((name, "best"), lambda: peer.seconds(workload, batch, "length"))

    def _add_rows(self, results, seconds, workload, best, checks):
        own = seconds[self.own.title, "default"]
        for title in [self.own.title, *self.other, *self.peers]:
            cells = [f"`{workload.name}`", self.threads, title]
            cells += self._add_speed(results, title, "default", seconds, own, workload)
            if title in best:
                peer, batch = best[title]
                split = f", {peer.streams} at a time" if peer.streams > 1 else ""
                cells += [f"{batch}{split}"]
                cells += self._add_speed(results, title, "best", seconds, own, workload)
                times = report.ratios(seconds[title, "best"], own)
                bars = results.bars.setdefault(self.threads, {}).setdefault(workload.name, {})
                bars[title] = (median(times), min(times), max(times))
            else:
                cells += ["", "", ""]
            cells.append(self._share_cell(title, seconds, workload))
            cells += [f"{checks[title].difference:.0e}", f"{100 * checks[title].same:.1f} %"]
            results.cells.append(cells)
            print(*cells, sep="  ", flush=True)

    def _add_speed(self, results, title, mode, seconds, own, workload):
        """Tokens a second, and how many times faster Headwise is."""
        spent = seconds[title, mode]
        speeds = [workload.tokens / value for value in spent]
        case = f"{workload.name}, {mode}"
        results.figures.append(report.figure(case, title, self.threads, speeds, "tokens/s"))
        if spent is own:
            return [f"{median(speeds):.0f}", "1"]
        times = report.ratios(spent, own)
        results.figures.append(report.figure(case, title, self.threads, times, "headwise is times"))
        return [f"{median(speeds):.0f}", report.ratio_cell(times)]

    def _share_cell(self, title, seconds, workload):
        """Of the peak, at its best (SHARE_NOTE)."""
        spent = seconds.get((title, "best"), seconds[title, "default"])
        whole = work.forward_operations(self.config, workload.lengths)
        done = work.forward_operations(self.config, workload.lengths, first_token_only=True)

        def share(operations):
            rates = [operations / value for value in spent]
            return f"{100 * median(report.ratios(rates, seconds['peak'])):.0f} %"
        return f"{share(done)} ({share(whole)})" if title not in self.peers else share(whole)


HEADINGS = ["set", "threads:", "engine", "tokens/s, default:", "Headwise is times",
            "its best batch", "tokens/s, best:", "Headwise is times", "of the fp32 peak:",
            "largest difference of a logit:", "same label:"]


def workloads_of(arguments, folder, scratch):
    if not arguments.lengths:
        return [workloads.of_set(name, arguments.tokens, folder, scratch)
                for name in arguments.sets.split(",")]
    return [workloads.of_length(length, arguments.tokens // length + 1, ("newsgroups20", "agnews"),
                                folder, scratch) for length in map(int, arguments.lengths.split(","))]


def contest_of(arguments, names, folder, threads):
    build = arguments.build
    plain = HeadwiseProcess("Headwise", folder, threads, build)
    if not arguments.int8:
        return Contest(plain, {}, names, folder, threads, build)
    own, half = (HeadwiseProcess(f"Headwise {dtype}", quantized_model(folder, build, dtype),
                                 threads, build) for dtype in ("int8", "bf16"))
    return Contest(own, {"Headwise": plain, "Headwise bf16": half}, names, folder, threads, build)


def measure(arguments, folder, scratch):
    """(results, the table)"""
    default = small_engines(arguments) if arguments.int8 else FP32
    names = arguments.engines.split(",") if arguments.engines else default
    prepare_peers(names, folder)
    loads = workloads_of(arguments, folder, scratch)
    results = Results()
    for threads in map(int, arguments.threads.split(",")):
        contest = contest_of(arguments, names, folder, threads)
        for workload in loads:
            contest.run(results, workload, arguments.rounds, scratch, not arguments.int8)
        contest.close()
    note = "; ".join(map(str, loads)) + f". {SHARE_NOTE} {report.stamp(arguments)}"
    if arguments.isa == "avx2":
        note += f" {LIMIT_NOTE}"
    return results, report.table_of(HEADINGS, results.cells) + "\n\n" + note


def marker_of(arguments):
    words = ["small encoder" if arguments.model == "small" else "encoder",
             "int8" if arguments.int8 else "speed"]
    return " ".join(words + ["equal lengths"] * bool(arguments.lengths))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser)
    parser.add_argument("--model", choices=MODELS, default="minilm")
    parser.add_argument("--int8", action="store_true", help="int8 and 16-bit models")
    parser.add_argument("--engines", default="", help="names of bench/peers.py, with commas")
    parser.add_argument("--sets", default="sst2,agnews,newsgroups20")
    parser.add_argument("--lengths", default="", help="tokens of every text, instead of sets")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--tokens", type=int, default=20000, help="of a set in one round")
    return report.parse(parser)


def main():
    arguments = parse_arguments()
    marker = marker_of(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        results, table = measure(arguments, MODELS[arguments.model](), Path(scratch))
    report.publish(marker, table, results.figures, arguments, list(results.plots(marker)))


if __name__ == "__main__":
    main()
