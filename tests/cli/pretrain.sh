# A tiny encoder out of unlabelled lines: a folder, whole, the same from the same seed.
cut -d' ' -f2- train.txt >texts.txt
small='-layers 1 -heads 2 -dim 16 -innerDim 32 -vocabulary 300 -epoch 1 --max-length 32'
headwise pretrain -input texts.txt -output encoder $small 2>err; echo "exit code $?"
tail -1 err
ls encoder
headwise pretrain -input texts.txt -output again $small -thread 1 -q && cmp encoder/model.safetensors again/model.safetensors && cmp encoder/tokenizer.json again/tokenizer.json && echo same bytes
headwise dump encoder args | grep -E '^(arch|family|labels|layers|heads|dim|innerDim) '
headwise pretrain -input texts.txt -output further -base encoder -epoch 1 -layers 3 -q 2>&1; headwise dump further args | grep -E '^(layers|dim) '
headwise pretrain -input texts.txt -output encoder $small -q 2>&1
headwise pretrain -input missing -output new $small -q 2>&1; ls -d new .new* 2>/dev/null
headwise predict encoder texts.txt 2>&1
headwise test encoder test.txt 2>&1
headwise eval encoder test.txt 2>&1
exit 0
