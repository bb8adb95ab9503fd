#!/usr/bin/env bash
# What happens to a model file when the worst happens to the program. Three campaigns:
#   resume   trainings killed (SIGKILL) at random moments, several times in a row, and resumed, must
#            end with the bytes of one that was left alone;
#   save     a command that replaces a model is killed at each of its system calls in turn: the
#            old or the new model must be there, and open (needs strace);
#   disk     a model is saved to a full disk: exit code 1, one line, the old model as it was (needs
#            root, for a disk of its own).
# Until a new model is complete the old one must stay whole, and nothing else may be left behind.
#     scripts/kill_campaign.sh PROGRAM [RUNS]        (default 20 trainings, 1 to 4 kills each)
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "$1")
runs=${2:-20}
data=${HEADWISE_DATA:-../shared/data}/trec6/train.tsv
work=$(mktemp -d)
disk=$work/disk
trap 'umount "$disk" 2>/dev/null || true; rm -rf "$work"' EXIT
failed=0

if [ -s "$data" ]; then
    head -n 2000 "$data" >"$work/train.tsv"
else
    [ -s build/demo/train.tsv ] || scripts/make_demo_data.py build/demo
    head -n 2000 build/demo/train.tsv >"$work/train.tsv"
fi

common=(-input "$work/train.tsv" -epoch 4 -verbose 0)
train() { # model, seed, options
    "$program" train "${common[@]}" -output "$1" -seed "$2" "${@:3}"
}
sum() { sha256sum <"$1" | cut -c1-64; }
complain() {
    echo "    $1"
    failed=$((failed + 1))
}
others_in() { find "$1" -type f ! -name model.safetensors; }

# ---- resume ----------------------------------------------------------------------------

begin=$(date +%s%N)
train "$work/new" 7
milliseconds=$((($(date +%s%N) - begin) / 1000000))
train "$work/old" 8
new=$(sum "$work/new.safetensors")
old=$(sum "$work/old.safetensors")
echo "resume: $runs trainings of $milliseconds ms; without a kill ${new:0:16}"

RANDOM=1
all_kills=0
for ((run = 1; run <= runs; run++)); do
    folder=$work/run$run
    mkdir "$folder"
    cp "$work/old.safetensors" "$folder/model.safetensors"
    moments=()
    for ((kill = 1 + RANDOM % 4; kill > 0; kill--)); do
        # Not by the function, whose process would be a shell.
        "$program" train "${common[@]}" -output "$folder/model" -seed 7 --resume &
        moment=$((RANDOM * milliseconds / 32768))
        sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
        kill -KILL $! 2>/dev/null && moments+=("$moment")
        wait $! 2>/dev/null || true
        now=$(sum "$folder/model.safetensors")
        [ "$now" = "$old" ] || [ "$now" = "$new" ] || complain "the model is neither old nor new"
    done
    train "$folder/model" 7 --resume || complain "cannot be resumed"
    now=$(sum "$folder/model.safetensors")
    printf '%4d  %s  killed after %s ms\n' "$run" "${now:0:16}" "${moments[*]:-0 times:}"
    [ "$now" = "$new" ] || complain "another model than without kills"
    left=$(others_in "$folder")
    [ -z "$left" ] || complain "left behind: $left"
    all_kills=$((all_kills + ${#moments[@]}))
    rm -rf "$folder"
done 2> >(grep -v Killed >&2)

# ---- save --------------------------------------------------------------------------------

save_kills=0
save() { # a command to go before the program's
    cp "$work/small.safetensors" "$folder/model.safetensors"
    "$@" "$program" quantize -input "$work/small" -output "$folder/model" --quiet >/dev/null
}
check_save() { # where it was killed
    now=$(sum "$folder/model.safetensors")
    [ "$now" = "$small" ] || [ "$now" = "$smaller" ] || complain "save: killed at $1: no model"
    "$program" dump "$folder/model" args >"$work/dump" 2>&1 ||
        complain "save: killed at $1: $(cat "$work/dump")"
}
folder=$work/save
mkdir "$folder"
if strace -o /dev/null true 2>/dev/null; then
    train "$work/small" 7 -arch bag -minCount 20 -maxn 0
    small=$(sum "$work/small.safetensors")
    save strace -f -o "$work/trace"
    smaller=$(sum "$folder/model.safetensors")
    sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p' "$work/trace" | sort | uniq -c >"$work/calls"
    while read -r count name; do
        for ((call = 1; call <= count; call++)); do
            code=0
            save strace -f -o /dev/null -e "inject=$name:signal=KILL:when=$call" || code=$?
            check_save "$name $call"
            [ "$code" -eq 0 ] || save_kills=$((save_kills + 1))
        done
    done <"$work/calls" 2> >(grep -v Killed >&2)
    save env
    check_save "nothing"
    [ "$now" = "$smaller" ] || complain "save: not saved in the end"
    left=$(others_in "$folder")
    [ -z "$left" ] || complain "save: left behind: $left"
    echo "save: killed at $save_kills of $(awk '{ n += $1 } END { print n }' "$work/calls") system calls"
else
    echo "save: skipped, strace cannot be used here"
fi

# ---- disk --------------------------------------------------------------------------------

disks=0
mkdir "$disk"
if mount -t tmpfs -o size=64k headwise "$disk" 2>/dev/null; then
    echo "not a model" >"$disk/model.safetensors"
    before=$(sum "$disk/model.safetensors")
    code=0
    train "$disk/model" 7 2>"$work/message" || code=$?
    [ "$code" -eq 1 ] || complain "disk: exit code $code"
    [ "$(wc -l <"$work/message")" -eq 1 ] || complain "disk: $(wc -l <"$work/message") messages"
    [ "$(sum "$disk/model.safetensors")" = "$before" ] || complain "disk: the old model is lost"
    left=$(others_in "$disk")
    [ -z "$left" ] || complain "disk: left behind: $left"
    echo "disk: full; $(cat "$work/message")"
    disks=1
else
    echo "disk: skipped, no disk can be mounted here"
fi

echo "$runs trainings, $all_kills kills while training, $save_kills while saving, $disks full" \
    "disks, $failed failures"
[ "$failed" -eq 0 ]
