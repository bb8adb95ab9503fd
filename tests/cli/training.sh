# What training says and where; fastText's options; interruption; reproducibility.
headwise train -input train.txt -output out -epoch 1 -thread 1 >stdout 2>stderr; echo "exit code $?, $(wc -c <stdout) bytes"
grep -oE '^(Model: [a-z]+; labels 2|Saved out.safetensors)' stderr
headwise train -input train.txt -output out -epoch 1 -thread 1 -verbose 0 2>&1
headwise train -input train.txt -output out -epoch 1 -thread 1 --progress json 2>&1 | grep -c '^{"event":"saved","path":"out.safetensors"'
headwise supervised --input train.txt --output=first -epoch 2 --seed 7 -lr 0.5 -dim 50 -wordNgrams 2 \
    -ws 5 -neg 5 -t 0.0001 -lrUpdateRate 100 -bucket 0 -loss hs -minn 2 -maxn 4 -minCount 1 -minCountLabel 0 \
    -saveOutput -pretrainedVectors none.vec -thread 1 -verbose 1 2>&1 | sed -n 's/^headwise: note: -/-/p' | sort
headwise train --word-ngrams 2 -input train.txt -output second -epoch 2 -seed 7 -lr 0.5 -dim 64 -minn 2 -maxn 4 --min-count 1 -thread 2 -q
cmp first.safetensors second.safetensors && echo same bytes
headwise train -input train.txt -output no/such/out 2>&1
headwise train -input missing.txt -output out >out 2>err; echo "exit code $?, $(wc -l <err) line"
for i in $(seq 60); do cat train.txt; done >long
headwise train -input long -output stopped -epoch 5000 -dim 512 -layers 4 -towers 8 -thread 1 -quiet & pid=$!
sleep 2; kill -INT $pid; wait $pid; echo "exit code $?"
ls | grep '\.tmp' | wc -l
