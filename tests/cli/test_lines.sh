# test prints fastText's three lines; a record with an unknown label is not counted.
headwise test model test.txt
headwise test model.bin test.txt 2 0.0 2>/dev/null
headwise test -k -1 --threshold 0 model -input test.txt
cat test.txt <(echo '__label__unheard a good film') | headwise test model - 2>notes
sed 's/^\(headwise: note:\).*: the/\1 the/' notes
headwise test model <(echo '__label__unheard a good film') 2>/dev/null
