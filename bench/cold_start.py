"""From the start of a process to its first label, in Headwise and fastText, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/cold_start.py --markdown docs/performance.md

Each program labels one text with a model that is trained on trec6, or with MiniLM-L6 (a seeded
classifier); files are in the page cache. The programs take turns.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median

import datasets
import minilm
import report
from engines import FastText, run_command
from launch import launch
from processes import quantized_model

HEADINGS = ["program, model", "to the first label, ms", "to the end, ms:", "processor time, ms:",
            "peak, MiB:", "model, MiB:"]


def trained_by_headwise(program, data_set, folder, arch):
    model = folder / f"{arch}.safetensors"
    run_command([program, "train", "-input", datasets.part_path(data_set, "train"), "-output", model,
                 "-arch", arch, "-verbose", "0"])
    return model


def trained_by_fasttext(fasttext, data_set, folder):
    text = folder / "train.txt"
    fasttext.write(text, data_set, "train")
    run_command([fasttext.program, "supervised", "-input", text, "-output", folder / "model",
                 "-verbose", "0", *fasttext.options.split()])
    return folder / "model.bin"


def commands_of(program, data_set, folder):
    """{title: (command, the model)}"""
    fasttext, text = FastText(), folder / "text.txt"
    text.write_text(datasets.read(data_set, "test")[1][0] + "\n", encoding="utf-8")
    minilm_folder = minilm.classifier_folder()
    models = {"Headwise, hybrid": trained_by_headwise(program, data_set, folder, "hybrid"),
              "Headwise, attention": trained_by_headwise(program, data_set, folder, "attention"),
              "Headwise, bag": trained_by_headwise(program, data_set, folder, "bag"),
              "Headwise, MiniLM-L6": minilm_folder,
              "Headwise, MiniLM-L6 int8": quantized_model(minilm_folder, program.parent, "int8")}
    commands = {title: ([program, "predict", model, text, "1", "--format", "text"], model)
                for title, model in models.items()}
    model = trained_by_fasttext(fasttext, data_set, folder)
    return commands | {"fastText": ([fasttext.program, "predict", model, text], model)}


def mib_of(model):
    files = model.glob("*") if model.is_dir() else [model]
    return sum(file.stat().st_size for file in files) / 2**20


def row_of(title, runs, model):
    first = [1000 * run.first for run in runs]
    return [title, f"{median(first):.1f} ({min(first):.1f} to {max(first):.1f})",
            f"{1000 * median(run.seconds for run in runs):.1f}",
            f"{1000 * median(run.cpu for run in runs):.1f}",
            f"{max(run.mib for run in runs):.1f}", f"{mib_of(model):.1f}"]


def figures_of(title, runs):
    yield report.figure("first label", title, "", [run.first for run in runs], "s")
    yield report.figure("end", title, "", [run.seconds for run in runs], "s")
    yield report.figure("peak", title, "", [run.mib for run in runs], "MiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser, rounds=21)
    arguments = report.parse(parser)
    program, data_set = arguments.build / "headwise", datasets.find("trec6")
    with tempfile.TemporaryDirectory() as name:
        commands = commands_of(program, data_set, Path(name))
        runs = {title: [] for title in commands}
        for _ in range(arguments.rounds):
            for title, (command, _) in commands.items():
                runs[title].append(launch(command))
        rows = [row_of(title, runs[title], model) for title, (_, model) in commands.items()]
    table = report.table_of(HEADINGS, rows) + "\n\nThreads: each program's default. " \
        + report.stamp(arguments)
    figures = [figure for title in commands for figure in figures_of(title, runs[title])]
    report.publish("cold start", table, figures, arguments)


if __name__ == "__main__":
    main()
