"""Fine-tuning MiniLM-L6 in Headwise and in transformers + PyTorch by one recipe, as a markdown table;
and what int8 costs.

    bench/setup.sh encoder
    bench/venv/bin/python bench/fine_tune.py --markdown docs/encoders.md

For each set and seed the two train one after the other. Tokens are real ones: padding does not count.
Headwise's seconds are those of the whole command, from reading the data to the written model;
PyTorch's are those of its steps. Results are kept as those of bench/accuracy.py are.

    bench/venv/bin/python bench/fine_tune.py --models DIR
    bench/venv/bin/python bench/fine_tune.py --models DIR --requantize --markdown docs/encoders.md

keeps the models, and measures int8 anew on those that were kept, where quantising has changed.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import datasets
import minilm
from accuracy import ROOT, Results, commit, cpu_name, mean, measure, write_between_markers
from engines import BENCH, file_checksum, headwise_score, run_command

RECIPE = "-epoch 3 -lr 5e-5 -batch 32 --weight-decay 0.01 --warmup 0.1 --layer-decay 1 " \
         "--max-length 128"


class Pair:
    """PyTorch and Headwise, one after the other, so that their speeds can be compared."""

    name = "fine-tune"
    results = "encoders"

    def __init__(self, program, held_back, models):
        self.program, self.held_back = Path(program), held_back
        self.models = Path(models) if models else None
        self.options = f"MiniLM-L6 {RECIPE} --valid-split {held_back}"

    def checksum(self):
        return file_checksum(self.program) + "+" + file_checksum(BENCH / "fine_tune_torch.py")

    def run(self, data_set, seed, folder):
        torch = self._run_torch(data_set, seed)
        learned = (1 - self.held_back) * torch["tokens"]
        own = self._run_headwise(data_set, seed, folder, learned)
        return {**own, **{f"torch_{name}": value for name, value in torch.items()}}

    @staticmethod
    def _run_torch(data_set, seed):
        printed, _, mib = run_command([sys.executable, BENCH / "fine_tune_torch.py", data_set.name,
                                       minilm.encoder_folder(), seed])
        record = json.loads(printed)
        return {**record, "mib": mib, "speed": record["tokens"] / record["seconds"]}

    def _run_headwise(self, data_set, seed, folder, tokens):
        model = folder / "model.safetensors"
        train = datasets.part_path(data_set, "train")
        command = [self.program, "train", "-input", train, "-output", model, "-base",
                   minilm.encoder_folder(), "-seed", seed, "-verbose", "0", *RECIPE.split(),
                   "--valid-split", self.held_back]
        _, seconds, mib = run_command(command)
        if self.models:
            self.models.mkdir(parents=True, exist_ok=True)
            shutil.copy(model, self._kept(data_set, seed))
        return {"score": headwise_score(self.program, model, data_set), "seconds": seconds,
                "mib": mib, "speed": tokens / seconds, "bytes": model.stat().st_size,
                **self._quantized(model, data_set, folder)}

    def _quantized(self, model, data_set, folder):
        small = folder / "int8.safetensors"
        run_command([self.program, "quantize", "-input", model, "-output", small, "--quiet"])
        return {"int8_score": headwise_score(self.program, small, data_set),
                "int8_bytes": small.stat().st_size}

    def _kept(self, data_set, seed):
        return self.models / f"{data_set.name}-{seed}.safetensors"

    def requantize(self, data_set, seed, record):
        """Changes what the record says of int8; the kept model must be that of the record."""
        model = self._kept(data_set, seed)
        score = headwise_score(self.program, model, data_set)
        if abs(score - record["score"]) > 0.001:  # records are rounded
            raise SystemExit(f"{model} scores {score}, not {record['score']} as the record says")
        with tempfile.TemporaryDirectory() as folder:
            small = self._quantized(model, data_set, Path(folder))
        record.update(small, int8_score=round(small["int8_score"], 3), int8_commit=commit())


def row_of(name, runs):
    def average(key):
        return mean([run[key] for run in runs])
    ratios = [run["speed"] / run["torch_speed"] for run in runs]
    return [name, f"{average('torch_score'):.2f}", f"{average('score'):.2f}",
            f"{average('score') - average('torch_score'):+.2f}", f"{average('int8_score'):.2f}",
            f"{average('int8_score') - average('score'):+.2f}", f"{average('torch_speed'):.0f}",
            f"{average('speed'):.0f}",
            f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"{average('torch_mib'):.0f}", f"{average('mib'):.0f}"]


def markdown_of(runs_of, seeds, held_back):
    lines = ["| set | PyTorch | Headwise | difference | int8 | difference | PyTorch, tokens/s | "
             "Headwise, tokens/s | times | PyTorch, MiB | Headwise, MiB |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"]
    rows = [row_of(f"`{name}`", runs) for name, runs in runs_of.items()]
    if len(rows) > 1:
        rows.append(row_of(f"**mean of {len(rows)}**", sum(runs_of.values(), [])))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    sizes = next(iter(runs_of.values()))[0]
    commits = sorted({run["commit"] for runs in runs_of.values() for run in runs})
    small = sorted({run["int8_commit"] for runs in runs_of.values() for run in runs
                    if "int8_commit" in run})
    notes = f"Accuracy on the test parts, per cent; speed in real tokens learned from. Seeds " \
            f"{' '.join(map(str, seeds))}. Headwise: `{RECIPE} --valid-split {held_back}`; a model " \
            f"is {sizes['bytes'] / 2**20:.1f} MiB, in int8 {sizes['int8_bytes'] / 2**20:.1f} MiB. " \
            f"{cpu_name()}, {time.strftime('%Y-%m-%d')}, commits {', '.join(commits)}" \
            f"{'; in int8 ' + ', '.join(small) if small else ''}."
    return "\n".join([*lines, "", notes])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", default="trec6,sst2,banking77,sms_spam")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--valid-split", type=float, default=0.05,
                        help="share of the train part that Headwise holds back")
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--results", default=ROOT / "bench" / "results", help="folder of results")
    parser.add_argument("--recorded", action="store_true",
                        help="train nothing: take what is recorded, of whatever build")
    parser.add_argument("--models", help="folder to keep the models in")
    parser.add_argument("--requantize", action="store_true",
                        help="as --recorded, but for int8, which is made of the models that are kept")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    results, pair = Results(arguments.results), Pair(arguments.program, arguments.valid_split,
                                             arguments.models)
    seeds = [int(seed) for seed in arguments.seeds.split(",")]

    def run_of(name, seed):
        if arguments.recorded or arguments.requantize:
            record = results.recorded(datasets.find(name), pair, seed)
            if arguments.requantize:
                pair.requantize(datasets.find(name), seed, record)
                results.save(pair.results)
            return record
        return measure(results, datasets.find(name), pair, seed)

    runs_of = {name: [run_of(name, seed) for seed in seeds] for name in arguments.sets.split(",")}
    table = markdown_of(runs_of, seeds, arguments.valid_split)
    print(table)
    if arguments.markdown:
        write_between_markers(arguments.markdown, table, "fine-tuning")


if __name__ == "__main__":
    main()
