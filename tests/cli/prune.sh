# A smaller copy without the heads that matter least: its predictions are those with them off.
numbers='s/x[0-9]+\.[0-9]+/x#/; s/^texts\/s.*/texts\/s #/; s/^bytes.*/bytes #/; s/^(log-loss|micro-F1|accuracy).*/\1 #/'
headwise train -input multi.txt -output model -arch attention -layers 2 -epoch 3 -thread 1 -quiet
headwise prune -input model -output small -valid multi.txt --keep 3 -thread 1 >report; echo "exit code $?"
sed -E "$numbers" report | sed -E 's/[0-9]\.[0-9]/H/g; s/^layer ([01]).*/layer \1/'
gone=$(grep ^layer report | cut -f4 | tr ' ' '\n' | grep . | paste -sd,)
headwise predict-prob model multi.txt 3 --mask-heads "$gone" >masked
headwise predict-prob small multi.txt 3 | cmp - masked && echo "the same as masked"
headwise prune -input model -output again -valid multi.txt --keep 3 -thread 2 >/dev/null; cmp small.safetensors again.safetensors && echo "the same bytes"
headwise dump small args | awk '$1 == "heads" || $1 == "layerHeads" { print NF == 2 ? $0 : $1 " " ($2 + $3) }'
headwise attention small 'a good film' | grep -c ^layer
headwise prune -input model -output loose -valid multi.txt --tolerance 100 --by greedy -thread 1 | sed -n 4p
headwise prune -input model -output json -valid multi.txt --tolerance 100 --json -thread 1 | grep -oE '"(heads|gone|micro_f1|importance|timed_texts|examples)":' | sort | uniq -c | awk '{ print $1, $2 }'
headwise prune -input loose -output x -valid multi.txt 2>&1; echo "exit code $?"
headwise prune -input model -output x -valid multi.txt --keep 1 2>&1
headwise prune -input model -output x -valid multi.txt --keep 3 --tolerance 1 2>&1; echo "exit code $?"
headwise prune -input model -output x 2>&1
headwise prune -input model -valid multi.txt 2>&1
headwise prune -input model -output x -valid - 2>&1
headwise prune -input model -output x -valid missing 2>&1
headwise export small -output folder 2>&1
small='-layers 1 -heads 4 -dim 32 -innerDim 64 -vocabulary 300 -epoch 1 --max-length 32 -q'
headwise pretrain -input train.txt -output encoder $small
headwise train -input train.txt -output tuned -base encoder -epoch 3 -lr 0.005 -q
headwise prune -input tuned -output cut -valid test.txt --keep 2 -q | sed -n 3p
headwise quantize -input cut -output cut8 -valid test.txt | wc -l
headwise prune -input cut8 -output x -valid test.txt 2>&1
headwise train -input train.txt -output more -base cut -epoch 1 -q && headwise dump more args | grep -E '^(heads|layerHeads)'
ls x* 2>/dev/null
exit 0
