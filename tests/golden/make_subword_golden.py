#!/usr/bin/env python3
"""Writes subword.json and subword/: small models that Hugging Face's tokenizers 0.23 and
sentencepiece 0.2 train on the text below, what `tokenizers` makes of strings with them, and the
tokenizer.json that transformers 5.24 makes of SentencePiece models.

    python3 tests/golden/make_subword_golden.py
"""

import base64
import io
import json
import pathlib
import random
import tempfile

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer
from transformers.tokenization_utils_base import generate_merges

HERE = pathlib.Path(__file__).parent
TEXT = """\
The ferry leaves the harbour at seven, and the old lighthouse keeper waves at it every morning.
She said that she'd rather walk than wait; they've waited long enough, and I'm not sure we'll arrive.
Don't touch the kettle, it's hot! Isn't the garden lovely? The gardeners' tools aren't there.
In 1984 the 3rd edition cost 12.50, in 2021 the 11th cost 49.95: four times as much in 37 years.
Rain, rain and more rain... the river rose 2 metres in 24 hours and nobody had seen it coming.
A quiet film about loud people, told without haste, is worth more than ten loud films in a hurry.
Le café était fermé, déjà à huit heures; la crème brûlée, c'était pour demain, naïveté oblige.
Der Bäcker grüßt freundlich über die Straße, während die Kinder draußen Fußball spielen.
El niño pequeño soñaba con montañas, y la señora cantaba una canción de cuna en español.
这部电影很好看，我们都很喜欢。今天的天气不错，明天可能会下雨。
他说这本书太长了，但是故事很有意思；孩子们读了三遍。北京的冬天很冷，上海的夏天很热。
手机的电池不好，屏幕也有问题，客服的态度还可以。价格便宜，质量一般，下次不会再买了。
Мы видели старый дом у реки, и никто не помнил, кто там жил. Привет, мир!
Emoji are letters too: \U0001f600 \U0001f389 \U0001f44d\U0001f3fd \U0001f469\u200d\U0001f680 and \u2764\ufe0f.
Odd\u00a0spaces\u2003between\u3000words,  two blanks,   three blanks,\ttabs\tand\u200bnothing.
print(f"{x:>8.3f}") != 'x' && y >= 0x1F || z[i++] == "\\n"; // code, code, and more code
====== ------ ...... !!!!!! ?????? aaaaaa hahahaha 哈哈哈哈哈 66666
""".split("\n")
# A small charsmap: what is replaced, and by what, in hexadecimal.
RULES = """\
FB01\t66 69
2460\t31
FF01\t21
FF21\t41
3000\t20
A0\t20
9\t20
65 301\tE9
61 308\tE4
2122\t54 4D
AD\t
304B 3099\t304C
3099\t309B
E33\tE4D E32
AC00\t1100 1161
"""
ODD = ["\r\n", "\r", "e\u0301", "a\u0308\u0301", "\ufb01", "\u2460", "\uff01", "\u3000", "\u2122\u0301",
       "\u00ad", "\u304b\u3099", "\u3099", "\u0e33", "\u0e33\u0327", "\uac00", "\u0600", "\u200d",
       "\ufe0f", "\U0001f1e9\U0001f1ea", "\U0001f469\u200d\U0001f680", "\u0000", "\u2028", "\u0085",
       "\u00b2", "\u2167", "\u0663", "\u1c89", "\U0010ffff", "\u2581", "'s", "'ll", "'S", "''", "``",
       "<unk>", "<0x41>", "x" * 30, "=" * 21, "\u54c8" * 11]


def strings(count, seed):
    draw = random.Random(seed)
    characters = sorted(set("".join(TEXT)))
    words = [word for line in TEXT for word in line.split()]
    for _ in range(count):
        pool = draw.choice([characters, words, words, ODD, ODD + words])
        glue = draw.choice(["", "", " ", "\u2581"])
        yield glue.join(draw.choice(pool) for _ in range(draw.randrange(1, 9)))


def encode(model, pool):
    return [[text, [[t.id, *t.offsets] for t in model.tokenize(text)]] for text in pool]


def case(name, model, seed):
    """A model as its JSON, and its tokens; read back from JSON, as that changes scores."""
    wrapped = json.dumps({"version": "1.0", "model": model})
    read = Tokenizer.from_str(wrapped).model
    return {"name": name, "model": model, "texts": encode(read, strings(64, seed))}


def train_bpe(pre_tokenizer, **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.train_from_iterator(TEXT, trainers.BpeTrainer(show_progress=False, **options))
    return json.loads(tokenizer.to_str())["model"]


def bpe_cases():
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    byte_level = train_bpe(pre_tokenizers.ByteLevel(add_prefix_space=False), vocab_size=500,
                           initial_alphabet=sorted(alphabet))
    yield case("byte level", byte_level, 1)
    affixes = train_bpe(pre_tokenizers.Whitespace(), vocab_size=450, limit_alphabet=80,
                        special_tokens=["[UNK]"], continuing_subword_prefix="##",
                        end_of_word_suffix="</w>")
    yield case("prefix and suffix", {**affixes, "unk_token": "[UNK]"}, 2)
    vocabulary = {piece.piece: id for id, piece in enumerate(train_pieces("bpe", 640).pieces)}
    merges = generate_merges(vocabulary)
    model = {"type": "BPE", "unk_token": "<unk>", "vocab": vocabulary, "merges": merges}
    yield case("fused", {**model, "fuse_unk": True}, 3)
    yield case("bytes", {**model, "fuse_unk": True, "byte_fallback": True}, 4)
    some = {token: id for token, id in vocabulary.items() if token not in ("<0xE4>", "<0xF0>")}
    yield case("some bytes", {**model, "byte_fallback": True, "vocab": some}, 5)
    yield case("whole words", {**model, "ignore_merges": True}, 6)
    lines = [" ".join(merge) for merge in merges]
    yield case("no unknown token", {**model, "unk_token": None, "merges": lines}, 7)


def train(model_type, size, **options):
    model = io.BytesIO()
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as rules:
        rules.write(RULES)
        rules.flush()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXT), model_writer=model, model_type=model_type, vocab_size=size,
            normalization_rule_tsv=rules.name, minloglevel=2, num_threads=1, **options)
    return model.getvalue()


def train_pieces(model_type, size):
    parsed = sentencepiece_model_pb2.ModelProto()
    parsed.ParseFromString(train(model_type, size, byte_fallback=True, character_coverage=0.98))
    return parsed


def unigram_cases():
    pieces = [[piece.piece, piece.score] for piece in train_pieces("unigram", 550).pieces]
    model = {"type": "Unigram", "unk_id": 0, "vocab": pieces}
    yield case("unknown", model, 11)
    yield case("bytes", {**model, "byte_fallback": True}, 12)
    draw = random.Random(13)
    coarse = [[piece, -draw.randrange(1, 4)] for piece, _ in pieces]
    fused = [["\u304b\u3099", -1.5], ["\u1c89\u0663", -2], ["<unk>x", -2.25]]
    yield case("ties", {**model, "vocab": coarse + fused}, 14)


def charsmap_cases(charsmap):
    normalizer = normalizers.Precompiled(charsmap)
    pool = ODD + list(strings(200, 21))
    return {"precompiled_charsmap": base64.b64encode(charsmap).decode(),
            "texts": [[text, normalizer.normalize_str(text)] for text in pool]}


def split_cases():
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return [[text, [len(piece) for piece, _ in splitter.pre_tokenize_str(text)]]
            for text in TEXT[:-1] + list(strings(200, 31))]


FAMILIES = [
    ("xlm-roberta", "sentencepiece.bpe.model", {}, {}),
    ("albert", "spiece.model", {"do_lower_case": False},
     dict(pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols="[CLS],[SEP],[MASK]",
          user_defined_symbols="(,),\u00a3")),
    ("deberta-v2", "spm.model", {"do_lower_case": True, "split_by_punct": True},
     dict(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]",
          eos_piece="[SEP]", unk_piece="[UNK]")),
]


def family_case(name, file, config, options):
    folder = HERE / "subword" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(train("unigram", 320, **options))
    (folder / "config.json").write_text(json.dumps({"model_type": name}) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    (folder / "config.json").unlink()
    return {"folder": name, "tokenizer": json.loads(tokenizer._tokenizer.to_str())}


def main():
    charsmap = train_pieces("unigram", 550).normalizer_spec.precompiled_charsmap
    golden = {
        "bpe": list(bpe_cases()),
        "unigram": list(unigram_cases()),
        "precompiled": charsmap_cases(charsmap),
        "splits": split_cases(),
        "sentencepiece": [family_case(*family) for family in FAMILIES],
    }
    text = json.dumps(golden, ensure_ascii=False, separators=(",", ":"))
    (HERE / "subword.json").write_text(text + "\n", encoding="utf-8")


main()
