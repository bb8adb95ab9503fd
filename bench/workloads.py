"""Texts that encoders are timed on, as text, as token ids and with the logits that transformers gives."""

import random

import numpy

import datasets
import reference
from driver import write_texts
from processes import MOST_TOKENS


class Workload:
    """text_path: for Headwise; ids_path: for the others."""

    def __init__(self, name, texts, ids, folder, scratch):
        self.name, self.texts = name, len(texts)
        self.lengths = [len(row) for row in ids]
        self.tokens = sum(self.lengths)
        file_name = name.replace(" ", "-")
        self.text_path, self.ids_path = scratch / f"{file_name}.texts", scratch / f"{file_name}.npz"
        write_texts(self.text_path, texts)
        numpy.savez(self.ids_path, ids=numpy.concatenate(ids), ends=numpy.cumsum(self.lengths))
        self.expected = reference.logits(reference.open_classifier(folder), ids)

    def __str__(self):
        return f"{self.name}: {self.texts} texts of {self.tokens / self.texts:.0f} tokens"


def shuffled(name):
    texts = datasets.read(datasets.find(name), "test")[1]
    random.Random(1).shuffle(texts)
    return texts


def of_set(name, tokens, folder, scratch):
    """Texts of one set, at least as many tokens as asked for."""
    texts = shuffled(name)
    ids = reference.token_ids(reference.tokenizer_of(str(folder)), texts, MOST_TOKENS)
    ends = numpy.cumsum([len(row) for row in ids])
    count = min(int(numpy.searchsorted(ends, tokens)) + 1, len(texts))
    return Workload(name, texts[:count], ids[:count], folder, scratch)


def of_length(length, texts, names, folder, scratch):
    """Up to that many texts of exactly `length` tokens: the beginnings of longer ones."""
    tokenizer = reference.tokenizer_of(str(folder))
    found, ids = [], []
    for text in [text for name in names for text in shuffled(name)]:
        encoding = tokenizer.encode(text)
        if len(encoding) < length:
            continue
        beginning = text[:encoding.offsets[length - 2][1]]  # the last token is [SEP]
        row = tokenizer.encode(beginning).ids
        if len(row) == length:  # it did not end inside a word
            found.append(beginning)
            ids.append(row)
        if len(found) == texts:
            break
    return Workload(f"{length} tokens", found, ids, folder, scratch)
