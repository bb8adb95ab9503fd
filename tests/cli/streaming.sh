# The answer to a line comes before the next line is sent, through a pipe as on a terminal.
coproc predict { headwise predict model -; }
for word in good bad lovely; do
    echo "$word" >&"${predict[1]}"
    IFS= read -r -t 10 answer <&"${predict[0]}" || answer=nothing
    echo "$word $answer"
done
exec {predict[1]}>&-
wait
mkfifo in
headwise predict-prob model in >out &
exec 3>in
printf 'goo' >&3; sleep 0.2; printf 'd\ngreat\n' >&3
for try in $(seq 100); do [ "$(wc -l <out)" -eq 2 ] && break; sleep 0.1; done
wc -l <out
exec 3>&-
wait
