# A reader that goes away ends the program quietly; a full disk does not go unnoticed.
yes 'a good film' | head -300000 >many
headwise predict model many 2>err | head -1
echo "exit code ${PIPESTATUS[0]}, $(wc -c <err) bytes on standard error"
headwise dump model output 2>err | head -c 1 >/dev/null
echo "exit code ${PIPESTATUS[0]}, $(wc -c <err) bytes on standard error"
for command in 'predict model many' 'test model test.txt' 'eval model test.txt' 'help' 'version' 'manual' 'dump model dict'; do
    headwise $command 2>err >/dev/full
    echo "$command: exit code $?, $(cat err)"
done
