#!/bin/bash
# Runs every tests/cli/*.sh in a folder of its own and compares what it prints with the file
# beside it, name.sh.stdout. Usage: run.sh PROGRAM [NAME ...]; exit code 77 of a test: skipped.
# A test finds the program as `headwise`, and in its folder train.txt, test.txt, multi.txt and
# the models made of them, model.safetensors and tags.safetensors.
set -u
program=$(realpath "$1")
shift
folder=$(realpath "$(dirname "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/data"
ln -s "$program" "$work/bin/headwise"
export PATH="$work/bin:$PATH" LC_ALL=C NO_COLOR=1
unset LANG LC_CTYPE

# Two labels with words of their own; two of the twenty test lines carry the wrong label.
awk -v folder="$work/data" 'BEGIN {
    split("good great nice fine warm lovely", likes); split("bad awful poor dull cold boring", dislikes)
    for (i = 0; i < 80; i++) {
        like = likes[i % 6 + 1] " " likes[int(i / 2) % 6 + 1]
        dislike = dislikes[i % 6 + 1] " " dislikes[int(i / 2) % 6 + 1]
        file = folder (i < 70 ? "/train.txt" : "/test.txt")
        print "__label__" (i == 79 ? "neg" : "pos") " a " like " film " i > file
        print "__label__" (i == 78 ? "pos" : "neg") " a " dislike " film " i > file
        print "__label__like" (i % 3 ? "" : " __label__odd") " a " like (i % 3 ? "" : " strange") " film" > (folder "/multi.txt")
        print "__label__hate" (i % 4 ? "" : " __label__odd") " a " dislike (i % 4 ? "" : " strange") " film" > (folder "/multi.txt")
    }
}'
for pair in train:model multi:tags; do
    headwise train -input "$work/data/${pair%:*}.txt" -output "$work/data/${pair#*:}" -epoch 3 \
        -thread 1 -quiet || { echo "FAILED: no model could be trained"; exit 1; }
done

failures=0
for script in "$folder"/*.sh; do
    name=$(basename "$script" .sh)
    [ "$name" = run ] && continue
    [ $# -gt 0 ] && [[ " $* " != *" $name "* ]] && continue
    mkdir "$work/$name"
    cp "$work"/data/* "$work/$name"
    (cd "$work/$name" && timeout "${CLI_SECONDS:-60}" bash "$script" >"$work/$name.stdout" 2>"$work/$name.stderr" </dev/null)
    code=$?
    if [ $code -eq 77 ]; then
        echo "skipped $name"
    elif [ $code -eq 0 ] && cmp -s "$script.stdout" "$work/$name.stdout"; then
        echo "ok $name"
    else
        echo "FAILED $name (exit code $code)"
        diff "$script.stdout" "$work/$name.stdout" | head -40
        head -10 "$work/$name.stderr"
        failures=$((failures + 1))
    fi
done
exit $((failures > 0))
