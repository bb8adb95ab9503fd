# One line in, one line out: blank lines, CRLF, NUL, invalid bytes, no newline at the end;
# labels in a line are not part of the text.
printf 'good fine\n\nbad poor\r\n__label__neg good great\nni\0ce gre\377at\nlovely' >lines
headwise predict model lines | wc -l
headwise predict model lines | sed -n '1p;3,4p;6p'
headwise predict model - <lines | cmp - <(headwise predict model lines) && echo same
headwise predict model lines -thread 1 | cmp - <(headwise predict model lines -thread 4) && echo same
headwise predict model -input lines 2 | sed -n 1p
headwise predict model lines 2 0.99999 | sed -n 2p
headwise predict-prob model lines -1 | grep -cE '^__label__[a-z]+ [0-9.e-]+ __label__[a-z]+ [0-9.e-]+$'
headwise predict -label '#' model <(echo 'good great #neg')
gzip -k lines && headwise predict-prob model lines.gz | cmp - <(headwise predict-prob model lines) && echo same
headwise predict model /dev/null | wc -c
seq 5000 | sed 's/^/a good film /' | headwise predict model - | sort | uniq -c
head -c 20000000 /dev/zero | tr '\0' 'x' | headwise predict model - 2>&1 >long | cut -c1-70; wc -l <long
