#!/usr/bin/env python3
"""The layer rule: a folder of src/ includes only itself and the folders listed for it; the program
(app/) includes only headwise.h, its own headers and base/. Prints each offending include."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

BELOW = {
    "base": set(),
    "statistics": {"base"},
    "text": {"base"},
    "tokenizer": {"base", "text"},
    "tensor": {"base"},
    "model": {"base", "tensor"},
    "encoder": {"base", "tensor"},
    "classify": {"base", "statistics", "text", "tokenizer", "tensor", "model", "encoder"},
    "train": {"base", "statistics", "text", "tokenizer", "tensor", "model", "encoder", "classify"},
    "explain": {"base", "statistics", "text", "tokenizer", "tensor", "model", "encoder", "classify"},
    "study": {"base", "statistics", "text", "tokenizer", "tensor", "model", "encoder", "classify",
              "train", "explain"},
    "app": {"base"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')


def layer_of(included, layer):
    """The layer an include names; a header without a folder is the public one or the layer's own."""
    if "/" in included:
        return included.split("/", 1)[0]
    return None if included == "headwise.h" else layer


def offences(path, layer):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        used = layer_of(match.group(1), layer)
        if used and used != layer and used not in BELOW[layer]:
            yield f'{path.relative_to(ROOT)}:{number}: {layer} must not include "{match.group(1)}"'


def folders():
    yield from (folder for folder in sorted((ROOT / "src").iterdir()) if folder.is_dir())
    yield ROOT / "app"


def main():
    found = []
    for folder in folders():
        if folder.name not in BELOW:
            found.append(f"{folder.relative_to(ROOT)}: not a layer that scripts/check_layers.py knows")
            continue
        for path in sorted(folder.rglob("*.[ch]")):
            found.extend(offences(path, folder.name))
    print("\n".join(found) if found else "every include points downwards")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
