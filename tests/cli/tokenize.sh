# Ids as `tokenizers` gives them; every byte of a line is text, and a line in is a line out.
small='-layers 1 -heads 2 -dim 16 -innerDim 32 -vocabulary 300 -epoch 1 --max-length 32 -q'
headwise pretrain -input train.txt -output encoder $small
headwise train -input train.txt -output tuned -base encoder -epoch 1 -q
token() { headwise tokenize encoder - --json | sed 's/.*"tokens"://'; }
echo 'a good film' | token
echo 'Ungood, film' | token
printf 'a\0b\r\nfilm\xff\n\nfilm' | headwise tokenize encoder - | wc -l
printf 'a\r\n' | headwise tokenize encoder - --json | grep -o '"offsets".*'
headwise tokenize encoder train.txt >one; headwise tokenize encoder -input train.txt -thread 3 >three; cmp one three && wc -l <one
headwise tokenize tuned train.txt | cmp - one && echo 'the same of a fine-tuned model'
headwise tokenize encoder train.txt --json | head -1 | grep -oE '"[a-z]+":' | tr '\n' ' '; echo
headwise tokenize model train.txt 2>&1
headwise tokenize encoder 2>&1
headwise tokenize encoder missing 2>&1
exit 0
