"""The tokenizers that are compared with `tokenizers`, and the texts."""

import gzip
import shutil

import datasets
import minilm
import tiny_encoders
from cache import cached


def without_json(family, folder):
    """A copy of the folder with the files that tokenizer.json is made from, in its place."""
    def make(path):
        shutil.copytree(folder, path)
        tiny_encoders.write_vocabulary_files(family, path)
    return cached(f"{folder.name}-files", make)


# name: (what it is, its folder)
TOKENIZERS = {
    "minilm": ("MiniLM-L6's own: WordPiece, lower case, 30,522", minilm.classifier_folder),
    "minilm-files": ("the same from vocab.txt",
                     lambda: without_json("bert", minilm.classifier_folder())),
    "wordpiece": ("WordPiece, cased, 12,000", lambda: tiny_encoders.tiny_folder("bert")),
    "bpe": ("byte-level BPE as RoBERTa's, 12,000", lambda: tiny_encoders.tiny_folder("roberta")),
    "bpe-files": ("the same from vocab.json and merges.txt",
                  lambda: without_json("roberta", tiny_encoders.tiny_folder("roberta"))),
    "bpe-nfc": ("byte-level BPE as ModernBERT's: NFC, spaces as added tokens",
                lambda: tiny_encoders.tiny_folder("modernbert")),
    "unigram": ("Unigram as XLM-RoBERTa's: SentencePiece's table, 12,000",
                lambda: tiny_encoders.tiny_folder("xlm-roberta")),
    "unigram-files": ("the same from sentencepiece.bpe.model",
                      lambda: without_json("xlm-roberta",
                                           tiny_encoders.tiny_folder("xlm-roberta"))),
    "unigram-lower": ("Unigram as ALBERT's: NFKD, no accents, lower case",
                      lambda: tiny_encoders.tiny_folder("albert")),
    "unigram-nfc": ("Unigram as DeBERTa's: NFC, spaces joined",
                    lambda: tiny_encoders.tiny_folder("deberta-v2")),
}


def data_texts():
    """Every text of every part of every set, labels off."""
    texts = []
    for path in sorted(datasets.data_folder().glob("*/*.tsv*")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", newline="\n") as lines:
            texts += [line.rstrip("\n").split("\t", 1)[1] for line in lines]
    return texts
