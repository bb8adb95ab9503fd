"""The engines that run one encoder, each in a process of its own, pinned to as many CPUs as it has
threads: Headwise through bench/encoder_bench.c, the others through bench/peers.py."""

import subprocess
import sys
import time
from pathlib import Path

import numpy

from cache import ROOT, cached
from driver import Driver
from line_process import LineProcess, first_cpus

MOST_TOKENS = 512
FP32 = ("torch", "onnxruntime", "openvino", "ctranslate2")
INT8 = ("onnxruntime int8", "openvino bf16", "openvino int8", "ctranslate2 int8")
# Said below a table of what was limited to AVX2.
LIMIT_NOTE = "ONNX Runtime has no switch that keeps it to AVX2; OpenVINO keeps AVX-512 in its layer " \
             "norms, and has no 16-bit floats then."


def small_engines(arguments):
    """Of int8 and 16-bit floats, those that --isa leaves."""
    return tuple(name for name in INT8 if arguments.isa == "best" or name != "openvino bf16")


class HeadwiseProcess:
    def __init__(self, title, model, threads, build, max_tokens=MOST_TOKENS):
        self.title = title
        self.driver = Driver(model, threads, max_tokens, build, first_cpus(threads))

    def seconds(self, workload, batch=32, order="arrival", out="-"):
        return self.driver.classify(workload.text_path, batch, out)["seconds"]

    def call_seconds(self, workload, calls):
        """Of each of `calls` calls with one text."""
        return self.driver.ask("calls", workload.text_path, calls)["seconds"]

    def logits(self, workload, scratch):
        """Up to a constant of each text."""
        out = scratch / "out"
        self.seconds(workload, out=out)
        p = numpy.fromfile(out, dtype=numpy.float32).reshape(workload.texts, -1)
        return numpy.log(p.astype(numpy.float64))

    def close(self):
        self.driver.close()


class PeerProcess(LineProcess):
    def __init__(self, title, folder, threads, streams=1):
        self.title, self.streams = title, streams
        start = time.perf_counter()
        super().__init__([sys.executable, ROOT / "bench" / "peers.py", title, folder, threads,
                          streams], first_cpus(threads), threads // streams)
        self.process_seconds = time.perf_counter() - start

    def seconds(self, workload, batch=32, order="arrival", out="-"):
        return self.ask("classify", workload.ids_path, batch, order, out)["seconds"]

    def call_seconds(self, workload, calls):
        return self.ask("calls", workload.ids_path, calls)["seconds"]

    def logits(self, workload, scratch):
        out = scratch / "out"
        self.seconds(workload, out=out)
        return numpy.fromfile(out, dtype=numpy.float32).reshape(workload.texts, -1)


def prepare_peers(names, folder):
    """Their formats of the model, made before anything is timed."""
    for name in names:
        PeerProcess(name, folder, 1).close()


def quantized_model(folder, build, dtype):
    """Of int8 or bf16."""
    def quantize(path):
        subprocess.run([Path(build) / "headwise", "quantize", "-input", folder, "-output", path,
                        "--dtype", dtype, "--quiet"], check=True)
    return cached(f"{folder.name}.{dtype}.safetensors", quantize, Path(build) / "headwise")
