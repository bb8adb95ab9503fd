"""Logits of Headwise beside those of `transformers`, as markdown tables.

    bench/setup.sh encoder
    bench/venv/bin/python bench/encoder_parity.py --markdown docs/encoders.md

1. MiniLM-L6 with a seeded classifier, and its first token's state after each layer: the encoder cut
   after that layer, with a readout that shows the state.
2. A small seeded encoder of every family.
3. The way back: each of them fine-tuned by `headwise train -base`, and a classifier of
   `-arch attention`, exported and opened by `transformers`.

Headwise gives probabilities. Their logarithms are logits up to a constant of the text, so both sides
are compared after their mean is taken off; of a multi-label model, log(p / (1 - p)).
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy

import reference
import datasets
import minilm
import tiny_encoders
from accuracy import commit, cpu_name, write_between_markers
from cache import BUILD
from driver import Driver

SETS = ("trec6", "sst2", "agnews", "newsgroups20", "debian_tags", "toutiao", "chnsenticorp",
        "online_shopping")
MOST_TOKENS, LEARNED_TOKENS = 512, 128  # where texts are cut; a fine-tuned model reads 128 at once
LIMIT = 1e-4  # of the logits' spread
HEADINGS = ["| model | texts | labels | spread of the logits | largest difference | of the spread | "
            "same label |", "|---|---:|---:|---:|---:|---:|---:|"]


def sample_texts(count):
    texts = []
    for name in SETS:
        of_set = datasets.read(datasets.find(name), "test")[1]
        wanted = count // len(SETS)
        texts += of_set[::len(of_set) // wanted][:wanted]
    return texts


def centred(logits):
    return logits - logits.mean(axis=1, keepdims=True)


def logits_of(probabilities, multi_label):
    p = probabilities.astype(numpy.float64)
    tiny = numpy.finfo(numpy.float32).tiny
    if multi_label:
        return numpy.log(numpy.maximum(p, tiny) / numpy.maximum(1 - p, tiny))
    return centred(numpy.log(numpy.maximum(p, tiny)))


class Agreement:
    """How far Headwise's logits are from the reference's."""

    def __init__(self, name, ours, expected, multi_label=False):
        expected = expected if multi_label else centred(expected)
        self.name, (self.texts, self.labels) = name, expected.shape
        self.spread = float(expected.max() - expected.min())
        self.difference = float(abs(ours - expected).max())
        self.same = float((ours.argmax(axis=1) == expected.argmax(axis=1)).mean())

    def row(self):
        return (f"| {self.name} | {self.texts} | {self.labels} | {self.spread:.3f} | "
                f"{self.difference:.1e} | {self.difference / self.spread:.1e} | "
                f"{100 * self.same:.1f} % |")

    def holds(self):
        return self.difference <= LIMIT * self.spread


def compare(name, folder, texts, build, opened=None):
    """The folder opened by both; `opened`: what Headwise opens instead."""
    model = reference.open_classifier(folder)
    multi_label = model.config.problem_type == "multi_label_classification"
    most_tokens = LEARNED_TOKENS if opened else MOST_TOKENS
    ids = reference.token_ids(reference.tokenizer_of(str(folder)), texts, most_tokens)
    expected = reference.logits(model, ids)
    with Driver(opened or folder, max_tokens=most_tokens, build=build) as driver:
        ours = logits_of(driver.probabilities(texts), multi_label)
    if opened:  # its probabilities are those at its temperature, which the export leaves out
        ours *= temperature(ours, expected if multi_label else centred(expected))
    agreement = Agreement(name, ours, expected, multi_label)
    print(agreement.row(), flush=True)
    return agreement


def temperature(ours, expected):
    """The one number that ours is to be multiplied by, by least squares."""
    return float((ours * expected).sum() / (ours * ours).sum())


# ---- The way back ------------------------------------------------------------------------------


def write_training_lines(path, data_set, count):
    labels, texts = datasets.read(data_set, "train")
    step = max(1, len(texts) // count)
    with open(path, "w", encoding="utf-8") as file:
        for label_set, text in list(zip(labels, texts))[::step]:
            file.write("|".join(sorted(label_set)) + "\t" + text + "\n")


def there_and_back(name, base, data_set, texts, build, rate=5e-5):
    """Fine-tunes, exports and compares."""
    program = Path(build) / "headwise"
    with tempfile.TemporaryDirectory() as scratch:
        train, model, folder = (Path(scratch, part) for part in ("train.tsv", "m.safetensors", "hf"))
        write_training_lines(train, data_set, 400)
        subprocess.run([program, "train", "-input", train, "-output", model, "-base", base,
                        "-epoch", "2", "-lr", str(rate), "-verbose", "0"], check=True)
        subprocess.run([program, "export", model, "-output", folder, "--quiet"], check=True,
                       stdout=subprocess.DEVNULL)
        return compare(name, folder, texts, build, opened=model)


def tower_there_and_back(name, data_set, texts, build):
    """The same for `-arch attention`, whose folder brings its own code and takes texts as they are."""
    program = Path(build) / "headwise"
    with tempfile.TemporaryDirectory() as scratch:
        train, model, folder = (Path(scratch, part) for part in ("train.tsv", "m.safetensors", "hf"))
        write_training_lines(train, data_set, 2000)
        subprocess.run([program, "train", "-input", train, "-output", model, "-arch", "attention",
                        "-layers", "2", "-epoch", "4", "-verbose", "0"], check=True)
        subprocess.run([program, "export", model, "-output", folder, "--fold-temperature", "--quiet"],
                       check=True, stdout=subprocess.DEVNULL)
        expected = reference.logits_of_texts(folder, texts)
        with Driver(model, max_tokens=MOST_TOKENS, build=build) as driver:
            ours = logits_of(driver.probabilities(texts), data_set.multi_label)
    agreement = Agreement(name, ours, expected, data_set.multi_label)
    print(agreement.row(), flush=True)
    return agreement


# ---- Main -----------------------------------------------------------------------------------


def opening(texts, build):
    yield compare("MiniLM-L6, seeded classifier", minilm.classifier_folder(), texts, build)
    for layers in range(1, 7):
        yield compare(f"MiniLM-L6, first token's state after layer {layers}",
                      minilm.first_token_folder(layers), texts, build)
    for family in tiny_encoders.FAMILIES:
        yield compare(f"{family}, small and seeded", tiny_encoders.tiny_folder(family), texts, build)


def exporting(texts, build):
    trec6, tags = datasets.find("trec6"), datasets.find("debian_tags")
    yield there_and_back("MiniLM-L6 on trec6", minilm.encoder_folder(), trec6, texts, build)
    yield there_and_back("MiniLM-L6 on debian_tags, multi-label", minilm.encoder_folder(), tags,
                         texts, build)
    yield tower_there_and_back("-arch attention on trec6", trec6, texts, build)
    yield tower_there_and_back("-arch attention on debian_tags, multi-label", tags, texts, build)
    for family in tiny_encoders.FAMILIES:
        yield there_and_back(f"{family} on trec6", tiny_encoders.tiny_folder(family), trec6, texts,
                             build, rate=1e-2)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", default="opening,exporting")
    parser.add_argument("--texts", type=int, default=400, help=f"of {', '.join(SETS)} together")
    parser.add_argument("--build", default=BUILD, help="folder of headwise and libheadwise")
    parser.add_argument("--markdown", help="file to write the tables into, between their markers")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    texts = sample_texts(arguments.texts)
    notes = f"Texts of {', '.join(SETS)}, cut at {MOST_TOKENS} tokens (fine-tuned " \
            f"models: {LEARNED_TOKENS}). {cpu_name()}, " \
            f"{time.strftime('%Y-%m-%d')}, commit {commit()}."
    agree = True
    for part in arguments.parts.split(","):
        agreements = list({"opening": opening, "exporting": exporting}[part](texts, arguments.build))
        agree = agree and all(agreement.holds() for agreement in agreements)
        if arguments.markdown:
            rows = [agreement.row() for agreement in agreements]
            write_between_markers(arguments.markdown, "\n".join([*HEADINGS, *rows, "", notes]),
                                  f"encoder {part}")
    raise SystemExit(0 if agree else f"a difference is above {LIMIT} of the logits' spread")


if __name__ == "__main__":
    main()
