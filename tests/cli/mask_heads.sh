# Heads are switched off by layer and number; one that is not there is named.
headwise train -input multi.txt -output attention -arch attention -epoch 3 -thread 1 -quiet
head -4 multi.txt >few.txt
headwise eval attention multi.txt --json >all
headwise eval attention multi.txt --json --mask-heads 0.3 -thread 1 >one
cmp -s all one || echo "a head matters"
headwise eval attention multi.txt --json --mask-heads=0.3 -thread 2 | cmp - one && echo "threads do not"
headwise predict attention few.txt --mask-heads 0.0,0.1,0.2,0.3 | wc -l
headwise test attention multi.txt --mask-heads 0.0,0.1 | head -1
headwise test-label attention multi.txt --mask-heads 0.1 | wc -l
headwise eval attention multi.txt --mask-heads 0.2 --json | grep -c log_loss
for heads in 0.4 1.0; do
    headwise predict attention few.txt --mask-heads $heads 2>&1; echo "exit code $?"
done
for heads in 0 0. .1 0.1, 0.1,,0.2 a.b 0.-1 0.99999 ""; do
    headwise eval attention multi.txt --mask-heads "$heads" 2>&1; echo "exit code $?"
done
headwise explain attention 'a good film' --json --random-orders 0 --mask-heads 0.1 >explained
headwise explain attention 'a good film' --json --random-orders 0 | cmp -s - explained || echo "a head explains"
headwise attention attention 'a good film' --mask-heads 0.1 | sed -n '/head 1/,/head 2/p' | grep -c ' 0\.000 '
headwise attention attention 'a good film' | grep -c ' 0\.000 '
for verb in explain attention; do headwise $verb attention 'a' --mask-heads 0.4 2>&1; echo "exit code $?"; done
headwise train -input train.txt -output bag -arch bag -thread 1 -quiet
headwise predict bag few.txt --mask-heads 0.0 2>&1 || true
