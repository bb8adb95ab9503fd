"""Token ids and offsets of Headwise beside `tokenizers`: differences, and texts a second.

    bench/setup.sh encoder
    bench/venv/bin/python bench/tokenizer_parity.py --markdown docs/encoders.md

Texts: every part of every data set, and fuzzed Unicode strings (bench/fuzz_texts.py). A token is the
same if its id is and it covers the same bytes; the template's tokens ([CLS], [SEP]) cover none.
bench/tokenizer_speed.py measures the speed alone, beside one more tokenizer.
"""

import argparse
import time
from statistics import median

import numpy

import reference
import fuzz_texts
import report
import tokenizer_speed
from accuracy import commit, cpu_name, write_between_markers
from cache import BUILD
from driver import Driver
from tokenizer_cases import TOKENIZERS, data_texts

CHUNK = 10000
ADDED = numpy.zeros(2, dtype=numpy.int64)  # what `tokenizers` gives as the place of a [CLS]


# ---- Texts ----------------------------------------------------------------------------------


def chunks_of_data(limit):
    texts = data_texts()
    texts = texts[::max(1, len(texts) // limit)][:limit] if limit else texts
    for first in range(0, len(texts), CHUNK):
        yield texts[first:first + CHUNK]


def chunks_of_fuzz(count, seed):
    texts = data_texts()[::100]
    for first in range(0, count, CHUNK):
        yield fuzz_texts.generate(seed, first // CHUNK, min(CHUNK, count - first), texts)


# ---- Comparison -------------------------------------------------------------------------------


def byte_places(text):
    """[characters + 1]: the byte at which each character starts."""
    codes = numpy.frombuffer(text.encode("utf-32-le"), dtype=numpy.uint32)
    sizes = 1 + (codes > 0x7F) + (codes > 0x7FF) + (codes > 0xFFFF)
    return numpy.concatenate(([0], numpy.cumsum(sizes)))


def expected_tokens(encoding, text):
    """[tokens][3]: id, first byte, end. `tokenizers` counts characters."""
    ids = numpy.array(encoding.ids, dtype=numpy.int64)
    places = numpy.array(encoding.offsets, dtype=numpy.int64).reshape(-1, 2)
    if not text.isascii():
        places = byte_places(text)[places]
    return numpy.column_stack((ids, places))


def is_same(found, expected):
    if found.shape != expected.shape or not (found[:, 0] == expected[:, 0]).all():
        return False
    is_added = (expected[:, 1:] == ADDED).all(axis=1) & (found[:, 1] == found[:, 2])
    return bool(((found[:, 1:] == expected[:, 1:]).all(axis=1) | is_added).all())


class Comparison:
    """Counts of one tokenizer on one collection of texts."""

    def __init__(self, name, shown):
        self.name, self.shown = name, shown
        self.texts = self.tokens = self.differences = 0

    def add(self, texts, encodings, counts, found):
        ends = numpy.cumsum(counts)
        for text, encoding, count, end in zip(texts, encodings, counts, ends):
            expected = expected_tokens(encoding, text)
            self.texts += 1
            self.tokens += len(expected)
            if not is_same(found[end - count:end], expected):
                self.differences += 1
                if self.differences <= self.shown:
                    self.show(text, expected, found[end - count:end])

    def show(self, text, expected, found):
        print(f"{self.name}: {ascii(text)}\n  tokenizers {expected.tolist()}\n"
              f"  headwise   {found.tolist()}", flush=True)


def compare(name, chunks, arguments, what):
    folder = TOKENIZERS[name][1]()
    tokenizer = reference.tokenizer_of(str(folder))
    comparison = Comparison(f"{name}, {what}", arguments.show)
    with Driver(folder, build=arguments.build) as driver:
        for texts in chunks:
            counts, found = driver.tokens(texts)
            comparison.add(texts, tokenizer.encode_batch(texts), counts, found)
    print(f"{comparison.name}: {comparison.texts} texts, {comparison.tokens} tokens, "
          f"{comparison.differences} differences", flush=True)
    return comparison


# ---- The table ------------------------------------------------------------------------------


def row_of(name, comparisons, measured):
    data, fuzzed = comparisons
    cells = [name, TOKENIZERS[name][0], f"{data.texts}", f"{data.differences}",
             f"{fuzzed.texts}", f"{fuzzed.differences}"]
    if measured is None:
        cells += [""] * 4
    else:
        cells += [f"{median(measured[title]):.2f}" for title in tokenizer_speed.COMMON]
        own, fast, _ = tokenizer_speed.COMMON
        cells.append(f"{median(report.ratios(measured[own], measured[fast])):.1f}")
    return "| " + " | ".join(cells) + " |"


def markdown_of(rows, arguments):
    lines = ["| tokenizer | what | texts | differences | fuzzed strings | differences | Headwise, "
             "million tokens/s | `encode_batch_fast` | `encode_batch` | times "
             "`encode_batch_fast` |", "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"]
    notes = f"Speed: one thread, {arguments.speed_texts} texts of all sets, median of " \
            f"{arguments.rounds} rounds in turns; `encode_batch_fast` gives no offsets, Headwise " \
            f"and `encode_batch` do. Fuzz seed {arguments.seed}. {cpu_name()}, " \
            f"{time.strftime('%Y-%m-%d')}, commit {commit()}."
    return "\n".join(lines + rows + ["", notes])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tokenizers", default=",".join(TOKENIZERS), help="some of the default")
    parser.add_argument("--texts", type=int, default=0, help="of the data sets; 0: all")
    parser.add_argument("--fuzz", type=int, default=1000000, help="fuzzed strings")
    parser.add_argument("--seed", type=int, default=1, help="of the fuzzed strings")
    parser.add_argument("--show", type=int, default=3, help="differences to print of each kind")
    parser.add_argument("--rounds", type=int, default=5, help="of the speed; 0: none")
    parser.add_argument("--speed-texts", type=int, default=20000)
    parser.add_argument("--build", default=BUILD, help="folder of libheadwise")
    parser.add_argument("--markdown", help="file to write the table into, between its markers")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    texts = data_texts()
    sample = texts[::max(1, len(texts) // arguments.speed_texts)][:arguments.speed_texts]
    rows, differences = [], 0
    for name in arguments.tokenizers.split(","):
        comparisons = (
            compare(name, chunks_of_data(arguments.texts), arguments, "data sets"),
            compare(name, chunks_of_fuzz(arguments.fuzz, arguments.seed), arguments, "fuzzed"))
        differences += sum(comparison.differences for comparison in comparisons)
        measured = None
        if arguments.rounds:
            measured = tokenizer_speed.measure(name, sample, arguments.rounds, arguments.build)
        rows.append(row_of(name, comparisons, measured))
        print(rows[-1], flush=True)
    if arguments.markdown:
        write_between_markers(arguments.markdown, markdown_of(rows, arguments), "tokenizers")
    raise SystemExit(1 if differences else 0)


if __name__ == "__main__":
    main()
