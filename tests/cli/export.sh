# A folder of Hugging Face's, and back.
small='-layers 1 -heads 2 -dim 32 -innerDim 64 -vocabulary 300 -epoch 1 --max-length 32 -q'
headwise pretrain -input train.txt -output encoder $small
headwise train -input train.txt -output tuned -base encoder -epoch 3 -lr 0.005 -q
headwise export tuned -output folder -valid test.txt; echo "exit code $?"
ls folder
for model in tuned folder; do headwise predict-prob $model test.txt 2 >$model.out; done; cmp tuned.out folder.out && echo same
headwise export tuned --format hf -output folded --fold-temperature -q
headwise dump folded args | grep '^temperature'
headwise predict folded test.txt | cmp - <(headwise predict tuned test.txt) && echo same labels
sed -n '/^## Measured/,/^| micro/p' folder/README.md | sed -E 's/[01]\.[0-9]{4}/#/'
grep -o '"problem_type": "[a-z_]*"' folder/config.json
headwise export tuned -output folder 2>&1
headwise export tuned 2>&1
headwise export tuned -output x --format onnx 2>&1
headwise export model -output x 2>&1
headwise export encoder -output x 2>&1
headwise train -input train.txt -output tower -arch attention -epoch 1 -q
headwise export tower -output tower_folder -q && ls tower_folder
grep -c '"HeadwiseForSequenceClassification"' tower_folder/config.json
headwise quantize -input folder -output small >/dev/null && headwise export small -output x 2>&1
headwise calibrate folder -input test.txt 2>&1
headwise calibrate folder -input test.txt -output calibrated -q >/dev/null && headwise test calibrated test.txt | head -1
ls -d x .x* 2>/dev/null
cp -r folder broken; sed -i 's/"bert"/"gpt2"/' broken/config.json; headwise test broken test.txt 2>&1
cp -r folder cut; head -c 2000 folder/model.safetensors >cut/model.safetensors; headwise test cut test.txt 2>&1 | sed -E 's/[0-9]+ bytes/# bytes/g'
rm folder/model.safetensors; touch folder/pytorch_model.bin; headwise test folder test.txt 2>&1
exit 0
