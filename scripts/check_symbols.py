#!/usr/bin/env python3
"""Compares what a shared library exports with what include/headwise.h declares HW_API.

    scripts/check_symbols.py build/release/libheadwise.so
"""

import re
import subprocess
import sys
from pathlib import Path

HEADER = Path(__file__).resolve().parents[1] / "include" / "headwise.h"


def declared():
    text = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.S)
    return set(re.findall(r"^HW_API\b[^;]*?\b(hw_\w+)\s*\(", text, flags=re.M))


def exported(library):
    lines = subprocess.run(
        ["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    names = [line.split() for line in lines]
    # "A" is the version node itself.
    return {fields[2].split("@")[0] for fields in names if fields[1] != "A"}


def main():
    header, library = declared(), exported(sys.argv[1])
    for name in sorted(header - library):
        print(f"declared in headwise.h but not exported: {name}")
    for name in sorted(library - header):
        print(f"exported but not declared in headwise.h: {name}")
    print(f"{len(header & library)} functions are declared and exported")
    return 0 if header == library else 1


if __name__ == "__main__":
    sys.exit(main())
