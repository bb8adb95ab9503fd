"""Speed of Headwise's tokenizers, of `tokenizers` and of nanotoken, as a markdown table.

    bench/setup.sh encoder
    bench/venv/bin/python bench/tokenizer_speed.py --markdown docs/performance.md

One thread each, on one CPU, in turns. Headwise and `encode_batch` give the places of tokens, too;
`encode_batch_fast` and nanotoken, which knows WordPiece alone, do not. That ids are the same is
bench/tokenizer_parity.py's to show for Headwise; for nanotoken they are compared here.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import reference
import report
from cache import BUILD
from driver import Driver, write_texts
from line_process import first_cpus
from tokenizer_cases import TOKENIZERS, data_texts

COMMON = ("Headwise", "encode_batch_fast", "encode_batch")
HEADINGS = ["tokenizer", "what", "Headwise, million tokens/s:", "`encode_batch_fast`:",
            "`encode_batch`:", "times `encode_batch_fast`", "nanotoken:", "times nanotoken",
            "nanotoken: same ids:"]


def nanotoken_of(folder, texts, expected):
    """(its encode_batch, share of the texts with the same ids), or None if it does not know the
    tokenizer."""
    import nanotoken
    path = folder / "tokenizer.json"
    if not path.exists():
        return None
    try:
        made = nanotoken.Tokenizer(str(path))
    except (nanotoken.UnsupportedTokenizerError, ValueError):
        return None
    found = made.encode_batch(texts, parallel=False)
    same = sum(ids.tolist() == encoding.ids for ids, encoding in zip(found, expected))
    return lambda some: made.encode_batch(some, parallel=False), same / len(texts)


def measure(name, texts, rounds, build=BUILD, more=None):
    """{title: [millions of tokens a second in each round]}. more: {title: encode}"""
    folder = TOKENIZERS[name][1]()
    tokenizer = reference.tokenizer_of(str(folder))
    tokens = sum(len(encoding) for encoding in tokenizer.encode_batch(texts))
    encoders = {"encode_batch_fast": tokenizer.encode_batch_fast,
                "encode_batch": tokenizer.encode_batch, **(more or {})}
    speeds = {title: [] for title in ("Headwise", *encoders)}
    with Driver(folder, build=build) as driver, tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "texts")
        write_texts(path, texts)
        for _ in range(rounds):
            speeds["Headwise"].append(tokens / 1e6 / driver.tokenize(path)["seconds"])
            for title, encode in encoders.items():
                start = time.perf_counter()
                encode(texts)
                speeds[title].append(tokens / 1e6 / (time.perf_counter() - start))
    return speeds


def row_of(name, speeds, same):
    own = speeds["Headwise"]
    cells = [name, TOKENIZERS[name][0], *(f"{median(speeds[title]):.2f}" for title in COMMON),
             report.ratio_cell(report.ratios(own, speeds["encode_batch_fast"]))]
    if "nanotoken" not in speeds:
        return cells + ["", "", ""]
    return cells + [f"{median(speeds['nanotoken']):.2f}",
                    report.ratio_cell(report.ratios(own, speeds["nanotoken"])), f"{100 * same:.2f} %"]


def figures_of(name, speeds):
    for title, values in speeds.items():
        yield report.figure(name, title, 1, values, "million tokens/s")
        if title != "Headwise":
            times = report.ratios(speeds["Headwise"], values)
            yield report.figure(name, title, 1, times, "headwise is times")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    report.add_arguments(parser)
    parser.add_argument("--tokenizers", default=",".join(TOKENIZERS), help="some of the default")
    parser.add_argument("--texts", type=int, default=20000, help="of all sets")
    arguments = report.parse(parser)
    os.sched_setaffinity(0, first_cpus(1))
    texts = data_texts()
    texts = texts[::max(1, len(texts) // arguments.texts)][:arguments.texts]
    rows, figures = [], []
    for name in arguments.tokenizers.split(","):
        folder = TOKENIZERS[name][1]()
        expected = reference.tokenizer_of(str(folder)).encode_batch_fast(texts)
        encode, same = nanotoken_of(folder, texts, expected) or (None, 0)
        speeds = measure(name, texts, arguments.rounds, arguments.build,
                         {"nanotoken": encode} if encode else {})
        rows.append(row_of(name, speeds, same))
        figures += figures_of(name, speeds)
        print(*rows[-1], sep="  ", flush=True)
    table = report.table_of(HEADINGS, rows) + \
        f"\n\n{len(texts)} texts of all sets, one thread; from the second round on every program " \
        "has met the words before. " + report.stamp(arguments)
    report.publish("tokenizer speed", table, figures, arguments)


if __name__ == "__main__":
    main()
