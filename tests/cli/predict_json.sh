# One object a line; the text is valid UTF-8 whatever came in.
printf 'great "good" lovely\nbad\377 awful dull\n' | headwise predict model - --json | sed -E 's/"score":[0-9.e-]+/"score":S/g'
printf 'great\n' | headwise predict-prob model - 2 --json | sed -E 's/"score":[0-9.e-]+/"score":S/g'
printf '{"text":}\n' | headwise predict model - --format jsonl --json 2>/dev/null; echo "exit code $?"
