# Several labels on a line make the task multi-label, and training says so.
headwise train -input multi.txt -output m -epoch 1 -thread 1 --progress none 2>&1 | grep -c 'multi-label'
printf 'a good great strange film\na bad awful film\n' | headwise predict tags -
printf 'a good great strange film\n' | headwise predict tags - 1 | wc -w
printf 'a good great strange film\n' | headwise predict tags - -1 | wc -w
printf 'a good great strange film\n' | headwise predict tags - --threshold 1 | wc -l
headwise eval tags multi.txt | grep -oE '^ *(micro|macro|weighted) avg|^exact match'
headwise eval tags multi.txt --json | grep -oE '"(multi_label|confusion)":[a-z]+'
