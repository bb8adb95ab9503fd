"""A small encoder of every family, with random weights and a tokenizer of the family's kind whose
vocabulary is trained here, as folders of Hugging Face's in build/bench/.

    bench/venv/bin/python bench/tiny_encoders.py [bert roberta ...]

makes them and prints where they are. Vocabularies are trained on a sample of the train parts.
"""

import argparse
import io
import json
import random
from pathlib import Path

import reference  # first: it quietens transformers
import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

import datasets
from cache import CACHE, cached

VOCABULARY = 12000
TRAINING_TEXTS = 20000
LABELS = 5
WIDTH, LAYERS, HEADS, INNER, POSITIONS = 32, 2, 4, 64, 512

FAMILIES = ("bert", "distilbert", "roberta", "xlm-roberta", "electra", "albert", "mpnet",
            "modernbert", "deberta-v2")


# ---- Vocabularies ----------------------------------------------------------------------------


def training_texts():
    texts = [text for data_set in datasets.SETS for text in datasets.read(data_set, "train")[1]]
    return random.Random(1).sample(texts, TRAINING_TEXTS)


def wordpiece_vocabulary(size=VOCABULARY, lowercase=False):
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(training_texts(), trainers.WordPieceTrainer(
        vocab_size=size, special_tokens=special, show_progress=False))
    return json.loads(made.to_str())["model"]["vocab"]


def byte_level_model():
    """(vocabulary, merges)"""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    made.train_from_iterator(training_texts(), trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    model = json.loads(made.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def train_sentencepiece(path):
    import sentencepiece
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(training_texts()), model_writer=written, vocab_size=VOCABULARY,
        model_type="unigram", num_threads=1, minloglevel=2)
    path.write_bytes(written.getvalue())


def sentencepiece_model():
    """(path, pieces with their scores, the normalizer's table). The first three pieces are <unk>,
    <s> and </s>."""
    from sentencepiece import sentencepiece_model_pb2
    path = cached("unigram.model", train_sentencepiece)
    model = sentencepiece_model_pb2.ModelProto.FromString(path.read_bytes())
    pieces = [(piece.piece, piece.score) for piece in model.pieces]
    return path, pieces, model.normalizer_spec.precompiled_charsmap


# ---- Tokenizers ------------------------------------------------------------------------------


def bert_tokenizer():
    return transformers.BertTokenizer(vocab=wordpiece_vocabulary(), do_lower_case=False)


def mpnet_tokenizer():
    """Its model takes the id 1 for padding, whatever its config says."""
    vocabulary = wordpiece_vocabulary()
    special = {"[CLS]": "<s>", "[PAD]": "<pad>", "[SEP]": "</s>", "[UNK]": "[UNK]",
               "[MASK]": "<mask>"}
    words = [token for token in sorted(vocabulary, key=vocabulary.get) if token not in special]
    return transformers.MPNetTokenizer(
        vocab={token: i for i, token in enumerate([*special.values(), *words])})


def roberta_tokenizer():
    vocabulary, merges = byte_level_model()
    return transformers.RobertaTokenizer(vocab=vocabulary, merges=merges)


def modernbert_tokenizer():
    """NFC, byte-level BPE, a template, and runs of spaces as added tokens."""
    vocabulary, merges = byte_level_model()
    renamed = {"<s>": "[CLS]", "</s>": "[SEP]", "<pad>": "[PAD]", "<unk>": "[UNK]",
               "<mask>": "[MASK]"}
    vocabulary = {renamed.get(token, token): i for token, i in vocabulary.items()}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")])
    made.add_special_tokens(["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"])
    made.add_tokens([" " * length for length in range(24, 1, -1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
        unk_token="[UNK]", mask_token="[MASK]")


def xlm_roberta_tokenizer():
    _, pieces, table = sentencepiece_model()
    special = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    return transformers.XLMRobertaTokenizer(
        vocab=special + pieces[3:] + [("<mask>", 0.0)], _spm_precompiled_charsmap=table)


def albert_tokenizer():
    _, pieces, table = sentencepiece_model()
    special = [("<pad>", 0.0), ("<unk>", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("[MASK]", 0.0)]
    return transformers.AlbertTokenizer(
        vocab=special + pieces[3:], unk_id=1, do_lower_case=True, keep_accents=False,
        _spm_precompiled_charsmap=table)


def deberta_tokenizer():
    _, pieces, _ = sentencepiece_model()
    special = [("[PAD]", 0.0), ("[CLS]", 0.0), ("[SEP]", 0.0), ("[UNK]", 0.0)]
    return transformers.DebertaV2Tokenizer(vocab=special + pieces[3:] + [("[MASK]", 0.0)],
                                           unk_id=3)


TOKENIZERS = {
    "bert": bert_tokenizer, "distilbert": bert_tokenizer, "electra": bert_tokenizer,
    "mpnet": mpnet_tokenizer, "roberta": roberta_tokenizer, "modernbert": modernbert_tokenizer,
    "xlm-roberta": xlm_roberta_tokenizer, "albert": albert_tokenizer,
    "deberta-v2": deberta_tokenizer,
}


# ---- Models ----------------------------------------------------------------------------------


def config_of(family, tokenizer):
    common = {"vocab_size": len(tokenizer), "num_labels": LABELS,
              "pad_token_id": tokenizer.pad_token_id}
    shape = {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
             "intermediate_size": INNER}
    learned = {"max_position_embeddings": POSITIONS}
    offset = {"max_position_embeddings": POSITIONS + 2, "type_vocab_size": 1,
              "bos_token_id": 0, "eos_token_id": 2}
    configs = {
        "bert": lambda: transformers.BertConfig(**common, **shape, **learned),
        "distilbert": lambda: transformers.DistilBertConfig(
            **common, **learned, dim=WIDTH, n_layers=LAYERS, n_heads=HEADS, hidden_dim=INNER),
        "electra": lambda: transformers.ElectraConfig(
            **common, **shape, **learned, embedding_size=WIDTH // 2),
        "albert": lambda: transformers.AlbertConfig(
            **common, **shape, **learned, embedding_size=WIDTH // 2),
        "roberta": lambda: transformers.RobertaConfig(**common, **shape, **offset),
        "xlm-roberta": lambda: transformers.XLMRobertaConfig(**common, **shape, **offset),
        "mpnet": lambda: transformers.MPNetConfig(
            **common, **shape, max_position_embeddings=POSITIONS + 2),
        "modernbert": lambda: transformers.ModernBertConfig(
            **common, **{**shape, "num_hidden_layers": 4}, **learned, local_attention=16,
            cls_token_id=tokenizer.cls_token_id, sep_token_id=tokenizer.sep_token_id,
            bos_token_id=tokenizer.cls_token_id, eos_token_id=tokenizer.sep_token_id),
        "deberta-v2": lambda: transformers.DebertaV2Config(
            **common, **shape, **learned, type_vocab_size=0, relative_attention=True,
            position_buckets=32, norm_rel_ebd="layer_norm", share_att_key=True,
            pos_att_type=["p2c", "c2p"], position_biased_input=False),
    }
    return configs[family]()


def randomize(model, seed=1):
    """Weights large enough for every part to matter; norms near one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, values in model.named_parameters():
            noise = torch.randn(values.shape, generator=generator)
            if values.dim() > 1:
                values.copy_(noise * (1 if "embedding" in name else values.shape[-1]**-0.5))
            elif "norm" in name.lower() and name.endswith("weight"):
                values.copy_(1 + 0.1 * noise)
            else:
                values.copy_(0.1 * noise)


def save(family, folder):
    torch.manual_seed(1)
    tokenizer = TOKENIZERS[family]()
    config = config_of(family, tokenizer)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    randomize(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def tiny_folder(family):
    return cached(f"tiny-{family}", lambda path: save(family, path), __file__)


# ---- Folders without tokenizer.json ------------------------------------------------------------


def write_vocabulary_files(family, folder):
    """The files that tokenizer.json is made from, in its place."""
    described = json.loads((folder / "tokenizer.json").read_text())["model"]
    if family in ("xlm-roberta", "albert", "deberta-v2"):
        name = {"xlm-roberta": "sentencepiece.bpe.model", "albert": "spiece.model",
                "deberta-v2": "spm.model"}[family]
        (folder / name).write_bytes(sentencepiece_model()[0].read_bytes())
    elif "merges" in described:
        (folder / "vocab.json").write_text(json.dumps(described["vocab"], ensure_ascii=False))
        merges = "".join(f"{left} {right}\n" for left, right in described["merges"])
        (folder / "merges.txt").write_text("#version: 0.2\n" + merges)
    else:
        words = sorted(described["vocab"], key=described["vocab"].get)
        (folder / "vocab.txt").write_text("".join(word + "\n" for word in words))
    (folder / "tokenizer.json").unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("families", nargs="*", default=FAMILIES)
    for family in parser.parse_args().families:
        print(tiny_folder(family))


if __name__ == "__main__":
    main()
