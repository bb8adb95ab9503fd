#!/usr/bin/env bash
# Installs a build into a folder of its own, and builds and runs a small program against it in the
# three ways that are offered: pkg-config, pkg-config --static, and CMake's find_package.
#     scripts/check_install.sh build/release
set -euo pipefail

build=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --prefix "$work/prefix" >/dev/null
libdir=$(dirname "$(find "$work/prefix" -name libheadwise.so)")
export PKG_CONFIG_PATH=$libdir/pkgconfig
pc() { pkg-config --define-variable=prefix="$work/prefix" "$@" headwise; }

mkdir "$work/source"
cd "$work/source"
cat >main.c <<'MAIN'
#include <headwise.h>

int main(void) { return strcmp(hw_version(), HW_VERSION) != 0; }
MAIN
cat >CMakeLists.txt <<'LISTS'
cmake_minimum_required(VERSION 3.22)
project(consumer LANGUAGES C)
find_package(headwise 0.1 REQUIRED)
add_executable(main main.c)
target_link_libraries(main PRIVATE headwise::headwise)
LISTS

# Unquoted: flags are words.
gcc main.c $(pc --cflags --libs) -o shared
LD_LIBRARY_PATH=$libdir ./shared
echo "pkg-config: fine"
gcc main.c $(pc --cflags) "$libdir/libheadwise.a" $(pc --static --libs) -o static
./static
echo "pkg-config --static: fine"
cmake -S . -B build -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build build >/dev/null
build/main
echo "find_package: fine"
test -s "$work/prefix/share/man/man1/headwise.1"
"$work/prefix/bin/headwise" version >/dev/null
echo "program and man page: fine"
