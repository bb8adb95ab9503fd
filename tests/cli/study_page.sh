# A study's page: every tag closed, nothing fetched, its one script the one that its policy names, and
# labels and file names only ever text.
name='<script>alert(1)<'
awk 'BEGIN {
    split("good great nice fine warm", likes); split("bad awful poor dull cold", dislikes)
    for (i = 0; i < 80; i++) {
        print "<b onclick=x>\"&\ta " likes[i % 5 + 1] " film " i
        print "neg\ta " (i % 9 ? dislikes[i % 5 + 1] : "fine") " film " i
    }
}' >"$name.tsv"
headwise study -input "$name.tsv" -output "$name" --quick --claims e,f --seeds 2 -quiet >/dev/null; echo "exit code $?"
ls "$name"
cat >read.py <<'END'
import base64, hashlib, html.parser, sys


class Page(html.parser.HTMLParser):
    open, scripts, isolated, languages, fetched, policy = [], [], [], {"en": 0, "zh": 0}, [], ""

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.policy = a.get("content", "") if a.get("http-equiv") else self.policy
        self.fetched += [v for k, v in attributes if k in ("src", "href", "action", "data") and v[:1] != "#"]
        self.fetched += [k for k in a if k.startswith("on")]
        if a.get("lang") in self.languages:
            self.languages[a["lang"]] += 1
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.scripts.append(data)
        if self.open[-1:] == ["bdi"]:
            self.isolated.append(data)


page = Page(convert_charrefs=True)
page.feed(open(sys.argv[1], encoding="utf-8").read())
print("open at the end:", page.open)
print("fetched:", page.fetched)
named = ["sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() in page.policy for s in page.scripts]
print("scripts named by the policy:", named)
print("more than the root is English:", page.languages["en"] > 100, page.languages["en"] - page.languages["zh"])
print(page.isolated)
END
python3 read.py "$name/report.html" || echo "no page"
