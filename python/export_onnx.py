"""From a folder that `headwise export` wrote to one ONNX file: logits from input_ids and attention_mask.

    pip install torch transformers onnx
    headwise export tuned -output folder
    python3 export_onnx.py folder tuned.onnx
"""

import argparse

import torch
from transformers import AutoModelForSequenceClassification


class Logits(torch.nn.Module):
    def __init__(self, folder):
        super().__init__()
        load = AutoModelForSequenceClassification.from_pretrained
        self.model = load(folder, attn_implementation="eager").eval()

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="of an encoder")
    parser.add_argument("output", help="the .onnx file to write")
    arguments = parser.parse_args()
    ids = torch.tensor([[1, 2, 3, 4], [4, 3, 2, 1]])
    axes = {0: "texts", 1: "tokens"}
    torch.onnx.export(Logits(arguments.folder), (ids, torch.ones_like(ids)), arguments.output,
                      input_names=["input_ids", "attention_mask"], output_names=["logits"],
                      dynamic_axes={"input_ids": axes, "attention_mask": axes, "logits": {0: "texts"}},
                      opset_version=17, dynamo=False)  # fmt: skip


if __name__ == "__main__":
    main()
