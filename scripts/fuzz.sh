#!/usr/bin/env bash
# Runs every fuzz target for FUZZ_SECONDS (default 60), going on from what earlier runs found
# (build/fuzz/corpus) and the inputs in the tree. Fails if a target finds a crash, a hang or a leak;
# the input is left in build/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz
mkdir -p build/fuzz/artifacts
failed=0
for program in build/fuzz/tests/fuzz_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=${program##*/fuzz_}
    mkdir -p "build/fuzz/corpus/$name"
    echo "== $name"
    "$program" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="build/fuzz/artifacts/$name-" \
        "build/fuzz/corpus/$name" "tests/fuzz/corpus/$name" || failed=$((failed + 1))
done
echo "$failed targets failed"
[ "$failed" -eq 0 ]
