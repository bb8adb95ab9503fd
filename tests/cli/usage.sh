# Wrong usage: the exit code is 2 and one line names the option and its range; a failure is 1.
cases() {
    while IFS= read -r line; do
        [ -z "$line" ] && continue
        eval "headwise $line" >out 2>err </dev/null
        echo "$? [$line] $(sed -n 's/^headwise: //p' err)"
        [ "$(wc -l <err)" -eq 1 ] || echo "  $(wc -l <err) lines on standard error"
    done
}
cases <<'END'
''
trian
predcit-prob
skipgram -input x
print-word-vectors m
help nothing
help train test
train
train -input train.txt
train -output m
train -input
train -input -output m
train -input=
train -input train.txt -output ''
train -input train.txt -output m extra
train -input train.txt -output m -epoch
train -input train.txt -output m -epoch abc
train -input train.txt -output m -epoch 0
train -input train.txt -output m -epoch -1
train -input train.txt -output m -epoch 5x
train -input train.txt -output m -epoch 1.5
train -input train.txt -output m -epoch 99999999999999999999
train -input train.txt -output m -epoch=''
train -input train.txt -output m -epcoh 5
train -input train.txt -output m -epo 5
train -input train.txt -output m --epoch5
train -input train.txt -output m -nonsense 5
train -input train.txt -output m ---epoch 5
train -input train.txt -output m -lr 1e9
train -input train.txt -output m -lr 0
train -input train.txt -output m -lr -0.1
train -input train.txt -output m -lr nan
train -input train.txt -output m -lr inf
train -input train.txt -output m -lr 1e308
train -input train.txt -output m -lr abc
train -input train.txt -output m -lr ''
train -input train.txt -output m -dim -5
train -input train.txt -output m -dim 0
train -input train.txt -output m -dim 5000
train -input train.txt -output m -dim 16 -heads 32
train -input train.txt -output m -thread 0
train -input train.txt -output m -thread 257
train -input train.txt -output m -thread 2147483648
train -input train.txt -output m -heads 0
train -input train.txt -output m -layers 65
train -input train.txt -output m -towers 17
train -input train.txt -output m -batch 0
train -input train.txt -output m -dropout 1
train -input train.txt -output m -wordNgrams 0
train -input train.txt -output m -minn 4 -maxn 3
train -input train.txt -output m -maxn 13
train -input train.txt -output m -seed -1
train -input train.txt -output m -seed 9223372036854775808
train -input train.txt -output m -bucket abc
train -input train.txt -output m -loss hinge
train -input train.txt -output m -arch transformer
train -input train.txt -output m --progress fancy
train -input train.txt -output m --format xml
train -input train.txt -output m --valid-split 0.9
train -input train.txt -output m --save-steps 0
train -input train.txt -output m --resume=yes
train -input train.txt -output m -verbose x
train -input train.txt -output m -k 3
predict
predict model
predict model test.txt 0
predict model test.txt x
predict model test.txt -2
predict model test.txt 1 1.5
predict model test.txt 1 nan
predict model test.txt 1 0.5 more
predict model -input test.txt 1 0.5 more
predict model test.txt --json=1
predict model test.txt -thread 0
predict missing test.txt
predict model missing
predict model .
test model
test model missing
test model test.txt 65537
eval model
eval model a b
eval model test.txt --confusion some
cv -input train.txt -k 1
cv -input train.txt -k 101
cv -k 5
calibrate
calibrate model
calibrate model -input -
quantize model
quantize -input model
quantize -output m
check-data
check-data missing
dump model
dump model weights
completion
completion tcsh
version now
END
