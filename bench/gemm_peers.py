"""Linear layers of MiniLM in Headwise, OpenBLAS and oneDNN, 32-bit floats, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/gemm_peers.py [--isa avx2] --markdown docs/performance.md

Each engine has a process of its own (bench/gemm_bench.c), pinned to as many CPUs as it has threads;
they take turns. The peak is measured in every round, on the same CPUs. OpenBLAS is NumPy's, oneDNN that
of the package onednn-cpu-gomp.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy

import plot
import report
from cache import ROOT, cached
from line_process import LineProcess, first_cpus

SHAPES = ((384, 384), (1152, 384), (1536, 384), (384, 1536))  # (n, k): out, qkv, in and out
ENGINES = ("headwise", "openblas", "onednn")
PEERS = {"openblas": "OpenBLAS", "onednn": "oneDNN"}
TOLERANCE = 1e-3  # of the weighted sum of a product's elements
SETTLING = 0.1  # seconds until threads that wait by spinning have gone to sleep


# ---- Engines ---------------------------------------------------------------------------------


def driver_program(build):
    sources = [ROOT / "bench" / name for name in ("gemm_bench.c", "gemm_engines.c")]
    headers = [ROOT / "bench" / name for name in ("gemm_engines.h", "peak.h")]
    library, prefix = build.resolve() / "libheadwise.a", Path(sys.prefix)
    openblas = next(Path(numpy.__path__[0]).parent.glob("numpy.libs/libscipy_openblas64_*.so"))

    def compile_driver(path):
        subprocess.run(["gcc", "-std=c17", "-O2", "-ffp-contract=off", "-D_GNU_SOURCE",
                        f"-I{ROOT / 'include'}", f"-I{ROOT / 'src'}", f"-I{prefix / 'include'}",
                        *sources, "-o", path, library, openblas, f"-L{prefix / 'lib'}", "-ldnnl",
                        f"-Wl,-rpath,{openblas.parent},-rpath,{prefix / 'lib'}", "-lm", "-pthread"],
                       check=True)

    return cached("gemm_bench", compile_driver, *sources, *headers, library)


class Engine(LineProcess):
    def __init__(self, name, threads, build):
        super().__init__([driver_program(build), name, threads], first_cpus(threads), threads)
        self.name = name

    def peak(self, seconds):
        """Of the multiply-add loop on all its CPUs, in operations a second."""
        return self.ask("peak", seconds)["rate"]


# ---- Measuring -------------------------------------------------------------------------------


def measure_shape(engines, m, n, k, arguments):
    """{engine: [rate of each round]}, the peak among them."""
    rates = {"peak": []}
    for _ in range(arguments.rounds):
        time.sleep(SETTLING)
        rates["peak"].append(engines[0].peak(arguments.seconds))
        sums = []
        for engine in engines:
            time.sleep(SETTLING)
            answer = engine.ask("linear", m, n, k, arguments.seconds)
            rates.setdefault(engine.name, []).append(answer["rate"])
            sums.append(answer["sum"])
        if max(sums) - min(sums) > TOLERANCE * max(map(abs, sums)):
            raise SystemExit(f"{m} x {n} x {k}: the products differ: {sums}")
    return rates


class Results:
    """Cells of the table, figures of the CSV, and ratios for the plot."""

    def __init__(self):
        self.cells, self.figures, self.ratios = [], [], {}

    def add(self, threads, m, n, k, rates):
        case = f"{m}x{n}x{k}"
        cells = [threads, m, f"{n} x {k}", f"{median(rates['headwise']) / 1e9:.0f}"]
        for name in ENGINES:
            shares = report.ratios(rates[name], rates["peak"])
            cells.append(f"{100 * median(shares):.0f} %")
            self.figures += [report.figure(case, name, threads, rates[name], "flop/s"),
                             report.figure(case, name, threads, shares, "of peak")]
        for name in PEERS:
            times = report.ratios(rates["headwise"], rates[name])
            cells.append(report.ratio_cell(times))
            self.figures.append(report.figure(case, name, threads, times, "headwise is times"))
            group = self.ratios.setdefault(threads, {}).setdefault(f"m = {m}", {})
            group.setdefault(PEERS[name], []).append(median(times))
        self.cells.append(cells)

    def plots(self):
        for threads, groups in self.ratios.items():
            bars = {m: {name: (median(values), min(values), max(values))
                        for name, values in group.items()} for m, group in groups.items()}
            title = f"Times faster than each library, {threads} " \
                    f"{'thread' if threads == 1 else 'threads'}, over the shapes"
            yield f"gemm {threads}", lambda path, t=title, b=bars: plot.bars(path, t, b)


HEADINGS = ["threads:", "m:", "n x k:", "Headwise, GFLOP/s:", "of the peak:", "OpenBLAS, of the peak:",
            "oneDNN, of the peak:", "times OpenBLAS", "times oneDNN"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--m", default="1,4,8,16,48,128,512", help="rows of x")
    parser.add_argument("--seconds", type=float, default=0.02, help="of one measurement")
    arguments = report.parse(parser)
    results = Results()
    for threads in map(int, arguments.threads.split(",")):
        engines = [Engine(name, threads, arguments.build) for name in ENGINES]
        hello = engines[0].hello
        for n, k in SHAPES:
            for m in map(int, arguments.m.split(",")):
                results.add(threads, m, n, k, measure_shape(engines, m, n, k, arguments))
                print(*results.cells[-1], sep="  ", flush=True)
        for engine in engines:
            engine.close()
    note = f"Headwise's kernels: {hello['kernels']}; OpenBLAS's: {hello['core']}. " \
           f"{report.stamp(arguments)}"
    table = report.table_of(HEADINGS, results.cells) + "\n\n" + note
    report.publish("gemm", table, results.figures, arguments, list(results.plots()))


if __name__ == "__main__":
    main()
