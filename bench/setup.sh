#!/usr/bin/env bash
# Makes bench/venv, the Python environment of the benchmarks, with the pinned versions.
set -euo pipefail
cd "$(dirname "$0")"

[ -x venv/bin/python ] || python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
