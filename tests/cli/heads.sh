# What heads do and are worth: as a table, as JSON, and as a page in which texts are only text.
headwise train -input train.txt -output towers -arch attention -epoch 3 -layers 2 -thread 1 -quiet
headwise heads towers test.txt -quiet >table && sed -n 1,3p table | cut -c1-40
grep -c '^[01]\.[0-3] ' table
grep -c "in effect; the most alike are .* (divergence [01][.][0-9]* of 1); by outputs .* (1 - CKA [01][.][0-9]* of 1)$" table
grep "chosen on these texts\|No head can" table | wc -l
headwise heads towers test.txt --json -quiet >all.json
grep -o '"effective_heads"' all.json | wc -l
grep -o '"output_distance":\[\[0.0,' all.json | wc -l
headwise heads towers -input test.txt --json --texts 7 -thread 1 -quiet >one.json
headwise heads towers -input test.txt --json --texts 7 -thread 3 -quiet >three.json
cmp one.json three.json && grep -o '"texts":7' one.json
headwise heads towers test.txt --json --tolerance 100 -quiet | grep -o '"removable":8'
# What is said of a head is what --mask-heads gives.
off=$(headwise eval towers test.txt --mask-heads 1.2 --json | grep -o '"accuracy":[0-9.]*' | head -1)
grep -o '"layer":1,"head":2,"now":2,"accuracy_off":[0-9.]*' all.json | sed 's/.*_off/"accuracy/' | grep -cx "$off"
printf '__label__pos <script>alert(1)</script> & "good" film\n__label__neg \342\200\256bad film <b>\n' >hostile.txt
headwise heads towers hostile.txt --html page.html -quiet
grep -c '<script\|<b>bad\|http' page.html
grep -c '&lt;' page.html
grep -o 'How different their outputs are' page.html
grep -c 'class="arcs"' page.html
grep -o 'prefers-color-scheme: dark' page.html
tail -1 page.html
headwise heads towers test.txt --progress json 2>&1 >/dev/null | grep -o '"stage":"[a-z ]*"' | uniq
headwise heads towers test.txt --json --html page.html 2>&1
headwise heads towers 2>&1
headwise heads towers nowhere.txt -quiet 2>&1
# What is left of a pruned model is called what it was; its new number is what switches it off.
headwise prune -input towers -output fewer -valid train.txt --keep 5 -thread 1 >cut
headwise heads fewer test.txt -quiet >left && sed -n 2p left
{ grep ^layer cut | cut -f4 | grep -o '[01]\.[0-3]'; grep -o '^[01]\.[0-3]' left; } | sort | paste -sd' '
now=$(awk '/^1\.[0-3] / { print $2 }' left | tail -1)
off=$(headwise eval fewer test.txt --mask-heads "$now" --json | grep -o '"accuracy":[0-9.]*' | head -1)
headwise heads fewer test.txt --json -quiet >left.json
grep -o "\"now\":${now#*.},\"accuracy_off\":[0-9.]*" left.json | tail -1 | sed 's/.*_off/"accuracy/' | grep -cx "$off"
headwise heads fewer test.txt --html left.html -quiet && grep -c ', now [01]' left.html && grep -o '3 heads were pruned' left.html
headwise heads fewer test.txt --tolerance 100 -quiet | grep -o 'as they are called now'
# An encoder with fewer heads, in int8.
headwise pretrain -input train.txt -output encoder -layers 1 -heads 4 -dim 32 -innerDim 64 -vocabulary 300 -epoch 1 --max-length 32 -q
headwise train -input train.txt -output tuned -base encoder -epoch 1 -q
headwise prune -input tuned -output tuned3 -valid train.txt --keep 3 -q >cut
headwise quantize -input tuned3 -output small -valid train.txt >/dev/null
headwise heads small test.txt -quiet >left
{ grep ^layer cut | cut -f4 | grep -o '0\.[0-3]'; grep -o '^0\.[0-3]' left; } | sort | paste -sd' '
headwise train -input train.txt -output bag -arch bag -thread 1 -quiet
headwise heads bag test.txt -quiet 2>&1
headwise train -input multi.txt -output many -arch attention -epoch 3 -thread 1 -quiet
headwise heads many multi.txt --json -quiet | grep -o '"multi_label":true'
headwise heads towers test.txt --texts 0 2>&1
true
