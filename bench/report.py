"""What the speed benchmarks share: which instruction sets are allowed, ratios, and where results go.

With --markdown a table is written between its markers, its figures are appended to
bench/results/<cpu>.csv, and plots are written beside that.
"""

import csv
import os
import re
import time
from collections import namedtuple
from pathlib import Path
from statistics import median

from accuracy import commit, cpu_name, write_between_markers
from cache import BUILD, ROOT

# What limits the engines to AVX2: Headwise, OpenBLAS, oneDNN (PyTorch, OpenVINO and CTranslate2 have
# it, too), PyTorch's own kernels, MKL, CTranslate2. ONNX Runtime has no such switch.
LIMITS = {"best": {},
          "avx2": {"HEADWISE_ISA": "avx2", "OPENBLAS_CORETYPE": "Haswell",
                   "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
                   "MKL_ENABLE_INSTRUCTIONS": "AVX2", "CT2_FORCE_CPU_ISA": "AVX2"}}
LIMIT_NOTES = {"best": "The best instruction set that each finds",
               "avx2": "AVX2 alone"}

# The median, the least and the most of what the rounds gave for one engine on one case.
Figure = namedtuple("Figure", "case engine threads value unit low high")
COLUMNS = ("date", "commit", "benchmark", "case", "engine", "threads", "isa", "value", "unit", "low",
           "high")


# ---- Arguments -------------------------------------------------------------------------------


def add_arguments(parser, rounds=7):
    parser.add_argument("--isa", choices=LIMITS, default="best", help="the most that is used")
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--build", type=Path, default=BUILD, help="folder of headwise, libheadwise")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results",
                        help="folder for the CSV and the plots that --markdown writes, too")


def parse(parser):
    """The arguments. Processes that are started from now on keep to --isa."""
    arguments = parser.parse_args()
    for name in LIMITS["avx2"]:
        os.environ.pop(name, None)
    os.environ.update(LIMITS[arguments.isa])
    return arguments


# ---- Figures -----------------------------------------------------------------------------------


def figure(case, engine, threads, values, unit):
    return Figure(case, engine, threads, median(values), unit, min(values), max(values))


def ratios(dividends, divisors):
    """Round by round."""
    return [a / b for a, b in zip(dividends, divisors)]


def ratio_cell(values):
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


# ---- Where results go --------------------------------------------------------------------------


def cpu_file_name():
    """The CPU's name and, because virtual machines hide half of it, its family and model."""
    words = [cpu_name()]
    for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines():
        if line.startswith(("cpu family", "model\t")):
            words.append(line)
    return re.sub("[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")


def marker_of(name, arguments):
    return name if arguments.isa == "best" else f"{name} {arguments.isa}"


def table_of(headings, rows):
    """A markdown table. A heading that ends in a colon is of a column of numbers."""
    names = " | ".join(heading.rstrip(":") for heading in headings)
    marks = "|".join("---:" if heading.endswith(":") else "---" for heading in headings)
    lines = ["| " + " | ".join(map(str, cells)) + " |" for cells in rows]
    return "\n".join([f"| {names} |", f"|{marks}|", *lines])


def stamp(arguments):
    return f"{arguments.rounds} rounds, taken in turns. {LIMIT_NOTES[arguments.isa]}. " \
           f"{cpu_name()}, {time.strftime('%Y-%m-%d')}, commit {commit()}."


def append_figures(benchmark, figures, arguments):
    path = arguments.results / f"{cpu_file_name()}.csv"
    is_new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(COLUMNS)
        for f in figures:
            writer.writerow([time.strftime("%Y-%m-%d"), commit(), benchmark, f.case, f.engine,
                             f.threads, arguments.isa, f"{f.value:.6g}", f.unit, f"{f.low:.6g}",
                             f"{f.high:.6g}"])


def publish(benchmark, table, figures, arguments, plots=()):
    """plots: [(name, draw(path)), ...]. Prints the table; with --markdown writes everything."""
    print(table)
    if not arguments.markdown:
        return
    arguments.results.mkdir(parents=True, exist_ok=True)
    pictures = ""
    for name, draw in plots:
        name_in_path = marker_of(name, arguments).replace(" ", "-")
        path = arguments.results / f"{cpu_file_name()}-{name_in_path}.svg"
        draw(path)
        link = os.path.relpath(path, Path(arguments.markdown).parent)
        pictures += f"\n\n![{name}]({link})"
    append_figures(benchmark, figures, arguments)
    write_between_markers(arguments.markdown, table + pictures, marker_of(benchmark, arguments))
