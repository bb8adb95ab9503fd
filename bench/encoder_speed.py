"""Speed of MiniLM-L6 in Headwise and in other engines, in one run, as markdown tables.

    bench/setup.sh encoder
    bench/venv/bin/python bench/encoder_speed.py --markdown docs/encoders.md
    bench/venv/bin/python bench/encoder_speed.py --int8 --markdown docs/encoders.md
    bench/venv/bin/python bench/encoder_speed.py --start --markdown docs/encoders.md

Texts of real lengths, at most 512 tokens. Headwise is given text and tokenizes it in its time; the
others are given the ids. Each of them runs twice: with batches of 32 in order of arrival, padded to
the longest, and at its best: sorted by length, with the batch size and the split of the threads
that a trial before the rounds found fastest. Every engine has a process of its own, pinned to as many
CPUs as it has threads; they take turns. A ratio is the median of the rounds' ratios, with the least
and the most. Outputs are compared first.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy

import reference
import datasets
import minilm
from accuracy import commit, cpu_name, write_between_markers
from cache import BUILD, ROOT, cached
from driver import Driver, write_texts

MOST_TOKENS = 512
BATCHES = (1, 8, 16, 32, 64, 128)
FP32 = ("torch", "onnxruntime", "openvino", "ctranslate2")
INT8 = ("onnxruntime int8", "openvino bf16", "openvino int8", "ctranslate2 int8")
TOLERANCE = 1e-3  # of a logit, between engines of 32-bit floats
TIE = 1e-5  # labels whose logits differ by less are both right


# ---- Texts ----------------------------------------------------------------------------------


class Workload:
    """Texts of one set, at least as many tokens as asked for, and what their logits are."""

    def __init__(self, name, tokens, folder, scratch):
        self.name = name
        texts = datasets.read(datasets.find(name), "test")[1]
        random.Random(1).shuffle(texts)
        ids = reference.token_ids(reference.tokenizer_of(str(folder)), texts, MOST_TOKENS)
        ends = numpy.cumsum([len(row) for row in ids])
        count = min(int(numpy.searchsorted(ends, tokens)) + 1, len(texts))
        self.texts, self.tokens = count, int(ends[count - 1])
        self.text_path, self.ids_path = scratch / f"{name}.texts", scratch / f"{name}.npz"
        write_texts(self.text_path, texts[:count])
        numpy.savez(self.ids_path, ids=numpy.concatenate(ids[:count]), ends=ends[:count])
        self.expected = reference.logits(reference.open_classifier(folder), ids[:count])


# ---- Engines --------------------------------------------------------------------------------


class HeadwiseProcess:
    def __init__(self, title, model, threads, cpus, build):
        self.title = title
        self.driver = Driver(model, threads, MOST_TOKENS, build, cpus)

    def seconds(self, workload, batch=32, order="arrival", out="-"):
        return self.driver.classify(workload.text_path, batch, out)["seconds"]

    def logits(self, workload, scratch):
        """Up to a constant of each text."""
        out = scratch / "out"
        self.seconds(workload, out=out)
        p = numpy.fromfile(out, dtype=numpy.float32).reshape(workload.texts, -1)
        return numpy.log(p.astype(numpy.float64))

    def close(self):
        self.driver.close()


class PeerProcess:
    def __init__(self, title, folder, threads, cpus, streams=1):
        self.title, self.streams = title, streams
        own = str(threads // streams)
        environment = dict(os.environ, OMP_NUM_THREADS=own, MKL_NUM_THREADS=own,
                           OPENBLAS_NUM_THREADS=own)
        self.errors = tempfile.TemporaryFile("w+")
        start = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "bench" / "peers.py", title, folder, str(threads),
             str(streams)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            stderr=self.errors, env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self.hello = self._answer()
        self.process_seconds = time.perf_counter() - start

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            raise SystemExit(f"{self.title}: {self.errors.read()}")
        return json.loads(line)

    def seconds(self, workload, batch=32, order="arrival", out="-"):
        self.process.stdin.write(f"classify {workload.ids_path} {batch} {order} {out}\n")
        self.process.stdin.flush()
        return self._answer()["seconds"]

    def logits(self, workload, scratch):
        out = scratch / "out"
        self.seconds(workload, out=out)
        return numpy.fromfile(out, dtype=numpy.float32).reshape(workload.texts, -1)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def prepare_peers(names, folder):
    """Their formats of the model, made before anything is timed."""
    for name in names:
        PeerProcess(name, folder, 1, first_cpus(1)).close()


def first_cpus(count):
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < count:
        raise SystemExit(f"{count} threads: there are {len(cpus)} CPUs")
    return set(cpus[:count])


def int8_model(folder, build):
    def quantize(path):
        subprocess.run([Path(build) / "headwise", "quantize", "-input", folder, "-output", path,
                        "--quiet"], check=True)
    return cached(f"{folder.name}.int8.safetensors", quantize, Path(build) / "headwise")


# ---- Measuring ------------------------------------------------------------------------------


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


class Contest:
    """Headwise and its peers on some workloads with one number of threads."""

    def __init__(self, own, other, names, folder, threads, cpus):
        """own: the Headwise that everything is compared with; other: {title: Headwise}."""
        self.threads, self.own, self.other = threads, own, other
        splits = [1] if threads == 1 else [1, threads]
        self.peers = {name: [PeerProcess(name, folder, threads, cpus, streams)
                             for streams in splits] for name in names}

    def close(self):
        for engine in [self.own, *self.other.values(), *sum(self.peers.values(), [])]:
            engine.close()

    def run(self, workload, rounds, scratch, is_exact):
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
        return self._rows(seconds, workload, best, checks)

    def _round(self, seconds, workload, best):
        def take(key, measure):
            time.sleep(0.2)  # until threads that wait by spinning have gone to sleep
            seconds.setdefault(key, []).append(measure())
        take((self.own.title, "default"), lambda: self.own.seconds(workload))
        for title, engine in self.other.items():
            take((title, "default"), lambda: engine.seconds(workload))
        for name, peers in self.peers.items():
            take((name, "default"), lambda: peers[0].seconds(workload))
            peer, batch = best[name]
            take((name, "best"), lambda: peer.seconds(workload, batch, "length"))

    def _rows(self, seconds, workload, best, checks):
        own = seconds[self.own.title, "default"]
        for title in [self.own.title, *self.other, *self.peers]:
            cells = [f"`{workload.name}`", str(self.threads), title]
            cells += self._cells(seconds[title, "default"], own, workload)
            if title in best:
                peer, batch = best[title]
                split = f", {peer.streams} at a time" if peer.streams > 1 else ""
                cells += [f"{batch}{split}", *self._cells(seconds[title, "best"], own, workload)]
            else:
                cells += ["", "", ""]
            cells += [f"{checks[title].difference:.0e}", f"{100 * checks[title].same:.1f} %"]
            yield "| " + " | ".join(cells) + " |"

    @staticmethod
    def _cells(seconds, own, workload):
        """Tokens a second, and how many times faster Headwise is."""
        speed = f"{workload.tokens / median(seconds):.0f}"
        if seconds is own:
            return [speed, "1"]
        ratios = [theirs / ours for theirs, ours in zip(seconds, own)]
        return [speed, f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"]


HEADINGS = ["| set | threads | engine | tokens/s, default | Headwise is times | its best batch | "
            "tokens/s, best | Headwise is times | largest difference of a logit | same label |",
            "|---|---:|---|---:|---|---|---:|---|---:|---:|"]


def measure_speed(arguments, folder, scratch):
    is_int8 = arguments.int8
    names = arguments.engines.split(",") if arguments.engines else INT8 if is_int8 else FP32
    prepare_peers(names, folder)
    workloads = [Workload(name, arguments.tokens, folder, scratch)
                 for name in arguments.sets.split(",")]
    rows = []
    for threads in map(int, arguments.threads.split(",")):
        cpus = first_cpus(threads)
        plain = HeadwiseProcess("Headwise", folder, threads, cpus, arguments.build)
        own, other = plain, {}
        if is_int8:
            own = HeadwiseProcess("Headwise int8", int8_model(folder, arguments.build), threads,
                                  cpus, arguments.build)
            other = {"Headwise": plain}
        contest = Contest(own, other, names, folder, threads, cpus)
        for workload in workloads:
            rows += contest.run(workload, arguments.rounds, scratch, not is_int8)
            print("\n".join(rows[-1 - len(other) - len(names):]), flush=True)
        contest.close()
    sizes = ", ".join(f"{w.name} {w.texts} texts of {w.tokens / w.texts:.0f} tokens"
                      for w in workloads)
    return "\n".join([*HEADINGS, *rows, "", f"{sizes}. {arguments.rounds} rounds. {stamp()}"])


# ---- From opening to the first result --------------------------------------------------------


def measure_start(arguments, folder):
    names = arguments.engines.split(",") if arguments.engines else FP32
    prepare_peers(names, folder)
    cpus = first_cpus(1)
    weights = (folder / "model.safetensors").stat().st_size / 2**20
    records = {}
    for _ in range(arguments.rounds):
        for name in ("Headwise", *names):
            records.setdefault(name, []).append(start_once(name, folder, cpus, arguments.build))
    lines = ["| engine | opening, ms | to the first result, ms | process to the first result, ms | "
             "resident, MiB | above the weights, MiB | peak, MiB |",
             "|---|---:|---:|---:|---:|---:|---:|"]
    for name, runs in records.items():
        opening, first, process, resident, peak = (median(column) for column in zip(*runs))
        lines.append(f"| {name} | {1000 * opening:.1f} | {1000 * first:.1f} | {1000 * process:.0f} "
                     f"| {resident:.1f} | {resident - weights:.1f} | {peak:.1f} |")
    note = f"Median of {arguments.rounds} processes of each, in turns, files in the page cache, " \
           f"one thread. Importing a library counts in the process's time alone. The weights " \
           f"are {weights:.1f} MiB. {stamp()}"
    return "\n".join([*lines, "", note])


def start_once(name, folder, cpus, build):
    """(opening, first result, process: seconds; resident, peak: MiB)"""
    start = time.perf_counter()
    if name == "Headwise":
        engine = HeadwiseProcess(name, folder, 1, cpus, build)
        process, hello = time.perf_counter() - start, engine.driver.hello
    else:
        engine = PeerProcess(name, folder, 1, cpus)
        process, hello = engine.process_seconds, engine.hello
    engine.close()
    return (hello["open_seconds"], hello["first_seconds"], process, hello["rss_kib"] / 1024,
            hello["peak_kib"] / 1024)


def stamp():
    return f"{cpu_name()}, {time.strftime('%Y-%m-%d')}, commit {commit()}."


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--int8", action="store_true", help="int8 and 16-bit models")
    parser.add_argument("--start", action="store_true", help="opening, first result, memory")
    parser.add_argument("--engines", default="", help="names of bench/peers.py, with commas")
    parser.add_argument("--sets", default="sst2,agnews,newsgroups20")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--tokens", type=int, default=20000, help="of a set in one round")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--build", default=BUILD, help="folder of headwise and libheadwise")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    folder = minilm.classifier_folder()
    if arguments.start:
        marker, table = "encoder start", measure_start(arguments, folder)
    else:
        marker = "encoder int8" if arguments.int8 else "encoder speed"
        with tempfile.TemporaryDirectory() as scratch:
            table = measure_speed(arguments, folder, Path(scratch))
    print(table)
    if arguments.markdown:
        write_between_markers(arguments.markdown, table, marker)


if __name__ == "__main__":
    main()
