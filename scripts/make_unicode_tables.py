#!/usr/bin/env python3
"""Writes src/tokenizer/unicode_tables.c: what the parts of Hugging Face's `tokenizers` take each code
point for. They carry tables of different versions of Unicode, so the classes are asked of the
library itself, code point by code point. Needs tokenizers 0.23 and libutf8proc; takes half a minute.

    python3 scripts/make_unicode_tables.py > src/tokenizer/unicode_tables.c
"""

import ctypes
from tokenizers import normalizers, pre_tokenizers

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
BLOCK = 256  # code points of an entry of the index
INDEXED = 0x20000

utf8proc = ctypes.CDLL("libutf8proc.so.2")
utf8proc.utf8proc_tolower.restype = ctypes.c_int32
utf8proc.utf8proc_decompose_char.restype = ctypes.c_ssize_t


def decompose(code, options):
    buffer, last = (ctypes.c_int32 * 64)(), ctypes.c_int(0)
    count = utf8proc.utf8proc_decompose_char(code, buffer, 64, options, ctypes.byref(last))
    return "".join(map(chr, buffer[:count]))


class Property(ctypes.Structure):
    _fields_ = [("category", ctypes.c_int16), ("combining_class", ctypes.c_int16)]


utf8proc.utf8proc_get_property.restype = ctypes.POINTER(Property)


def combining_class(code):
    return utf8proc.utf8proc_get_property(code).contents.combining_class


bert = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
clean = normalizers.BertNormalizer(True, False, False, False).normalize_str
unaccent = normalizers.BertNormalizer(False, False, True, False).normalize_str
digits = pre_tokenizers.Digits(True).pre_tokenize_str
words = pre_tokenizers.Whitespace().pre_tokenize_str
byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str
strip_accents = normalizers.StripAccents().normalize_str
nfd = normalizers.NFD().normalize_str
nfkd = normalizers.NFKD().normalize_str
lower = normalizers.Lowercase().normalize_str


def between(char):
    return "a" + char + "a"


def has_no_order(code, char):
    """True if utf8proc sorts the mark among others and `tokenizers` does not. (U+0334 has class 1,
    U+0345 has class 240.)"""
    own = combining_class(code)
    if own in (0, 240) or nfd(char) != char:
        return False
    moves_left = nfd("a\u0345" + char)[1] == char
    moves_right = own == 1 or nfd("a" + char + "\u0334")[1] != char
    return not (moves_left and moves_right)


# In the order of the bits of src/tokenizer/unicode_class.h.
CLASSES = [
    lambda code, char: len(bert(between(char))) == 3,
    lambda code, char: code != 0xFFFD and clean(between(char)) == "aa",
    lambda code, char: unaccent(between(char)) == "aa",
    lambda code, char: strip_accents(between(char)) == "aa",
    lambda code, char: len(digits(between(char))) == 3,
    lambda code, char: len(words(between(char))) == 1,
    lambda code, char: len(byte_level("a" + char)) == 1,
    lambda code, char: len(byte_level("1" + char)) == 1,
    lambda code, char: decompose(code, 1 << 4) != nfd(char) or decompose(code, 1 << 4 | 1 << 2) != nfkd(char),
    has_no_order,
]


def class_of(code):
    char = chr(code)
    return sum(1 << bit for bit, holds in enumerate(CLASSES) if holds(code, char))


def ranges():
    """(first code point, class): each lasts up to the next."""
    found, previous = [], None
    for code in range(0x110000):
        own = 0 if 0xD800 <= code < 0xE000 else class_of(code)
        if own != previous:
            found.append((code, own))
        previous = own
    return found


def other_lower_case():
    """(first, last, distance) of code points that utf8proc maps to another one than `tokenizers`;
    not U+0130, which becomes two."""
    found = []
    for code in CODES:
        mapped = ord(lower(chr(code))) if code != 0x130 else utf8proc.utf8proc_tolower(code)
        if mapped == utf8proc.utf8proc_tolower(code):
            continue
        if found and found[-1][1] == code - 1 and found[-1][2] == mapped - code:
            found[-1][1] = code
        else:
            found.append([code, code, mapped - code])
    return found


def print_array(declaration, items):
    print(f"{declaration} = {{")
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > 100:
            print(line)
            line = "   "
        line += f" {item},"
    print(line)
    print("};")


def main():
    found = ranges()
    index, at = [], 0
    for code in range(0, INDEXED + 1, BLOCK):
        while at + 1 < len(found) and found[at + 1][0] <= code:
            at += 1
        index.append(at)
    print("/* Made by scripts/make_unicode_tables.py (tokenizers 0.23.3, utf8proc 2.8): do not edit. */")
    print('#include "tokenizer/unicode_class.h"\n')
    print("// clang-format off")
    print_array(
        "const uint32_t hw_unicode_ranges[]",
        [f"0x{code << 11 | own:X}" for code, own in found],
    )
    print(f"const size_t hw_unicode_range_count = {len(found)};\n")
    print_array(f"const uint16_t hw_unicode_index[{len(index)}]", [str(item) for item in index])
    print()
    other = other_lower_case()
    print_array(
        "const hw_lower_range hw_unicode_lower[]",
        [f"{{ 0x{first:X}, 0x{last:X}, {distance} }}" for first, last, distance in other],
    )
    print(f"const size_t hw_unicode_lower_count = {len(other)};")
    print("// clang-format on")


if __name__ == "__main__":
    main()
