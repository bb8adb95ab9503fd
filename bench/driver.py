"""Headwise in a process of its own, through its public interface alone (bench/encoder_bench.c)."""

import subprocess
import tempfile
from pathlib import Path

import numpy

from cache import BUILD, ROOT, cached
from line_process import LineProcess

SOURCE = ROOT / "bench" / "encoder_bench.c"


def write_texts(path, texts):
    """A file of texts that may hold any character."""
    with open(path, "wb") as file:
        for text in texts:
            encoded = text.encode("utf-8")
            file.write(len(encoded).to_bytes(4, "little") + encoded)


def driver_program(build=BUILD):
    """encoder_bench, compiled against the library in the folder `build`."""
    library = Path(build).resolve()

    def compile_driver(path):
        subprocess.run(["gcc", "-std=c17", "-O2", "-D_GNU_SOURCE", f"-I{ROOT / 'include'}", SOURCE,
                        "-o", path, f"-L{library}", "-lheadwise", f"-Wl,-rpath,{library}",
                        "-pthread"], check=True)

    name = "encoder_bench" if library == BUILD else f"encoder_bench_{library.name}"
    return cached(name, compile_driver, SOURCE, ROOT / "include" / "headwise.h")


class Driver(LineProcess):
    """A model that is open in a process. `hello` is what it said when it had opened it."""

    def __init__(self, model, threads=1, max_tokens=0, build=BUILD, cpus=None):
        super().__init__([driver_program(build), model, threads, max_tokens], cpus)
        self.labels = self.hello["labels"]

    def classify(self, path, batch=32, out="-"):
        return self.ask("classify", path, batch, out)

    def tokenize(self, path, out="-"):
        return self.ask("tokenize", path, out)

    def probabilities(self, texts, batch=32):
        """[texts][labels]"""
        with tempfile.TemporaryDirectory() as name:
            path, out = Path(name, "texts"), Path(name, "probabilities")
            write_texts(path, texts)
            self.classify(path, batch, out)
            return numpy.fromfile(out, dtype=numpy.float32).reshape(-1, self.labels)

    def tokens(self, texts):
        """For all texts: how many tokens each has, and (id, first byte, end) of every token."""
        with tempfile.TemporaryDirectory() as name:
            path, out = Path(name, "texts"), Path(name, "tokens")
            write_texts(path, texts)
            self.tokenize(path, out)
            return split_tokens(numpy.fromfile(out, dtype=numpy.uint32), len(texts))


def split_tokens(flat, texts):
    counts = numpy.empty(texts, dtype=numpy.int64)
    is_token = numpy.ones(len(flat), dtype=bool)
    place = 0
    for i in range(texts):
        counts[i] = flat[place]
        is_token[place] = False
        place += 1 + 3 * int(counts[i])
    return counts, flat[is_token].reshape(-1, 3).astype(numpy.int64)
