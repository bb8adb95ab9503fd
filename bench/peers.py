"""The inference engines that Headwise is compared with, each on one model in a process of its own.

    peers.py ENGINE FOLDER THREADS STREAMS

answers lines on its standard input with lines of JSON, as bench/encoder_bench.c does:

    classify IDS BATCH ORDER OUT    ORDER: arrival or length; OUT: [texts][labels] floats, or -
    calls IDS COUNT                 one text in each of COUNT calls

IDS is an .npz of token ids. Making padded arrays of them is not timed, nor is importing the engine's
library. STREAMS batches run at a time, each on THREADS / STREAMS threads.
"""

import importlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy

from cache import cached

FIRST_TEXT = [101, 1037, 4251, 1010, 3048, 2143, 1012, 102]  # a quiet, moving film.


# ---- The model in each engine's format ------------------------------------------------------


def export_onnx(folder, path):
    import torch
    import reference

    class Logits(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = reference.open_classifier(folder)

        def forward(self, input_ids, attention_mask):
            return self.model(input_ids=input_ids, attention_mask=attention_mask).logits

    ids, mask = torch.ones(2, 16, dtype=torch.long), torch.ones(2, 16, dtype=torch.long)
    mask[1, 9:] = 0
    axes = {0: "texts", 1: "tokens"}
    torch.onnx.export(Logits().eval(), (ids, mask), path, dynamo=False, opset_version=17,
                      input_names=["input_ids", "attention_mask"], output_names=["logits"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes,
                                    "logits": {0: "texts"}})


def optimize_onnx(folder, path):
    from onnxruntime.transformers import optimizer
    config = json.loads((folder / "config.json").read_text())
    optimizer.optimize_model(
        str(onnx_model(folder)), model_type="bert", num_heads=config["num_attention_heads"],
        hidden_size=config["hidden_size"]).save_model_to_file(str(path))


def quantize_onnx(folder, path):
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    quantize_dynamic(optimized_onnx_model(folder), path, per_channel=True,
                     weight_type=QuantType.QInt8,
                     extra_options={"DefaultTensorType": TensorProto.FLOAT})


def quantize_openvino(folder, path):
    import nncf
    import openvino
    import datasets
    import reference
    texts = datasets.read(datasets.find("sst2"), "train")[1][:300]
    ids = reference.token_ids(reference.tokenizer_of(str(folder)), texts, 128)
    data = nncf.Dataset([{"input_ids": numpy.array([row]),
                          "attention_mask": numpy.ones((1, len(row)), dtype=numpy.int64)}
                         for row in ids])
    model = nncf.quantize(openvino.Core().read_model(onnx_model(folder)), data,
                          model_type=nncf.ModelType.TRANSFORMER, subset_size=300)
    path.mkdir()
    openvino.save_model(model, path / "model.xml", compress_to_fp16=False)


def convert_ctranslate2(folder, path):
    import ctranslate2
    import reference  # noqa: F401 (quietens transformers)
    ctranslate2.converters.TransformersConverter(str(folder)).convert(str(path))


def onnx_model(folder):
    return cached(f"{folder.name}.onnx", lambda path: export_onnx(folder, path), __file__)


def optimized_onnx_model(folder):
    return cached(f"{folder.name}.optimized.onnx", lambda path: optimize_onnx(folder, path),
                  __file__)


def int8_onnx_model(folder):
    return cached(f"{folder.name}.int8.onnx", lambda path: quantize_onnx(folder, path), __file__)


def int8_openvino_model(folder):
    return cached(f"{folder.name}.openvino-int8", lambda path: quantize_openvino(folder, path),
                  __file__) / "model.xml"


def ctranslate2_model(folder):
    return cached(f"{folder.name}.ctranslate2", lambda path: convert_ctranslate2(folder, path),
                  __file__)


# ---- Engines --------------------------------------------------------------------------------


class Torch:
    """transformers on PyTorch, scaled dot product attention."""
    modules = ("torch", "reference", "transformers.models.bert.modeling_bert")

    def __init__(self, folder, threads, streams):
        import torch
        import reference
        torch.set_num_threads(threads // streams)
        self.torch = torch
        load = reference.transformers.AutoModelForSequenceClassification.from_pretrained
        self.model = load(folder, attn_implementation="sdpa").eval()

    def logits(self, ids, mask):
        with self.torch.inference_mode():
            return self.model(input_ids=self.torch.from_numpy(ids),
                              attention_mask=self.torch.from_numpy(mask)).logits.numpy()


class OnnxRuntime:
    """The graph as its transformer optimizer fuses it."""
    modules = ("onnxruntime",)
    model_of = staticmethod(optimized_onnx_model)

    def __init__(self, folder, threads, streams):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads // streams
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(self.model_of(folder)), options,
                                                    providers=["CPUExecutionProvider"])

    def logits(self, ids, mask):
        return self.session.run(None, {"input_ids": ids, "attention_mask": mask})[0]


class OnnxRuntimeInt8(OnnxRuntime):
    """The same, quantize_dynamic by channel."""
    model_of = staticmethod(int8_onnx_model)


class OpenVino:
    """The CPU plugin, 32-bit floats."""
    modules = ("openvino",)
    model_of, precision = staticmethod(onnx_model), "f32"

    def __init__(self, folder, threads, streams):
        import openvino
        core = openvino.Core()
        self.compiled = core.compile_model(core.read_model(self.model_of(folder)), "CPU", {
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": self.precision})
        self.own = threading.local()

    def logits(self, ids, mask):
        if not hasattr(self.own, "request"):
            self.own.request = self.compiled.create_infer_request()
        return self.own.request.infer([ids, mask])[0].copy()


class OpenVinoBf16(OpenVino):
    """The same with 16-bit floats, where the CPU has them."""
    precision = "bf16"


class OpenVinoInt8(OpenVino):
    """Quantised by NNCF with 300 texts of sst2."""
    model_of = staticmethod(int8_openvino_model)


class CTranslate2:
    """Its encoder, and the classifier in NumPy."""
    modules = ("ctranslate2", "safetensors.numpy")
    compute_type = "float32"

    def __init__(self, folder, threads, streams):
        import ctranslate2
        from safetensors.numpy import load_file
        weights = load_file(folder / "model.safetensors")
        self.weight, self.bias = weights["classifier.weight"], weights["classifier.bias"]
        self.encoder = ctranslate2.Encoder(
            str(ctranslate2_model(folder)), compute_type=self.compute_type, inter_threads=streams,
            intra_threads=threads // streams)

    def logits(self, ids, mask):
        texts = [row[:count].tolist() for row, count in zip(ids, mask.sum(axis=1))]
        pooled = numpy.array(self.encoder.forward_batch(texts).pooler_output)
        return pooled @ self.weight.T + self.bias


class CTranslate2Int8(CTranslate2):
    compute_type = "int8"


ENGINES = {"torch": Torch, "onnxruntime": OnnxRuntime, "openvino": OpenVino,
           "ctranslate2": CTranslate2, "onnxruntime int8": OnnxRuntimeInt8,
           "openvino bf16": OpenVinoBf16, "openvino int8": OpenVinoInt8,
           "ctranslate2 int8": CTranslate2Int8}


# ---- The process ----------------------------------------------------------------------------


def read_ids(path):
    arrays = numpy.load(path)
    return numpy.split(arrays["ids"], arrays["ends"][:-1])


def padded(rows):
    longest = max(map(len, rows))
    ids = numpy.zeros((len(rows), longest), dtype=numpy.int64)
    mask = numpy.zeros_like(ids)
    for i, row in enumerate(rows):
        ids[i, :len(row)] = row
        mask[i, :len(row)] = 1
    return ids, mask


def batches_of(texts, size, order):
    """(order of the texts, their padded batches)"""
    places = numpy.arange(len(texts))
    if order == "length":
        places = numpy.argsort([-len(text) for text in texts], kind="stable")
    batches = [padded([texts[i] for i in places[first:first + size]])
               for first in range(0, len(texts), size)]
    return places, batches


def memory_kib(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return -1


def answer(file, record):
    record |= {"rss_kib": memory_kib("VmRSS"), "peak_kib": memory_kib("VmHWM")}
    print(json.dumps(record), file=file, flush=True)


def classify(engine, pool, path, size, order, out):
    places, batches = batches_of(read_ids(path), int(size), order)
    start = time.perf_counter()
    results = list(pool.map(lambda batch: engine.logits(*batch), batches))
    seconds = time.perf_counter() - start
    if out != "-":
        logits = numpy.concatenate(results).astype(numpy.float32)
        arrival = numpy.empty_like(logits)
        arrival[places] = logits
        arrival.tofile(out)
    return {"seconds": seconds, "texts": len(places)}


def time_calls(engine, path, count):
    texts = [padded([row]) for row in read_ids(path)]
    seconds = []
    for i in range(int(count)):
        start = time.perf_counter()
        engine.logits(*texts[i % len(texts)])
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


def main():
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    name, folder, threads, streams = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is not an answer
    for module in ENGINES[name].modules:
        importlib.import_module(module)
    start = time.perf_counter()
    engine = ENGINES[name](Path(folder), int(threads), int(streams))
    opened = time.perf_counter()
    engine.logits(*padded([numpy.array(FIRST_TEXT)]))
    answer(answers, {"open_seconds": opened - start, "first_seconds": time.perf_counter() - start})
    with ThreadPoolExecutor(int(streams)) as pool:
        for line in sys.stdin:
            verb, *words = line.split()
            if verb == "classify":
                answer(answers, classify(engine, pool, *words))
            else:
                assert verb == "calls", line
                answer(answers, time_calls(engine, *words))


if __name__ == "__main__":
    main()
