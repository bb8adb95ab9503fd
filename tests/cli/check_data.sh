# check-data finds what is planted.
(for i in 1 2 3 4 5 6; do echo "__label__positive a good film $i"; echo "__label__negative a bad film $i"; done
 echo '__label__positve a fine film'; echo 'a line without a label'; echo '__label__positive a bad film 1'
 echo '__label__negative a bad film 2'; echo '__label__positive') >train
printf '__label__positive a good film 3\n__label__other something new\n' >test
headwise check-data train test
headwise check-data train test --json | grep -oE '"(within|across|conflicts|bad_lines|typo_of)":[^,}]*'
headwise check-data train missing >out 2>err; echo "exit code $?, $(wc -l <err) line"
