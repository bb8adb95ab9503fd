#!/usr/bin/env python3
"""Writes tokenizers.json: small tokenizers with every option that src/tokenizer/tokenizer.h offers, texts,
and what `tokenizers` makes of them: ids with the bytes of the text they came from.

    /opt/hwvenv/bin/python tests/golden/make_tokenizer_golden.py > tests/golden/tokenizers.json

Layout: {"models": {name: section}, "texts": [...], "cases": [{"name", "model", "tokenizer" (all
other sections), "before", "after", "encodings": [[id, begin, end, id, ...], ... one a text]}]}.
The models of an old file that is named are kept, because training does not repeat exactly. Needs
tokenizers 0.23.
"""

import json
import sys
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

CORPUS = [
    "The quick brown fox jumps over the lazy dog, again and again.",
    "Pack my box with five dozen liquor jugs! 1234567890",
    "She sells sea shells by the sea shore; the shells she sells are sea shells for sure.",
    "naïve café, crème brûlée, Ångström, São Paulo, Zürich, jalapeño",
    "I'm sure they've said we'll see what it's like, hasn't he?",
    "今天天气很好，我们去公园散步。北京和上海是大城市。",
    "Москва и Санкт-Петербург; добрый день, дорогие друзья",
    "tokenizers tokenize tokens into unbelievably small pieces",
    "emoji 😀 🎉 👍🏽 and symbols € £ ¥ © ™ → ½",
]

TEXTS = [
    "",
    " ",
    "The quick brown fox.",
    "  Unbelievable!!  THE\tend \n",
    "naïve CAFÉ, cre\u0300me bru\u0302le\u0301e",
    "I'm sure they've said we'll 'see' it's 42% 3.14",
    "今天天气很好,我们 go 公园。",
    "Москва ДЕНЬ",
    "emoji 😀👍🏽 ½ ﬁne ＡＢＣ",
    "İstanbul ǅ ß Σ",
    "a\u200bb\x00c\x7fd\ufffde\u2028f\u00a0g\x85h",
    "한국어 각 \u1112\u1161\u11ab",
    "x\u0323\u0307 x\u0307\u0323 \u0344 \u212b \u0958",
    "[MASK] the[MASK]y <mask>  see  <mask>. <s>fox</s>",
    "see Shells shellsea SHELLS, xseex",
    "``quoted'' and   three   spaces",
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "…—«»¿¡ $+<=>^`|~",
    "1½²٣४ a1b22c",
    "\u2581the \u2581 end",
    "\uac00\u11a7 \u1100\u1161\u11a7",  # U+11A7 composes with nothing
]


def section(component):
    """What a component is in a tokenizer.json."""
    return json.loads(component.__getstate__())


def train(model, trainer, pre_tokenizer, normalizer=None):
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.train_from_iterator(CORPUS, trainer)
    return json.loads(tokenizer.to_str())["model"]


def train_models():
    bert = normalizers.BertNormalizer()
    wordpiece = train(
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(
            vocab_size=330, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False
        ),
        pre_tokenizers.BertPreTokenizer(),
        bert,
    )
    wordpiece["max_input_chars_per_word"] = 40
    bpe = train(
        models.BPE(),
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
        pre_tokenizers.ByteLevel(add_prefix_space=False),
    )
    unigram = train(
        models.Unigram(),
        trainers.UnigramTrainer(
            vocab_size=260, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
        ),
        pre_tokenizers.Metaspace(),
    )
    return {"wordpiece": wordpiece, "bpe": bpe, "unigram": unigram}


def added(content, special=True, **flags):
    token = {"id": 0, "content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {**token, "special": special, **flags}


BERT_ADDED = [added(token) for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
ROBERTA_ADDED = [added(token) for token in ("<s>", "<pad>", "</s>", "<unk>")] + [added("<mask>", lstrip=True)]
BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
BERT_CUT = {"type": "BertPreTokenizer"}
SPACES = {"type": "WhitespaceSplit"}


def template(cls, cls_id, sep, sep_id):
    special = {name: {"id": name, "ids": [number], "tokens": [name]} for name, number in ((cls, cls_id), (sep, sep_id))}
    first, text, last = {"SpecialToken": {"id": cls, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": sep, "type_id": 0}}
    second = {"Sequence": {"id": "B", "type_id": 1}}
    return {"type": "TemplateProcessing", "single": [first, text, last], "pair": [first, text, last, second, last], "special_tokens": special}


def sequence(key, *parts):
    return {"type": "Sequence", key: list(parts)}


def byte_level(prefix, regex=True, trim=True):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": trim, "use_regex": regex}


def replace(pattern, content, kind="String"):
    return {"type": "Replace", "pattern": {kind: pattern}, "content": content}


def split(pattern, behavior, invert=False, kind="String"):
    return {"type": "Split", "pattern": {kind: pattern}, "behavior": behavior, "invert": invert}


def metaspace(scheme, cuts=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cuts}


def cases():
    """(name, model, sections)"""
    yield "bert", "wordpiece", {"normalizer": BERT, "pre_tokenizer": BERT_CUT, "added_tokens": BERT_ADDED, "post_processor": template("[CLS]", 2, "[SEP]", 3)}
    for key, value in (("clean_text", False), ("handle_chinese_chars", False), ("strip_accents", False), ("strip_accents", True), ("lowercase", False)):
        yield f"bert {key} {value}", "wordpiece", {"normalizer": {**BERT, key: value}, "pre_tokenizer": BERT_CUT, "added_tokens": BERT_ADDED, "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]}}
    yield "bert cased accents", "wordpiece", {"normalizer": {**BERT, "lowercase": False, "strip_accents": True}, "pre_tokenizer": BERT_CUT, "added_tokens": BERT_ADDED}
    for kind in ("Lowercase", "StripAccents", "NFC", "NFD", "NFKC", "NFKD", "Nmt"):
        yield kind, "wordpiece", {"normalizer": {"type": kind}, "pre_tokenizer": SPACES}
        yield f"{kind} unigram", "unigram", {"normalizer": sequence("normalizers", {"type": "NFKD"}, {"type": kind}), "pre_tokenizer": metaspace("always")}
    for left in (False, True):
        for right in (False, True):
            yield f"Strip {left} {right}", "unigram", {"normalizer": {"type": "Strip", "strip_left": left, "strip_right": right}}
    yield "Replace strings", "unigram", {"normalizer": sequence("normalizers", replace("``", '"'), replace("''", '"'), {"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}), "pre_tokenizer": metaspace("always")}
    for pattern in (" {2,}", "\\s+", "\\s{2,}|[\\n\\r\\t]"):
        yield f"Replace {pattern}", "unigram", {"normalizer": replace(pattern, " ", "Regex"), "pre_tokenizer": metaspace("always")}
    yield "Replace nothing", "unigram", {"normalizer": replace("e", "")}
    yield "Replace longer", "unigram", {"normalizer": replace("the", "ßthé")}
    yield "Prepend", "unigram", {"normalizer": sequence("normalizers", {"type": "Prepend", "prepend": "▁"}, replace(" ", "▁"))}
    yield "ByteLevel normalizer", "bpe", {"normalizer": {"type": "ByteLevel"}}
    yield "none", "wordpiece", {}
    yield "none unigram", "unigram", {}
    for kind in ("Whitespace", "WhitespaceSplit"):
        yield kind, "wordpiece", {"normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": kind}}
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        yield f"Punctuation {behavior}", "wordpiece", {"pre_tokenizer": sequence("pretokenizers", SPACES, {"type": "Punctuation", "behavior": behavior})}
        yield f"Split {behavior}", "wordpiece", {"pre_tokenizer": split("e", behavior)}
        yield f"Split inverted {behavior}", "wordpiece", {"pre_tokenizer": split(" ", behavior, True)}
    yield "Split spaces", "wordpiece", {"pre_tokenizer": split("\\s+", "Removed", False, "Regex")}
    yield "CharDelimiterSplit", "wordpiece", {"pre_tokenizer": {"type": "CharDelimiterSplit", "delimiter": " "}}
    for individual in (False, True):
        yield f"Digits {individual}", "wordpiece", {"pre_tokenizer": sequence("pretokenizers", SPACES, {"type": "Digits", "individual_digits": individual})}
    for scheme in ("always", "first", "never"):
        for cuts in (True, False):
            yield f"Metaspace {scheme} {cuts}", "unigram", {"pre_tokenizer": metaspace(scheme, cuts), "added_tokens": [added("<s>"), added("</s>"), added("<mask>", lstrip=True)], "post_processor": template("<s>", 0, "</s>", 2)}
    yield "Metaspace after Whitespace", "unigram", {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True}, "pre_tokenizer": sequence("pretokenizers", SPACES, metaspace("first"))}
    for prefix in (False, True):
        for trim in (False, True):
            yield f"Roberta {prefix} {trim}", "bpe", {"pre_tokenizer": byte_level(prefix), "added_tokens": ROBERTA_ADDED, "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": trim, "add_prefix_space": prefix}}
    yield "ByteLevel without expression", "bpe", {"pre_tokenizer": byte_level(True, False)}
    yield "ByteLevel after Digits", "bpe", {"normalizer": {"type": "NFC"}, "pre_tokenizer": sequence("pretokenizers", {"type": "Digits", "individual_digits": True}, byte_level(False)), "post_processor": sequence("processors", byte_level(False), template("<s>", 0, "</s>", 2)), "added_tokens": ROBERTA_ADDED}
    yield "added tokens", "wordpiece", {
        "normalizer": BERT,
        "pre_tokenizer": BERT_CUT,
        "added_tokens": BERT_ADDED
        + [added("see", single_word=True), added("shells", False, normalized=True), added("  ", False), added("<mask>", lstrip=True, rstrip=True), added("end", False, normalized=True, single_word=True, lstrip=True), added("shell", False, normalized=True), added("", False)],
    }
    yield "normalized specials", "wordpiece", {"normalizer": BERT, "pre_tokenizer": BERT_CUT, "added_tokens": [added(token, normalized=True) for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "CAFÉ")]}


def byte_offsets(text):
    offsets = [0]
    for char in text:
        offsets.append(offsets[-1] + len(char.encode()))
    return offsets


def encode(tokenizer, text):
    encoding, offsets = tokenizer.encode(text, add_special_tokens=False), byte_offsets(text)
    return [number for token, (begin, end) in zip(encoding.ids, encoding.offsets) for number in (token, offsets[begin], offsets[end])]


def sides(tokenizer):
    """The ids of the template."""
    whole, inner = tokenizer.encode("the").ids, tokenizer.encode("the", add_special_tokens=False).ids
    before = next(i for i in range(len(whole) + 1) if whole[i : i + len(inner)] == inner)
    return whole[:before], whole[before + len(inner) :]


def main():
    sections = json.loads(Path(sys.argv[1]).read_text())["models"] if len(sys.argv) > 1 else train_models()
    found = []
    for name, model, own in cases():
        whole = {"version": "1.0", "truncation": None, "padding": None, "decoder": None, "normalizer": None, "pre_tokenizer": None, "post_processor": None, "added_tokens": [], **own, "model": sections[model]}
        tokenizer = Tokenizer.from_str(json.dumps(whole))
        before, after = sides(tokenizer)
        found.append({"name": name, "model": model, "tokenizer": own, "before": before, "after": after, "encodings": [encode(tokenizer, text) for text in TEXTS]})
    print('{"models": {')
    print(",\n".join(f" {json.dumps(name)}: {json.dumps(model, ensure_ascii=False)}" for name, model in sections.items()))
    print("},")
    print(f'"texts": {json.dumps(TEXTS, ensure_ascii=True)},')
    print('"cases": [')
    print(",\n".join(json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in found))
    print("]}")


if __name__ == "__main__":
    main()
