#!/usr/bin/env bash
# Makes sure that what a purpose needs is on the machine.
#     scripts/setup.sh build|demo|test|bench
# Does nothing when everything is there. On Debian and its relatives, as root, it installs what is
# missing; otherwise it says what to install and fails.
set -euo pipefail

purpose=${1:-build}
missing=()

need() { # package, command that succeeds if it is there
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
need_command() { need "$1" command -v "$2"; }
need_library() { need "$1" pkg-config --exists "$2"; }

has_clang_runtime() {
    compgen -G "$(clang -print-resource-dir)/lib/linux/libclang_rt.fuzzer-*.a"
}
# The package that holds it is named after Clang's major version.
clang_runtime_package() {
    local version
    version=$(clang -dumpversion 2>/dev/null || apt-cache show clang 2>/dev/null |
        sed -n 's/^Version: 1:\([0-9]*\).*/\1/p') || true
    version=${version%%.*}
    echo "libclang-rt-${version:-14}-dev"
}

needs_build() {
    need_command gcc gcc
    need_command make make
    need_command cmake cmake
    need_command ninja-build ninja
    need_command pkg-config pkg-config
    need libc6-dev test -e /usr/include/stdio.h
    need_library libjansson-dev jansson
    need_library libutf8proc-dev libutf8proc
    need_library zlib1g-dev zlib
    need_library libzstd-dev libzstd
}
needs_demo() {
    needs_build
    need_command python3 python3
}
needs_test() {
    needs_demo
    need_command g++ g++
    need_command clang clang
    need_command clang-format clang-format
    need_command binutils nm
    need_command mandoc mandoc
    need_library libcmocka-dev cmocka
    need "$(clang_runtime_package)" has_clang_runtime
}
needs_bench() {
    needs_demo
    need_command fasttext fasttext
    need python3-venv python3 -c 'import ensurepip'
}

find_missing() {
    missing=()
    "needs_$purpose"
}

install_missing() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends "${missing[@]}" >&2 && return
    apt-get update >&2
    find_missing # the lists may be new, and with them the names
    apt-get install -y --no-install-recommends "${missing[@]}" >&2
}

case $purpose in
build | demo | test | bench) ;;
*)
    echo "usage: scripts/setup.sh build|demo|test|bench" >&2
    exit 2
    ;;
esac

find_missing
[ ${#missing[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "Missing for $purpose, by the names of the Debian packages: ${missing[*]}" >&2
    exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Missing for $purpose. Install it with: sudo apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "Installing ${missing[*]}" >&2
install_missing
find_missing # with pkg-config there, libraries can be seen
[ ${#missing[@]} -eq 0 ] && exit 0
echo "Still missing for $purpose: ${missing[*]}" >&2
exit 1
