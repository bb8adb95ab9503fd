#!/usr/bin/env bash
# Trainings that are killed (SIGKILL) at random moments and resumed must end with the bytes of one
# that was left alone; whatever model was there before must stay whole until then; and nothing else
# may be left behind.
#     scripts/kill_campaign.sh PROGRAM [RUNS]        (default 40 runs, up to 4 kills each)
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "$1")
runs=${2:-40}
data=$PWD/build/demo/train.tsv
[ -s "$data" ] || scripts/make_demo_data.py build/demo
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
head -n 3000 "$data" >"$work/train.tsv"
failed=0 kills=0

train() { "$program" train -input "$work/train.tsv" -output "$1" -seed "$2" -verbose 0 "${@:3}"; }
sum() { sha256sum <"$1" | cut -c1-64; }
complain() {
    echo "run $run: $1"
    failed=$((failed + 1))
}

begin=$(date +%s%N)
train "$work/new" 7
milliseconds=$((($(date +%s%N) - begin) / 1000000))
train "$work/old" 8
new=$(sum "$work/new.safetensors")
old=$(sum "$work/old.safetensors")

RANDOM=1
for ((run = 1; run <= runs; run++)); do
    folder=$work/run$run
    mkdir "$folder"
    cp "$work/old.safetensors" "$folder/model.safetensors"
    for ((kill = 1 + RANDOM % 4; kill > 0; kill--)); do
        train "$folder/model" 7 --resume &
        moment=$((RANDOM * milliseconds / 32768))
        sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
        kill -KILL $! 2>/dev/null && kills=$((kills + 1))
        wait $! 2>/dev/null || true
        now=$(sum "$folder/model.safetensors")
        [ "$now" = "$old" ] || [ "$now" = "$new" ] || complain "the model is neither old nor new"
    done
    train "$folder/model" 7 --resume || complain "cannot be resumed"
    [ "$(sum "$folder/model.safetensors")" = "$new" ] || complain "another model than without kills"
    left=$(find "$folder" -type f ! -name model.safetensors)
    [ -z "$left" ] || complain "left behind: $left"
    rm -rf "$folder"
done
echo "$runs runs, $kills kills, $failed failures"
[ "$failed" -eq 0 ]
