"""The data sets of the accuracy table: where they are, how they are read, how they are scored.

A set is a folder with train.tsv and test.tsv (either may be .gz); a line is `label<TAB>text`, and
in a multi-label set `label|label<TAB>text`.
"""

import gzip
import os
from collections import namedtuple
from pathlib import Path

DataSet = namedtuple("DataSet", "name language multi_label")

SETS = [
    DataSet("trec6", "en", False),
    DataSet("trec50", "en", False),
    DataSet("sst2", "en", False),
    DataSet("mr", "en", False),
    DataSet("subj", "en", False),
    DataSet("agnews", "en", False),
    DataSet("newsgroups20", "en", False),
    DataSet("reuters90", "en", True),
    DataSet("banking77", "en", False),
    DataSet("hwu64", "en", False),
    DataSet("snips", "en", False),
    DataSet("sms_spam", "en", False),
    DataSet("spamassassin", "en", False),
    DataSet("debian_sections", "en", False),
    DataSet("debian_tags", "en", True),
    DataSet("chnsenticorp", "zh", False),
    DataSet("thucnews", "zh", False),
    DataSet("toutiao", "zh", False),
    DataSet("online_shopping", "zh", True),
    DataSet("emotion_zh", "zh", False),
    DataSet("smp2020", "zh", False),
    DataSet("poets_zh", "zh", False),
]


def data_folder():
    """HEADWISE_DATA, or ../shared/data beside the repository."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("HEADWISE_DATA", default))


def find(name):
    for data_set in SETS:
        if data_set.name == name:
            return data_set
    raise SystemExit(f"no data set is called {name}; there are: {' '.join(s.name for s in SETS)}")


def part_path(data_set, part):
    plain = data_folder() / data_set.name / f"{part}.tsv"
    return plain if plain.exists() else plain.with_suffix(".tsv.gz")


def read(data_set, part):
    """([set of labels, ...], [text, ...]) in file order."""
    path = part_path(data_set, part)
    opener = gzip.open if path.suffix == ".gz" else open
    labels, texts = [], []
    with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
        for line in lines:
            label, text = line.rstrip("\n").split("\t", 1)
            labels.append(set(label.split("|")) if data_set.multi_label else {label})
            texts.append(text)
    return labels, texts


def measure_name(data_set):
    return "micro-F1" if data_set.multi_label else "accuracy"


def score(data_set, truth, predicted):
    """Per cent: micro-F1 of a multi-label set, accuracy of any other."""
    if not data_set.multi_label:
        return 100 * sum(t == p for t, p in zip(truth, predicted)) / len(truth)
    hits = sum(len(t & p) for t, p in zip(truth, predicted))
    return 100 * 2 * hits / sum(len(t) + len(p) for t, p in zip(truth, predicted))
