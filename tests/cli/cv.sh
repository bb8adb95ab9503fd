# cv prints a score a fold; the out-of-fold file has a row for every text.
headwise cv -input train.txt -k 3 -arch bag -thread 1 -quiet --output rows | sed -E 's/[01]\.[0-9]{4}/#/g'
wc -l <rows
head -1 rows | sed -E 's/:[0-9.e-]+([,}])/:#\1/g'
headwise cv -input train.txt -k 3 -arch bag -thread 1 -quiet --json | grep -oE '"[a-z]+":' | tr '\n' ' '; echo
