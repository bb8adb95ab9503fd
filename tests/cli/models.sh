# The names a model can have, calibrate, quantize, dump, version.
cp model.safetensors dir.safetensors; mkdir dir
for name in model model.safetensors ./model model.bin model.ftz dir; do headwise test $name test.txt -q | head -1; done
head -c 3000 model.safetensors >cut.safetensors
headwise test cut test.txt 2>err; echo "exit code $?, $(wc -l <err) line"
headwise test . test.txt 2>&1
headwise test missing test.txt 2>&1
headwise calibrate model -input test.txt -output calibrated -q | sed -E 's/[0-9]+\.[0-9]+/#/g'
headwise test calibrated test.txt | sed -n 2p
headwise quantize -input model -output small -valid test.txt | sed -E 's/[0-9]+ bytes/# bytes/; s/log-loss .*/log-loss #/'
headwise test small test.txt | sed -n 2p
headwise dump model args | grep -E '^(arch|labels|loss) '
headwise dump model dict | tail -2
headwise dump model dict | head -1 | cmp - <(headwise dump model dict | sed 1d | wc -l) && echo counted
headwise dump model input | awk 'NR == 1 { rows = $1; columns = $2 } NR > 1 && NF != columns + 1 { bad++ } END { print (rows == NR - 1 && !bad) ? "input is whole" : "input is not whole" }'
headwise dump model output | awk 'NR == 1 { rows = $1; columns = $2 } NR > 1 && NF != columns + 1 { bad++ } END { print rows, (rows == NR - 1 && !bad) ? "output is whole" : "output is not whole" }'
headwise version | cut -d' ' -f1
headwise version --json | grep -oE '"[a-z]+":' | tr '\n' ' '; echo
