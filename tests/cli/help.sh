# Every screen of help fits 40 lines of 80 columns and begins with an example; every option is
# in the manual page and in the completions.
verbs=$(headwise help | sed -n 's/^  \([a-z-]*\)  *[a-z].*/\1/p')
echo $verbs
headwise manual >manual.1
for shell in bash zsh fish; do headwise completion $shell >completion.$shell; done
for verb in '' $verbs; do
    headwise help $verb >screen
    [ "$(wc -l <screen)" -le 40 ] || echo "help $verb: $(wc -l <screen) lines"
    [ "$(wc -L <screen)" -le 80 ] || echo "help $verb: $(wc -L <screen) columns"
    head -1 screen | grep -q '^  \$ ' || echo "help $verb: no example first"
    [ -z "$verb" ] || headwise "$verb" --help | cmp - screen || echo "$verb --help differs"
    [ -z "$verb" ] || grep -q "^\.Cm $verb\$" manual.1 || echo "$verb is not in the manual"
    for option in $(sed -n '/^usage/,$p' screen | grep -oE '(^| )--?[a-zA-Z][a-zA-Z-]*'); do
        [ -z "$verb" ] && continue
        grep -qF -- ".It Fl $(sed 's/^-//; s/^-/\\-/' <<<"$option")" manual.1 || echo "$option is not in the manual"
        grep "^    $verb[|)]" completion.bash | grep -qF -- "$option" || echo "$verb $option: not in bash's"
        grep -qF -- "'$option[" completion.zsh || echo "$option: not in zsh's"
        grep "_from $verb" completion.fish | grep -qE -- "-[lo] $(sed 's/^--*//' <<<"$option")( |$)" || echo "$verb $option: not in fish's"
    done
done
headwise -h | cmp - <(headwise help) && headwise --help | cmp - <(headwise help) && echo same
headwise supervised --help | cmp - <(headwise help train) && echo same
bash -n completion.bash
source completion.bash
complete_words() { COMP_WORDS=(headwise "$@"); COMP_CWORD=$#; _headwise; echo "${COMPREPLY[@]}"; }
complete_words pre
complete_words train -ep
complete_words train -arch ''
# What other manuals this machine has says nothing about ours.
if command -v mandoc >/dev/null; then mandoc -T lint manual.1 2>&1 | grep -v 'outdated mandoc.db\|no such manual\|referenced manual not found'; fi
exit 0
