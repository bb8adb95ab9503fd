#!/usr/bin/env bash
# Fails if clang-format would change a file; with --fix it changes them.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(find include src app tests -name '*.[ch]' | sort)
if [ "${1:-}" = --fix ]; then
    clang-format -i "${files[@]}"
elif clang-format --dry-run --Werror "${files[@]}" 2>/dev/null; then
    echo "${#files[@]} files are formatted"
else
    for file in "${files[@]}"; do
        clang-format --dry-run --Werror "$file" 2>/dev/null || echo "$file: make format would change it"
    done
    exit 1
fi
