# The same bytes as fastText itself, where the numbers do not depend on the model.
command -v fasttext >/dev/null || exit 77
fasttext supervised -input train.txt -output ft -dim 8 -epoch 50 -lr 0.5 -thread 1 -verbose 0
for k in '' 2 -1; do
    cmp <(fasttext test ft.bin test.txt $k) <(headwise test model test.txt $k) && echo same test
done
words() { sed 's/[0-9][0-9.e-]*/0/g'; }
cut -d' ' -f2- test.txt >texts
cmp <(fasttext predict ft.bin texts) <(headwise predict model texts) && echo same predict
cmp <(fasttext predict ft.bin texts 2 0) <(headwise predict model texts 2 0) && echo same predict
cmp <(fasttext predict-prob ft.bin texts 2 | words) <(headwise predict-prob model texts 2 | words) && echo same predict-prob
cmp <(fasttext test-label ft.bin test.txt | tail -3) <(headwise test-label model test.txt | tail -3) && echo same test-label
