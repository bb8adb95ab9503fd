#!/usr/bin/env bash
# Builds and tests everything, warnings being errors: with GCC as it is installed, with Clang under
# the address and undefined-behaviour sanitizers, and what uses threads under the thread sanitizer.
# The last line says how many tests passed and failed; details are in build/<preset>/tests.log.
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 skipped=0

add_report() { # a JUnit file: adds its counts
    local counts
    counts=$(grep -m1 -o '<testsuite [^>]*' -z "$1" | tr '\n\t\0' '   ')
    local tests=${counts#*tests=\"} failures=${counts#*failures=\"} skips=${counts#*skipped=\"}
    tests=${tests%%\"*} failures=${failures%%\"*} skips=${skips%%\"*}
    passed=$((passed + tests - failures - skips))
    failed=$((failed + failures))
    skipped=$((skipped + skips))
}

run_preset() { # preset, target, then options of ctest
    local preset=$1 target=$2
    shift 2
    echo "== $preset"
    cmake --preset "$preset" --log-level=WARNING
    cmake --build --preset "$preset" --target "$target"
    local report=$PWD/build/$preset/tests.xml
    rm -f "$report"
    ctest --test-dir "build/$preset" --parallel "$(nproc)" --output-on-failure --no-tests=error \
        --output-log "build/$preset/tests.log" --output-junit "$report" "$@" || true
    add_report "$report"
}

scripts/setup.sh test
run_preset test all
run_preset asan all
run_preset tsan thread_tests --label-regex threads

[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
