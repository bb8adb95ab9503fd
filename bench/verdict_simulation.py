#!/usr/bin/env python3
"""Runs verdict_simulation and puts its tables between the markers of a Markdown file.

    bench/verdict_simulation.py PROGRAM docs/study/verdict-engine.md
"""

import subprocess
import sys
from pathlib import Path

BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"


def main():
    program, path = sys.argv[1], Path(sys.argv[2])
    before, rest = path.read_text(encoding="utf-8").split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    tables = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    path.write_text(f"{before}{BEGIN}\n{tables}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
