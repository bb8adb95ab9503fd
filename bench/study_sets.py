"""The ten claims on five sets, two of them Chinese, that of capsules on reuters90 too, and what the
studies say together.

    make study-sets         (or python3 bench/study_sets.py --sets trec6)

Each set is studied by `headwise study` on its training, dev and test part; without a dev part choices
are made on a tenth of the training part. A study that was interrupted goes on. Its reports (numbers,
no texts) are copied to docs/study/SET/, and the tables of docs/study/README.md are made of all sets
that stand there.
"""

import argparse
import json
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import datasets
from accuracy import ROOT, commit, cpu_name, mean, write_between_markers

CLAIMS = {"trec6": "", "smp2020": "", "sms_spam": "", "snips": "", "emotion_zh": "", "reuters90": "j"}
REPORTS = ("verdicts.md", "study.json", "runs.csv", "report.html")


class Study:
    """A study of one set: where it works, and where its reports are kept."""

    def __init__(self, name, work, reports):
        self.name = name
        self.work = Path(work) / name
        self.reports = Path(reports) / name

    def is_published(self):
        return (self.reports / "made.json").exists()

    def options(self, level):
        claims = CLAIMS.get(self.name)
        return [f"--{level}", "--claims", claims] if claims else [f"--{level}"]

    def run(self, program, level):
        data_set = datasets.find(self.name)
        command = [program, "study", "-input", datasets.part_path(data_set, "train"),
                   "-test", datasets.part_path(data_set, "test"), "-output", self.work,
                   *self.options(level)]
        dev = datasets.part_path(data_set, "dev")
        if dev.exists():
            command += ["-valid", dev]
        self.work.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        try:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        finally:
            self._add_minutes((time.monotonic() - start) / 60)

    def publish(self, level):
        self.reports.mkdir(parents=True, exist_ok=True)
        for report in REPORTS:
            shutil.copy(self.work / report, self.reports / report)
        made = {"options": " ".join(self.options(level)), "minutes": self._minutes(), "cpu": cpu_name(),
                "commit": commit(), "date": time.strftime("%Y-%m-%d")}
        (self.reports / "made.json").write_text(json.dumps(made, indent=1) + "\n")

    def read(self):
        return [json.loads((self.reports / name).read_text()) for name in ("study.json", "made.json")]

    def _minutes(self):
        """Of every go, the interrupted ones too."""
        path = self.work / "minutes.json"
        return json.loads(path.read_text()) if path.exists() else []

    def _add_minutes(self, minutes):
        (self.work / "minutes.json").write_text(json.dumps([*self._minutes(), minutes]))


def claims_of(study):
    return {claim["claim"]: claim for claim in study["claims"]}


def cell_of(claim):
    if claim is None:
        return "not studied"
    low, high = claim["interval"]  # never null: a study without numbers ends with an error
    return f"**{claim['verdict']}** {claim['effect']:+.2f} ({low:+.2f} to {high:+.2f})"


def verdicts_table(found):
    """A row a claim, a column a set."""
    claims = {letter: claim for study, _ in found.values() for letter, claim in claims_of(study).items()}
    lines = ["| claim | unit | " + " | ".join(f"`{name}`" for name in found) + " |",
             "|---|---|" + "---|" * len(found)]
    for letter, claim in claims.items():
        cells = [cell_of(claims_of(study).get(letter)) for study, _ in found.values()]
        lines.append(f"| {letter} {claim['title']} | {claim['unit']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def together_table(found):
    """What all sets say of a claim, beside what was predicted."""
    lines = ["| claim | predicted | as predicted | verdicts | mean effect | least | most |",
             "|---|---|---:|---|---:|---:|---:|"]
    letters = dict.fromkeys(letter for study, _ in found.values() for letter in claims_of(study))
    for letter in letters:
        claims = [claims_of(study)[letter] for study, _ in found.values() if letter in claims_of(study)]
        verdicts = Counter(claim["verdict"] for claim in claims)
        right = verdicts[claims[0]["predicted"]]
        effects = [claim["effect"] for claim in claims]
        counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
        lines.append(f"| {letter} {claims[0]['title']} | {claims[0]['predicted']} | {right} of "
                     f"{len(claims)} | {counts} | {mean(effects):+.2f} {claims[0]['unit']} | "
                     f"{min(effects):+.2f} | {max(effects):+.2f} |")
    return "\n".join(lines)


def capsules_table(found):
    """Of claim j, what every arm reaches."""
    lines = []
    for name, (study, _) in found.items():
        claim = claims_of(study).get("j")
        if claim is None:
            continue
        table = next(table for table in claim["tables"] if table["title"] == "All arms")
        if not lines:
            lines = ["| set | " + " | ".join(table["columns"]) + " |",
                     "|---|" + "---|" * len(table["columns"])]
        lines += [f"| `{name}` | " + " | ".join(row) + " |" for row in table["rows"]]
    return "\n".join(lines)


def sets_table(found):
    lines = ["| set | training texts | dev | test | labels | seeds | h | minutes | made |",
             "|---|---:|---:|---:|---:|---:|---:|---:|---|"]
    for name, (study, made) in found.items():
        data = study["data"]
        minutes = " + ".join(f"{minutes:.0f}" for minutes in made["minutes"])
        lines.append(f"| [`{name}`]({name}/verdicts.md) | {data['train']['texts']} | "
                     f"{data['dev']['texts']} | {data['test']['texts']} | {data['train']['labels']} | "
                     f"{study['seeds']} | {study['heads']} | {minutes} | `{made['options']}`, "
                     f"{made['cpu']}, {made['date']}, commit {made['commit']} |")
    return "\n".join(lines)


def write_page(page, found):
    whole = {name: made for name, made in found.items() if not CLAIMS.get(name)}
    write_between_markers(page, together_table(whole), "together")
    write_between_markers(page, verdicts_table(whole), "verdicts")
    write_between_markers(page, capsules_table(found), "capsules")
    write_between_markers(page, sets_table(found), "sets")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--sets", default=",".join(CLAIMS), help="names separated by commas")
    parser.add_argument("--level", default="standard", choices=("quick", "standard", "full"))
    parser.add_argument("--program", default=ROOT / "build" / "release" / "headwise")
    parser.add_argument("--work", default=ROOT / "build" / "study", help="where trainings are kept")
    parser.add_argument("--reports", default=ROOT / "docs" / "study", help="folder of reports")
    parser.add_argument("--tables-only", action="store_true", help="study nothing")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    for name in arguments.sets.split(",") if not arguments.tables_only else []:
        study = Study(name, arguments.work, arguments.reports)
        study.run(arguments.program, arguments.level)
        study.publish(arguments.level)
    every = [Study(name, arguments.work, arguments.reports) for name in CLAIMS]
    found = {study.name: study.read() for study in every if study.is_published()}
    write_page(Path(arguments.reports) / "README.md", found)


if __name__ == "__main__":
    main()
