# What made the label, for people and as JSON; that faithfulness and offsets are there, and that what
# is wrong is said.
headwise explain model 'a good film' --random-orders 0 | grep -c 'completeness gap 0'
headwise explain model 'a good film' | grep -oE '^ +[+-][0-9.]+ +[+-][0-9.]+ +[0-9]+-[0-9]+ +[a-z]+' | grep -oE '[0-9]+-[0-9]+ .*'
headwise explain model 'a good film' | tail -9 | awk '{ print $1, NF }'
headwise explain model test.txt >many; tail -5 many | awk '{ print $1, NF }'; head -2 test.txt | headwise explain model - --random-orders 0 | grep -c means
headwise explain model 'a good film' --json | grep -oE '"[a-z_]+":' | sort | uniq -c | awk '{ print $2 $1 }' | tr '\n' ' '; echo
headwise explain model 'a good film' --label neg --json | grep -oE '"label":"[a-z]+"'
for method in ig grad-input lrp loo random attention rollout flow norm grad-attention; do headwise explain model 'a good film' --method $method --json | grep -oE '"method":"[a-z-]+"'; done
headwise explain model test.txt --json >one; headwise explain model -input test.txt --json | cmp - one && wc -l <one
headwise explain model 'a good film' --json >text; echo 'a good film' | headwise explain model - --json | cmp - text && echo 'a line is the text'
headwise explain tags 'a nice film' --json | grep -oE '"label":"[a-z]+"'
printf 'a \033[31mgood\033[0m film\n' | headwise explain model - | grep -c "$(printf '\033')"
headwise explain model 'a good film' --color | head -2 | tail -1 | cat -v | grep -oE '48;5;[0-9]+m[a-z]+' | sed 's,^[0-9;]*m,,'
headwise explain model 'a good film' --label nobody 2>&1; echo $?
headwise explain model 'a good film' --method magic 2>&1; echo $?
headwise explain model 2>&1; echo $?
printf '<script>alert(1)</script> good\n<b>"film"</b> & \342\200\256 more\n' >hostile; headwise explain model hostile --html page.html
grep -c '<script\|<b>\|<img\|src=\|http:' page.html; grep -c '<article>' page.html; grep -c "default-src 'none'" page.html; grep -c "$(printf '\342\200\256')" page.html
grep -oE '&lt;.*script.*&gt;' page.html | head -1 | grep -oE 'script|alert' | tr '\n' ' '; echo
headwise explain model 'a' --html page.html --json 2>&1; echo $?
headwise explain model 'a' --html missing/page.html 2>&1; echo $?
headwise attention model 'a good film' | grep -cE '^layer 0 head [0-3]$'
headwise attention model 'a good film' --json | grep -oE '"[a-z_]+":' | sort | uniq -c | awk '{ print $2 $1 }' | tr '\n' ' '; echo
headwise attention model '<script>good' --html page.html; grep -c '<script' page.html; grep -c '<figure>' page.html
headwise attention model 2>&1; echo $?
