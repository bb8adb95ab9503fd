"""A small encoder as one would train it from scratch: 2 layers, width 128, 4 heads, inner width 256, a
WordPiece vocabulary of 20,000 that is learned from the train parts; weights random.

    bench/venv/bin/python bench/small_encoder.py

makes it and prints where it is, without a classifier and with one of two labels.
"""

import reference  # first: it quietens transformers
import torch
import transformers

import tiny_encoders
from cache import cached

VOCABULARY = 20000


def config_of(tokenizer):
    return transformers.BertConfig(
        vocab_size=len(tokenizer), hidden_size=128, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=256, max_position_embeddings=512, num_labels=2,
        pad_token_id=tokenizer.pad_token_id,
        position_embedding_type="absolute")  # ctranslate2's converter reads it


def save(folder, kind):
    """kind: of transformers' models."""
    torch.manual_seed(1)
    vocabulary = tiny_encoders.wordpiece_vocabulary(VOCABULARY, lowercase=True)
    tokenizer = transformers.BertTokenizer(vocab=vocabulary, do_lower_case=True)
    model = kind(config_of(tokenizer))
    if hasattr(model, "classifier"):  # logits that differ from text to text
        torch.nn.init.normal_(model.classifier.weight, std=4 * 128**-0.5)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def encoder_folder():
    return cached("small-encoder", lambda path: save(path, transformers.BertModel), __file__)


def classifier_folder():
    return cached("small-classifier",
                  lambda path: save(path, transformers.BertForSequenceClassification), __file__)


def main():
    print(encoder_folder(), classifier_folder(), sep="\n")


if __name__ == "__main__":
    main()
