# Two models on the same data: scores, McNemar's p, labels, flips; the same numbers as JSON.
printf '__label__pos a good film\n__label__neg a bad film\n__label__pos a dull film\n' >few.txt
for i in 1 2 3 4; do cat few.txt; done >train.few
headwise train -input train.few -output few -arch bag -thread 1 -quiet
headwise compare model few test.txt --flips 2 | sed -E 's/CI [+-][0-9.]+ to [+-][0-9.]+/CI #/'
headwise compare model few -input test.txt --json --flips 1 >report.json
python3 - <<'END' 2>/dev/null || echo no python
import json
r = json.load(open("report.json"))
print(sorted(r))
print(r["accuracy"]["score"], r["only_right"], r["both_right"], r["both_wrong"], r["p"])
print([l["label"] for l in r["per_label"]], len(r["flips"]), sorted(r["flips"][0]))
END
cat test.txt | headwise compare model model - | tail -1
headwise compare tags tags multi.txt | grep -oE '^ *(exact match|micro-F1)'
echo '--- errors'
headwise compare model tags test.txt 2>&1; echo $?
sed 's/neg/other/' train.txt >other.txt
headwise train -input other.txt -output other -arch bag -thread 1 -quiet
headwise compare model other test.txt 2>&1; echo $?
headwise compare model few test.txt -input test.txt 2>&1; echo $?
headwise compare model few 2>&1; echo $?
headwise compare model nothing test.txt 2>&1 | cut -c1-40
