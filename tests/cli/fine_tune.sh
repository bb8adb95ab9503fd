# train -base, and the model of it under every command that takes a model.
small='-layers 1 -heads 2 -dim 32 -innerDim 64 -vocabulary 300 -epoch 5 --max-length 32 -q'
headwise pretrain -input train.txt -output encoder $small
headwise train -input train.txt -output tuned -base encoder --num-train-epochs 20 --learning-rate 0.003 --per-device-train-batch-size 16 --weight-decay 0.01 --warmup-ratio 0.1 --max-length 32 --seed 1 2>err; echo "exit code $?"
grep -E '^Model|^Saved' err
headwise train -input train.txt -output again -base encoder -epoch 20 -lr 0.003 -batch 16 --max-length 32 -seed 1 -thread 1 -q && headwise dump again args | grep -v '^training' >args && headwise dump tuned args | grep -v '^training' | cmp - args && echo same
headwise test tuned test.txt | head -1
[ "$(headwise predict tuned test.txt | paste -d' ' - <(cut -d' ' -f1 test.txt) | awk '$1 == $2' | wc -l)" -ge 16 ] && echo most are right
headwise predict-prob tuned test.txt 2 | awk '{ if ($2 + $4 < 0.999 || $2 + $4 > 1.001) bad++ } END { print NR, bad + 0 }'
yes 'a good film' | head -200 | tr '\n' ' ' >long.txt
headwise predict tuned long.txt --json | grep -oE '"(windows|truncated)":[a-z0-9]+'
headwise predict tuned long.txt --json --truncate | grep -oE '"(windows|truncated)":[a-z0-9]+'
headwise predict tuned long.txt --json --max-length 22 --stride 0 | grep -oE '"(windows|truncated)":[a-z0-9]+'
headwise predict tuned long.txt --max-length 9999 2>&1
headwise predict tuned long.txt --max-length 10 --stride 8 2>&1
headwise eval tuned test.txt --max-length 8 --truncate --json | grep -o '"examples":20'
headwise calibrate tuned -input test.txt -output calibrated -q | cut -f1
headwise quantize -input tuned -output small -valid test.txt | awk -F'\t' '{ print $1, NF, $2 + 0 < last || NR == 1 ? "smaller" : "larger"; last = $2 + 0 }'
headwise dump small args | grep -E '^(arch|family|quantized) '
headwise quantize -input tuned -output half --dtype bf16 -valid test.txt | awk -F'\t' '{ print $1, NF, $2 + 0 < last || NR == 1 ? "smaller" : "larger"; last = $2 + 0 }'
headwise dump half args | grep -E '^quantized '
headwise predict half test.txt | wc -l
headwise quantize -input half -output small 2>&1 >/dev/null
headwise quantize -input tuned -output small --dtype bf17 2>&1
headwise dump tuned dict | tail -1
headwise dump tuned input 2>&1
headwise train -input multi.txt -output many -base encoder -epoch 20 -lr 0.005 -q && headwise predict many test.txt | wc -l
for freeze in 1 embeddings all; do headwise train -input train.txt -output frozen -base encoder -epoch 1 -freeze $freeze -q && echo "freeze $freeze"; done
headwise train -input train.txt -output m -base encoder -freeze most 2>&1
headwise train -input train.txt -output m -base missing 2>&1
headwise train -input train.txt -output m -freeze 1 2>&1
headwise train -input train.txt -output m --few-shot 2>&1
headwise train -input train.txt -output m -base encoder -dim 32 -epoch 1 -verbose 1 2>&1 | head -1
exit 0
