#!/usr/bin/env bash
# All speed beside other programs that `make bench` and `make encoder-bench` leave out, into
# docs/performance.md: once with the best instruction set, once with AVX2 alone.
#     bench/peer_bench.sh
set -euo pipefail
cd "$(dirname "$0")"

measure() { # a program of this folder and its options
    venv/bin/python "$@" --markdown ../docs/performance.md
}

for isa in best avx2; do
    measure gemm_peers.py --isa $isa
    measure latency.py --isa $isa
    measure encoder_speed.py --lengths 64,96,128 --isa $isa
    measure encoder_speed.py --model small --sets sst2 --isa $isa
    measure encoder_training.py --isa $isa
    measure encoder_training.py --model minilm --sets trec6,agnews --texts 1000 --isa $isa
done
measure encoder_speed.py --isa avx2
measure encoder_speed.py --int8 --isa avx2
measure cold_start.py
measure tokenizer_speed.py
measure scale.py
measure scale.py --arch bag
