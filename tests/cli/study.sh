# A study leaves its files behind, goes on where it was, and says what it says as JSON.
headwise help study | head -2
headwise study -output out 2>&1; echo "exit code $?"
headwise study -input train.txt 2>&1; echo "exit code $?"
headwise study -input train.txt -output out --quick --full 2>&1; echo "exit code $?"
headwise study -input train.txt -output out --seeds 1 2>&1; echo "exit code $?"
headwise study -input train.txt -output out --claims a,z -quiet 2>&1 | sed 's/of [a-j]*$/of #/'
headwise study -input missing -output out -quiet 2>&1; echo "exit code $?"
grep pos train.txt >alike.txt
headwise study -input alike.txt -output out -quiet 2>&1; echo "exit code $?"
headwise study -input train.txt -output train.txt -quiet 2>&1; echo "exit code $?"
ls out 2>&1

small='--quick --seeds 2 --claims e,f -thread 1'
headwise study -input train.txt -output out $small --progress none >table 2>err; echo "exit code $?"
wc -c <err
cut -d'|' -f2,12 table
ls out | grep -v html
ls out/runs | wc -l
head -1 out/runs.csv
wc -l <out/runs.csv
cp out/study.json before.json

# Again: nothing is trained, and nothing is different.
ls -l --time-style=full-iso out/runs >before
headwise study -input train.txt -output out $small --resume -quiet >again; cmp table again && echo same table
ls -l --time-style=full-iso out/runs | cmp - before && echo same runs
cmp out/study.json before.json && echo same study.json
headwise study -input train.txt -output out $small -quiet --json >json
cmp json out/study.json && python3 -c 'import json
study = json.load(open("json"))
print(*study)
print(*study["data"]["test"], study["data"]["test"]["texts"])
print(*[claim["claim"] for claim in study["claims"]])
print(*study["claims"][0])'

# With a test file, and stopped halfway.
headwise study -input train.txt -test test.txt -output other $small --claims e -quiet | head -3 | cut -c1-40
grep -c '' other/runs.csv
rm -r out
timeout --signal=INT 0.05 headwise study -input train.txt -output out $small -quiet >/dev/null 2>&1
headwise study -input train.txt -output out $small -quiet >again; cmp table again && cmp out/study.json before.json && echo the same after an interruption
