# The report has scikit-learn's layout; --json has the same numbers under stable names.
headwise eval model test.txt | sed -E 's/[0-9]+\.[0-9]{4}/#/g; s/temperature [0-9.]+/temperature #/; /^branches/d'
headwise eval model -input test.txt --json >report.json
python3 - <<'END' 2>/dev/null || echo no python
import json
r = json.load(open("report.json"))
print(sorted(r))
print(r["examples"], r["accuracy"], r["confusion"], [l["label"] for l in r["per_label"]])
END
for i in $(seq 30); do for j in 1 2 3 4; do echo "__label__topic$i word$i other$i"; done; done >many
headwise train -input many -output topics -arch bag -thread 1 -quiet
sed 's/word2 other2/word1 other1/' many >confused
headwise eval topics confused | sed -n '/^most/,$p'
headwise eval topics confused --confusion all | grep -c '^ *topic.* 4 '
