"""From opening MiniLM-L6 to its first result, in Headwise and in other engines, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/encoder_start.py --markdown docs/encoders.md

Every measurement is a process of its own, on as many CPUs as it has threads; the engines take turns.
"""

import argparse
import time
from statistics import median

import minilm
import report
from processes import FP32, HeadwiseProcess, PeerProcess, prepare_peers

HEADINGS = ["threads:", "engine", "opening, ms:", "to the first result, ms:", "process to the first result, ms:",
            "resident, MiB:", "above the weights, MiB:", "peak, MiB:"]
COLUMNS = ("opening", "first result", "process", "resident", "peak")


def start_once(name, folder, threads, build):
    """(opening, first result, process: seconds; resident, peak: MiB)"""
    start = time.perf_counter()
    if name == "Headwise":
        engine = HeadwiseProcess(name, folder, threads, build)
        process, hello = time.perf_counter() - start, engine.driver.hello
    else:
        engine = PeerProcess(name, folder, threads)
        process, hello = engine.process_seconds, engine.hello
    engine.close()
    return (hello["open_seconds"], hello["first_seconds"], process, hello["rss_kib"] / 1024,
            hello["peak_kib"] / 1024)


def row_of(threads, name, runs, weights):
    opening, first, process, resident, peak = (median(column) for column in zip(*runs))
    return [threads, name, f"{1000 * opening:.1f}", f"{1000 * first:.1f}", f"{1000 * process:.0f}",
            f"{resident:.1f}", f"{resident - weights:.1f}", f"{peak:.1f}"]


def figures_of(threads, name, runs):
    units = ("s", "s", "s", "MiB", "MiB")
    return [report.figure(what, name, threads, column, unit)
            for what, unit, column in zip(COLUMNS, units, zip(*runs))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser)
    parser.add_argument("--engines", default=",".join(FP32), help="names of bench/peers.py")
    arguments = report.parse(parser)
    folder, names = minilm.classifier_folder(), arguments.engines.split(",")
    weights = (folder / "model.safetensors").stat().st_size / 2**20
    prepare_peers(names, folder)
    runs = {(threads, name): [] for threads in (1, 2) for name in ("Headwise", *names)}
    for _ in range(arguments.rounds):
        for (threads, name), taken in runs.items():
            taken.append(start_once(name, folder, threads, arguments.build))
    note = f"Median of {arguments.rounds} processes of each, files in the page cache. " \
           f"Importing a library counts in the process's time alone. The weights are " \
           f"{weights:.1f} MiB. {report.stamp(arguments)}"
    table = report.table_of(HEADINGS, [row_of(*of, r, weights) for of, r in runs.items()])
    figures = [figure for of, r in runs.items() for figure in figures_of(*of, r)]
    report.publish("encoder start", table + "\n\n" + note, figures, arguments)


if __name__ == "__main__":
    main()
