# Kinds of attention, and shapes of heads: each trains, and is what `dump` says of its size.
train() { headwise train -input multi.txt -output "$1" -arch attention -epoch 1 -towers 1 -thread 1 -quiet "${@:2}"; }
size() { train m "$@" && echo "$(headwise dump m args | grep ^parameters) $*"; }
size
size -heads 1
size -heads 4 --head-dim 32
size -heads 5
for kind in learned uniform frozen tied talking collaborative; do size --attention $kind; done
size --attention collaborative --shared-dim 32
train first --attention frozen -seed 3
train second --attention frozen -seed 3
cmp first.safetensors second.safetensors && echo "same bytes"
train third -seed 3
cmp -s first.safetensors third.safetensors || echo "frozen is not learned"
headwise predict first multi.txt --mask-heads 0.0 | wc -l
headwise train -input multi.txt -output x --attention odd 2>&1
headwise train -input multi.txt -output x --shared-dim 8 2>&1
train talking --attention talking
headwise export talking -output folder -quiet && ls folder | wc -l
grep -o '"attention": "talking"' folder/config.json
for options in "--head-gates l0" "--head-gates l0 --gate-penalty 0.1" "--head-gates input" \
    "--drop-head 0" "--drop-head 0.3 --drop-head-schedule v" "--disagreement 0.1" \
    "--disagreement 0.1 --disagreement-of values" "--orthogonality 0.1"; do
    train m $options
    cmp -s m.safetensors third.safetensors && echo "$options: nothing changes"
    echo "$(headwise dump m args | grep ^parameters) $options"
done
headwise train -input multi.txt -output x --gate-penalty 1 2>&1
headwise train -input multi.txt -output x --disagreement-of values 2>&1
headwise train -input multi.txt -output x --drop-head 1 2>&1
true
