#!/usr/bin/env bash
# Makes bench/venv, the Python environment of the benchmarks, with the pinned versions.
#     bench/setup.sh [encoder]    encoder: what the benchmarks of pretrained encoders need, too
set -euo pipefail
cd "$(dirname "$0")"

files=(-r requirements.txt)
[ "${1:-}" != encoder ] || files+=(-r requirements-encoder.txt)
[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "${files[@]}"
