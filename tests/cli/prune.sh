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
headwise prune -input model -valid multi.txt --curve -thread 1 >curve; echo "exit code $?"
sed -E 's/\t[01]\.[0-3]$/\tH/; s/[0-9]\.[0-9]{4}/N/g; s/^k1.*/k1/; s/[+-]N(.*) [0-9]+ of/N\1 n of/' curve
headwise prune -input model -valid multi.txt --curve -thread 2 | cmp - curve && echo "the same curve"
headwise prune -input model -valid multi.txt --curve -seed 1 -q | cut -f2,6,7 | head -9 | cmp - <(cut -f2,6,7 curve | head -9) && echo "the same but for random orders"
[ "$(awk '$1 == "0" { print $2 }' curve)" = "$(headwise eval model multi.txt | awk '/micro avg/ { print $5 }')" ] && echo "the score of eval"
headwise prune -input model -valid multi.txt --curve --json --random-orders 3 --by greedy -q | grep -oE '"(k1|aupc|chosen|reverse|random|gain|as_good|seed|micro_f1|tolerance)":' | sort | uniq -c | awk '{ print $1, $2 }'
awk -F'\t' 'NF > 5 && $1 != "gone" && ($4 > $3 || $3 > $5) { print "not least, mean, most: " $0 }' curve
headwise prune -input model -valid multi.txt --curve --random-orders 1 -q | sed '1,3d; /^k1/,$d' | cut -f3,4,5 >one
headwise prune -input model -valid multi.txt --curve --random-orders 1 -q --json | sed 's/.*"random"//' | grep -oE '"score": ?[0-9.]+' | awk -F: '{ printf "%.4f\t%.4f\t%.4f\n", $2, $2, $2 }' | cmp - one && echo "the scores of the JSON"
headwise prune -input model -valid multi.txt --curve --random-orders 0 -q | sed -n '3p;$p' | cut -f3-5
headwise prune -input model -valid multi.txt --curve --oracle -q >all; tail -1 all | sed -E 's/[+-][0-9]\.[0-9]{4}/N/'
sed '$d' all | cut -f1-6,8 | cmp - curve && echo "the same beside an oracle"
awk -F'\t' '$1 == "1" { print ($7 >= $2 && $7 >= $5 && $7 >= $6) ? "no first head is better than the oracle'"'"'s" : $0 }' all
headwise prune -input model -valid multi.txt --curve --oracle -q --json --random-orders 0 | grep -oE '"(log_loss|oracle)":' | sort | uniq -c | awk '{ print $1, $2 }'
headwise prune -input model -valid multi.txt --curve --oracle --progress json 2>&1 >/dev/null | tail -1 | grep -oE '"(stage|overall)":[^,]*'
headwise prune -input model -valid multi.txt --curve --progress json 2>&1 >/dev/null | tail -1 | grep -oE '"(stage|overall)":[^,]*'
headwise prune -input model -output x -valid multi.txt --curve 2>&1; echo "exit code $?"
headwise prune -input model -valid multi.txt --curve --keep 3 2>&1
headwise prune -input model -output x -valid multi.txt -seed 1 2>&1
headwise prune -input model -output x -valid multi.txt --oracle 2>&1
headwise prune -valid multi.txt --curve 2>&1
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
headwise prune -input cut8 -output x -valid test.txt -q 2>&1
headwise train -input train.txt -output more -base cut -epoch 1 -q && headwise dump more args | grep -E '^(heads|layerHeads)'
ls x* 2>/dev/null
exit 0
