#!/usr/bin/env bash
# headwise.h must compile alone, without a warning, as C11 and as C++17, with GCC and with Clang.
set -euo pipefail
cd "$(dirname "$0")/.."

warnings=(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only)
for compiler in gcc clang; do
    "$compiler" -x c -std=c11 -Wstrict-prototypes "${warnings[@]}" -include include/headwise.h /dev/null
done
for compiler in g++ clang++; do
    "$compiler" -x c++ -std=c++17 "${warnings[@]}" -include include/headwise.h /dev/null
done
echo "headwise.h compiles as C11 and C++17"
