# Every format gives the same model and the same score.
sed -E 's/^__label__([a-z]+) (.*)/\1\t\2/' train.txt >train.tsv
(echo 'label,text'; sed -E 's/^__label__([a-z]+) (.*)/\1,"\2"/' train.txt) >train.csv
(echo 'id,body,class'; sed -E 's/^__label__([a-z]+) (.*)/7,"\2",\1/' train.txt) >other.csv
sed -E 's/^__label__([a-z]+) (.*)/{"text":"\2","label":"\1"}/' train.txt >train.jsonl
gzip -k train.txt
sed 's/__label__/#/' train.txt >hash.txt
train() { headwise train "$@" -arch bag -thread 1 -quiet && headwise test out test.txt | tr '\n' ' '; echo; }
train -output out -input train.txt
for file in train.tsv train.csv train.jsonl train.txt.gz; do train -output out -input $file; done
train -output out -input other.csv --text-column body --label-column class
train -output out -input hash.txt -label '#'
train -output out -input - <train.csv
train -output out -input train.tsv --format tsv
sed -E 's/^__label__([a-z]+) (.*)/\1\t\2/' test.txt >test.tsv
headwise test model test.tsv | head -1
headwise predict model test.tsv | sed -n 1,2p
(echo text; echo good great; echo bad awful) >unlabelled.csv
headwise predict model unlabelled.csv
printf '{"text":"good"}\n{"text":}\n{"text":"bad awful"}\n' | headwise predict model - --format jsonl 2>/dev/null; echo "exit code $?"
