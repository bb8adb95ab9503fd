#!/usr/bin/env bash
# From nothing to a trained and measured classifier: which section of Debian a package belongs to,
# from its description. Everything is written to build/.
set -euo pipefail
cd "$(dirname "$0")/.."

show() { # prints a command and runs it
    printf '\n$ %s\n' "$*"
    "$@"
}

scripts/setup.sh demo
make --no-print-directory all
headwise=build/release/headwise
data=build/demo
[ -s $data/train.tsv ] || show scripts/make_demo_data.py $data

show $headwise train -input $data/train.tsv -output $data/sections.safetensors
show $headwise eval $data/sections.safetensors -input $data/test.tsv

cat >$data/texts.txt <<'TEXTS'
chess program with a graphical board that plays against you
Python library to parse and validate JSON documents
align short DNA reads to a reference genome
TEXTS
show cat $data/texts.txt
show $headwise predict-prob $data/sections.safetensors $data/texts.txt 3
