# -arch capsule: what it is said to be, and that it predicts, resumes and is refused as others are.
headwise train -input train.txt -output capsules -arch capsule -epoch 20 -lr 0.02 --routing 2 -thread 1 -verbose 1 2>&1 | grep -oE 'Model: [a-z]+|capsules of .* times'
headwise train -input train.txt -output again -arch capsule -epoch 20 -lr 0.02 --routing 2 -thread 2 --resume -q
cmp capsules.safetensors again.safetensors && echo same bytes
headwise dump capsules args | grep -E '^(arch|capsuleDim|routing|towerWeight) '
headwise dump model args | grep -cE '^(capsuleDim|routing) '
headwise test capsules test.txt | head -2
echo 'a good great film' | headwise predict capsules -
headwise train -input multi.txt -output tags -arch capsule --capsule-dim 8 -epoch 20 -lr 0.02 -heads 1 -thread 1 -q
printf 'a good great strange film\na bad awful film\n' | headwise predict tags -
headwise export capsules -output folder 2>&1
headwise train -input train.txt -output x --capsule-dim 8 2>&1
headwise train -input train.txt -output x -arch bag --routing 3 2>&1
headwise train -input train.txt -output x -arch capsule --routing 17 2>&1
exit 0
