"""What `headwise pretrain` buys: an encoder pretrained on the train parts of all sets of a language,
against the same encoder with random weights, and against the classifier from scratch.

    bench/setup.sh encoder
    bench/venv/bin/python bench/pretrain_gain.py --markdown docs/encoders.md

Pretraining reads texts without labels; a text that stands in the test part of any set is left out.
There is one pretraining a language and one random encoder a seed; both are fine-tuned with the same
options, once a seed. The interval is Student's over the differences of the seeds. Results are kept
as those of bench/accuracy.py are.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import datasets
from accuracy import ROOT, Results, commit, cpu_name, mean, measure, write_between_markers
from cache import cached
from engines import BENCH, Headwise, file_checksum, headwise_score, run_command
from tower_gain import interval


def language_texts(language):
    """Distinct training texts of all sets of the language that are in no test part."""
    sets = [data_set for data_set in datasets.SETS if data_set.language == language]
    test = {text for data_set in sets for text in datasets.read(data_set, "test")[1]}
    texts = {}
    for data_set in sets:
        texts |= dict.fromkeys(datasets.read(data_set, "train")[1])
    return [text for text in texts if text and text not in test]


class Pretraining:
    """The encoder of a language, made once for a program and its options."""

    def __init__(self, program, options):
        self.program, self.options = Path(program), options

    def folder(self, language):
        name = f"pretrained-{language}-{self.options.replace(' ', '')}"
        return cached(name, lambda path: self._make(language, path), self.program)

    def _make(self, language, path):
        texts = path.with_name(path.name + ".txt")
        lines = "".join(text + "\n" for text in language_texts(language))
        texts.write_text(lines, encoding="utf-8")
        command = [self.program, "pretrain", "-input", texts, "--format", "text", "-output", path,
                   "-seed", "1", "-verbose", "1", *self.options.split()]
        _, seconds, mib = run_command(command)
        texts.unlink()
        (path / "pretraining.json").write_text(json.dumps({"seconds": seconds, "mib": mib,
                                                           "texts": lines.count("\n")}))

    def record(self, language):
        return json.loads((self.folder(language) / "pretraining.json").read_text())


class FineTuned:
    """Fine-tuning from the pretrained encoder or from a random one."""

    results = "encoders"

    def __init__(self, program, pretraining, is_pretrained, options):
        self.program, self.pretraining = Path(program), pretraining
        self.is_pretrained, self.train_options = is_pretrained, options
        self.name = "pretrain" if is_pretrained else "random"
        self.options = f"pretrain {pretraining.options}; train {options}"

    def checksum(self):
        return file_checksum(self.program)

    def run(self, data_set, seed, folder):
        base = self.pretraining.folder(data_set.language)
        if not self.is_pretrained:
            command = [sys.executable, BENCH / "random_encoder.py", base, seed, folder / "base"]
            run_command(command)
            base = folder / "base"
        model = folder / "model.safetensors"
        command = [self.program, "train", "-input", datasets.part_path(data_set, "train"),
                   "-output", model, "-base", base, "-seed", seed, "-verbose", "0"]
        _, seconds, mib = run_command(command + self.train_options.split())
        score = headwise_score(self.program, model, data_set)
        return {"score": score, "seconds": seconds, "mib": mib}


def cell_of(differences):
    low, high = interval(differences)
    return f"{mean(differences):+.2f} ({low:+.2f} to {high:+.2f})"


def row_of(data_set, scores):
    pretrained, random, scratch = scores
    gain = [with_it - without for with_it, without in zip(pretrained, random)]
    beside = [encoder - other for encoder, other in zip(pretrained, scratch)]
    return (f"| `{data_set.name}` | {data_set.language} | {mean(random):.2f} | "
            f"{mean(pretrained):.2f} | {cell_of(gain)} | {mean(scratch):.2f} | {cell_of(beside)} |")


def markdown_of(rows, languages, pretraining, arguments):
    lines = ["| set | language | random encoder | pretrained | gain, 95 % interval | default hybrid "
             "| pretrained against it |", "|---|---|---:|---:|---|---:|---|"]
    made = []
    for language in languages:
        record = pretraining.record(language)
        made.append(f"{language}: {record['texts']} texts, {record['seconds'] / 60:.0f} minutes, "
                    f"{record['mib']:.0f} MiB")
    notes = f"Test parts, per cent. Seeds {arguments.seeds.replace(',', ' ')}. Pretraining " \
            f"(`{pretraining.options or 'no options'}`): {'; '.join(made)}. Fine-tuning of both: " \
            f"`{arguments.train_options}`. {cpu_name()}, {time.strftime('%Y-%m-%d')}, " \
            f"commit {commit()}."
    return "\n".join([*lines, *rows, "", notes])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="toutiao,emotion_zh,trec6,hwu64")
    parser.add_argument("--seeds", default="1,2,3,4,5", help="at least two")
    parser.add_argument("--pretrain-options", default="", help="of `headwise pretrain`")
    parser.add_argument("--train-options", default="-epoch 8 -lr 5e-4",
                        help="of `headwise train -base`, for both encoders")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--results", default=ROOT / "bench" / "results", help="folder of results")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    results = Results(arguments.results)
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    sets = [datasets.find(name) for name in arguments.sets.split(",")]
    pretraining = Pretraining(arguments.program, arguments.pretrain_options)
    engines = [FineTuned(arguments.program, pretraining, True, arguments.train_options),
               FineTuned(arguments.program, pretraining, False, arguments.train_options),
               Headwise(arguments.program, "")]
    rows = []
    for data_set in sets:
        scores = [[measure(results, data_set, engine, seed)["score"] for seed in seeds]
                  for engine in engines]
        rows.append(row_of(data_set, scores))
        print(rows[-1], flush=True)
    languages = dict.fromkeys(data_set.language for data_set in sets)
    table = markdown_of(rows, languages, pretraining, arguments)
    print(table)
    if arguments.markdown:
        write_between_markers(arguments.markdown, table, "pretraining")


if __name__ == "__main__":
    main()
