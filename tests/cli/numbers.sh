# Every option that takes a number, at every edge: a clean exit code, one error line at most.
runs=0
for verb in train cv predict test eval; do
    for option in $(headwise help $verb | sed -nE 's/^  (--?[a-zA-Z-]+) (N|H|D|L|RATE|SHARE|P|C|K|FOLDS)( .*|$)/\1/p') -bucket; do
        for value in 0 -1 1 256 2147483647 2147483648 -2147483649 9223372036854775807 1e308 -1e308 1e-320 nan NaN inf -inf abc '' ' 1' 0x10 1,5 '5 5'; do
            case $verb in
                train) set -- -input missing.txt -output m ;;
                cv) set -- -input missing.txt ;;
                *) set -- model missing.txt ;;
            esac
            timeout 10 headwise $verb "$@" $option "$value" >out 2>err
            code=$?
            runs=$((runs + 1))
            [ $code -eq 1 ] || [ $code -eq 2 ] || echo "$verb $option '$value': exit code $code"
            [ "$(grep -vc '^headwise: note: ' err)" -eq 1 ] || echo "$verb $option '$value': $(cat err)"
        done
    done
done
[ $runs -gt 500 ] && echo "no signal"
