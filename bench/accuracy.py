"""Accuracy of Headwise beside two baselines on public data sets, as one markdown table.

    bench/setup.sh
    bench/venv/bin/python bench/accuracy.py --markdown docs/accuracy.md

Every result is kept in bench/results/ under the set, the engine, its options, the seed and the
checksum of its program, so that an interrupted run goes on and a changed program is measured again.
"""

import argparse
import json
import os
import platform
import subprocess
import tempfile
from pathlib import Path

import datasets
from engines import FastText, Headwise, Svm

ROOT = Path(__file__).resolve().parents[1]


class Results:
    """Results on disk: a file for the baselines, one for Headwise, one for its encoders."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.records = {}
        for name in ("baselines", "headwise", "encoders"):
            path = self.folder / f"{name}.json"
            self.records[name] = json.loads(path.read_text()) if path.exists() else {}

    @staticmethod
    def key(data_set, engine, seed):
        parts = (data_set.name, engine.name, engine.options, engine.checksum(), f"seed {seed}")
        return " | ".join(parts)

    def get(self, data_set, engine, seed):
        return self.records[engine.results].get(self.key(data_set, engine, seed))

    def recorded(self, data_set, engine, seed):
        """What any build of the program gave."""
        before, after = self.key(data_set, engine, seed).split(engine.checksum())
        records = [record for key, record in self.records[engine.results].items()
                   if key.startswith(before) and key.endswith(after)]
        if len(records) != 1:
            raise SystemExit(f"{data_set.name}, {engine.name}, seed {seed}: {len(records)} records")
        return records[0]

    def put(self, data_set, engine, seed, record):
        self.records[engine.results][self.key(data_set, engine, seed)] = record
        self.save(engine.results)

    def save(self, name):
        path = self.folder / f"{name}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.records[name], indent=1, sort_keys=True) + "\n")
        temporary.replace(path)


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def commit():
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )
    return described.stdout.strip() or "not committed"


def measure(results, data_set, engine, seed):
    """One training and one test, unless it is known already."""
    record = results.get(data_set, engine, seed)
    if record is None:
        with tempfile.TemporaryDirectory() as folder:
            record = engine.run(data_set, seed, Path(folder))
        record = {name: round(value, 3) for name, value in record.items()}
        record.update(measure=datasets.measure_name(data_set), cpu=cpu_name(),
                      cores=len(os.sched_getaffinity(0)))
        if engine.results != "baselines":
            record["commit"] = commit()
        results.put(data_set, engine, seed, record)
    print(f"{data_set.name:16} {engine.name:9} seed {seed}  {record['score']:6.2f}"
          f"  {record['seconds']:7.1f} s  {record['mib']:6.0f} MiB", flush=True)
    return record


def mean(values):
    return sum(values) / len(values)


def row_of(results, data_set, engines, seeds):
    """Mean over seeds of every engine on one set; baselines have no use for a second seed."""
    row = {"set": data_set.name, "measure": datasets.measure_name(data_set)}
    for engine in engines:
        used = seeds if engine.name == "headwise" else seeds[:1]
        records = [measure(results, data_set, engine, seed) for seed in used]
        row[engine.name] = mean([record["score"] for record in records])
        row[engine.name + " seconds"] = mean([record["seconds"] for record in records])
        row[engine.name + " mib"] = max(record["mib"] for record in records)
    baselines = [row[name] for name in ("svm", "fasttext") if name in row]
    if baselines:
        row["better"] = max(baselines)
        if "headwise" in row:
            row["difference"] = row["headwise"] - row["better"]
    return row


def columns_of(engines):
    """[(key in a row, heading, format)], in the table's order."""
    columns = [(e.name, e.title, "{:.2f}") for e in engines if e.name != "headwise"]
    if columns:
        columns.append(("better", "better baseline", "{:.2f}"))
    if any(e.name == "headwise" for e in engines):
        columns.append(("headwise", "Headwise", "{:.2f}"))
        if len(columns) > 1:
            columns.append(("difference", "difference", "{:+.2f}"))
        columns.append(("headwise seconds", "training, s", "{:.0f}"))
        columns.append(("headwise mib", "memory, MiB", "{:.0f}"))
    return columns


def markdown_of(rows, engines, seeds):
    columns = columns_of(engines)
    lines = ["| set | measure | " + " | ".join(title for _, title, _ in columns) + " |",
             "|---|---|" + "---:|" * len(columns)]
    for row in rows:
        cells = [form.format(row[key]) for key, _, form in columns]
        lines.append(f"| `{row['set']}` | {row['measure']} | " + " | ".join(cells) + " |")
    cells = [form.format(mean([row[key] for row in rows])) for key, _, form in columns]
    lines.append(f"| **mean of {len(rows)}** | | " + " | ".join(cells) + " |")
    notes = f"Test parts, per cent. Seeds of Headwise: {' '.join(map(str, seeds))}. {cpu_name()}, " \
            f"{len(os.sched_getaffinity(0))} cores, commit {commit()}. fastText is given Chinese " \
            "text as characters separated by spaces, and English text in lower case with " \
            "punctuation set apart."
    return "\n".join(lines + ["", notes])


def write_between_markers(path, table, name="accuracy"):
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    path = Path(path)
    text = path.read_text() if path.exists() else f"{begin}\n{end}\n"
    before, rest = text.split(begin, 1)
    after = rest.split(end, 1)[1]
    path.write_text(f"{before}{begin}\n{table}\n{end}{after}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="", help="names separated by commas; default: all")
    parser.add_argument("--engines", default="svm,fasttext,headwise")
    parser.add_argument("--seeds", default="1", help="of Headwise, separated by commas")
    parser.add_argument("--arch", default="", help="hybrid, attention or bag")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--results", default=ROOT / "bench" / "results", help="folder of results")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    parser.add_argument("--marker", default="accuracy", help="the name in those markers")
    parser.add_argument("--json", help="file to write the table's rows to")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    make = {"svm": Svm, "fasttext": FastText,
            "headwise": lambda: Headwise(arguments.program, arguments.arch)}
    engines = [make[name]() for name in arguments.engines.split(",")]
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    chosen = [datasets.find(name) for name in arguments.sets.split(",") if name] or datasets.SETS
    results = Results(arguments.results)
    rows = [row_of(results, data_set, engines, seeds) for data_set in chosen]
    table = markdown_of(rows, engines, seeds)
    print(table)
    if arguments.markdown:
        write_between_markers(arguments.markdown, table, arguments.marker)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
