"""Seeded Unicode strings that are hard on a tokenizer, a dozen kinds of them.

    python3 bench/fuzz_texts.py [--count 36] [--seed 1]

prints some as JSON strings, each after the name of its kind.
"""

import argparse
import json
import random
import unicodedata

LAST = 0x10FFFF
SPACES = [chr(c) for c in range(LAST) if chr(c).isspace()] + ["\u200b", "\u2060", "\ufeff", "\u180e"]
CONTROLS = ([chr(c) for c in range(0x20)] + [chr(c) for c in range(0x7F, 0xA1)] +
            [chr(c) for c in range(0x200B, 0x2010)] + [chr(c) for c in range(0x2028, 0x202F)] +
            [chr(c) for c in range(0x2060, 0x2070)] + ["\u00ad", "\ufeff", "\ufffd", "\ufffe",
                                                       "\uffff", "\U000e0001", "\U0010ffff"])
MARKS = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c)).startswith("M")]
COMPATIBLE = [chr(c) for c in range(0x20, 0x30000)
              if not 0xD800 <= c < 0xE000 and unicodedata.normalize("NFKC", chr(c)) != chr(c)]
PUNCTUATION = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c))[0] in "PS"]
SPECIAL = ["[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", "[cls]", "[ MASK ]", "[MASK", "MASK]",
           "<s>", "</s>", "<pad>", "<mask>", "<unk>", "< s >", "<S>", "<|endoftext|>", "##ing", "##",
           "\u2581", "\u2581the", "\u0120", "\u0120the", "\u010a", "@@", "[unused1]", "<0x0A>"]
BLOCKS = {  # scripts and their letters
    "Latin": (0x41, 0x24F), "Greek": (0x370, 0x3FF), "Cyrillic": (0x400, 0x52F),
    "Armenian": (0x531, 0x58F), "Hebrew": (0x591, 0x5F4), "Arabic": (0x600, 0x6FF),
    "Devanagari": (0x900, 0x97F), "Bengali": (0x980, 0x9FF), "Tamil": (0xB80, 0xBFF),
    "Thai": (0xE00, 0xE5B), "Tibetan": (0xF00, 0xFDA), "Georgian": (0x10A0, 0x10FF),
    "Ethiopic": (0x1200, 0x137C), "Khmer": (0x1780, 0x17F9), "Vietnamese": (0x1EA0, 0x1EF9),
    "Mathematical": (0x1D400, 0x1D7FF), "Deseret": (0x10400, 0x1044F),
}
HAN = [(0x4E00, 0x9FFF), (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0xF900, 0xFAFF),
       (0x3040, 0x30FF), (0xAC00, 0xD7A3), (0x1100, 0x11FF), (0xFF01, 0xFFEE), (0x3000, 0x303F),
       (0x2F800, 0x2FA1D), (0x30000, 0x3134A)]
PEOPLE = "👨👩👧👦🧑👶🏳❤✊👍🤦💻🚀🔥😀"
AFTER_EMOJI = ["\u200d", "\ufe0f", "\ufe0e", "\u20e3", *(chr(c) for c in range(0x1F3FB, 0x1F400)),
               *(chr(c) for c in range(0x1F1E6, 0x1F200)), "\U000e0067", "\U000e007f"]


def character(rng, lowest=0, highest=LAST):
    while True:
        code = rng.randint(lowest, highest)
        if not 0xD800 <= code < 0xE000:
            return chr(code)


def word(rng, longest=10):
    return "".join(rng.choices("etaoinshrdlucmfwypvbgkjqxzETAOIN", k=rng.randint(1, longest)))


def any_plane(rng, _):
    tops = (0x7F, 0x7FF, 0xFFFF, 0x1FFFF, LAST)
    return "".join(character(rng, 0, rng.choice(tops)) for _ in range(rng.randint(0, 24)))


def combining(rng, _):
    return "".join(rng.choice((word(rng, 3), character(rng, 0xC0, 0x24F), " ")) +
                   "".join(rng.choices(MARKS, k=rng.randint(0, 4)))
                   for _ in range(rng.randint(1, 10)))


def east_asian(rng, _):
    return "".join(rng.choice((character(rng, *rng.choice(HAN)),) * 5 + (word(rng, 5), " ", "3"))
                   for _ in range(rng.randint(1, 24)))


def emoji(rng, _):
    return "".join(rng.choice((rng.choice(PEOPLE), rng.choice(AFTER_EMOJI),
                               character(rng, 0x1F300, 0x1FAFF), rng.choice("0#* "), word(rng, 4)))
                   for _ in range(rng.randint(1, 20)))


def controls(rng, _):
    return "".join(rng.choice((rng.choice(CONTROLS), word(rng, 6)))
                   for _ in range(rng.randint(1, 16)))


def spaces(rng, _):
    return "".join(rng.choice(("".join(rng.choices(SPACES, k=rng.randint(1, 4))),
                               " " * rng.randint(1, 30), word(rng, 6)))
                   for _ in range(rng.randint(1, 16)))


def special_tokens(rng, _):
    return "".join(rng.choice((rng.choice(SPECIAL), rng.choice(SPECIAL), " ", "  ", word(rng, 4),
                               rng.choice(PUNCTUATION))) for _ in range(rng.randint(1, 10)))


def scripts(rng, _):
    chosen = rng.sample(sorted(BLOCKS), rng.randint(1, 3))
    return "".join(rng.choice((character(rng, *BLOCKS[rng.choice(chosen)]),) * 6 +
                              (" ", str(rng.randint(0, 9999)), rng.choice(PUNCTUATION)))
                   for _ in range(rng.randint(1, 40)))


def long_words(rng, _):
    length = rng.choice((30, 98, 99, 100, 101, 102, 200, 400))
    kind = rng.randint(0, 2)
    if kind == 0:
        return rng.choice("aé中.") * length
    if kind == 1:
        return "".join(word(rng, 8) for _ in range(length // 4))
    return " ".join((word(rng, 3) * length)[:length] for _ in range(2))


def punctuation(rng, _):
    short = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "''", "``", "...", "--", "n't",
             "3.14", "1,000", "a.b", "C++", "#x", "http://a.b/c?d=e"]
    return "".join(rng.choice((rng.choice(short), rng.choice(PUNCTUATION), word(rng, 6), " "))
                   for _ in range(rng.randint(1, 20)))


def compatible(rng, _):
    return "".join(rng.choice((rng.choice(COMPATIBLE), rng.choice(COMPATIBLE), word(rng, 3), " ",
                               rng.choice(MARKS))) for _ in range(rng.randint(1, 16)))


def mutated(rng, texts):
    text = list(rng.choice(texts)[:200])
    for _ in range(rng.randint(1, 6)):
        place = rng.randint(0, len(text))
        change = rng.randint(0, 3)
        if change == 0:
            text[place:place + rng.randint(1, 3)] = []
        elif change == 1:
            text[place:place] = rng.choice((character(rng), rng.choice(MARKS), rng.choice(SPACES),
                                            rng.choice(CONTROLS), rng.choice(SPECIAL)))
        elif change == 2:
            text[place:place + 8] = "".join(text[place:place + 8]).swapcase()
        else:
            text[place:place] = text[place:place + 2]
    return "".join(text)


KINDS = (any_plane, combining, east_asian, emoji, controls, spaces, special_tokens, scripts,
         long_words, punctuation, compatible, mutated)


def generate(seed, chunk, count, texts):
    """The chunk-th list of `count` strings of a seed, all kinds in turn. texts: what is mutated."""
    rng = random.Random(f"{seed} {chunk}")
    return [KINDS[i % len(KINDS)](rng, texts) for i in range(count)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=36)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    texts = ["The quick brown fox jumps over the lazy dog.", "今天天气很好。"]
    for i, text in enumerate(generate(arguments.seed, 0, arguments.count, texts)):
        print(f"{KINDS[i % len(KINDS)].__name__:16} {json.dumps(text)}")


if __name__ == "__main__":
    main()
