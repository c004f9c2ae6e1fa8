#!/bin/sh
# Steps in sh. What to do is the argument, else what the Task's context says in `do`.
set -eu
. "$(dirname "$0")/contract.sh"

case "${1:-$(text context.do)}" in
# The example's steps.
count_words)
    words=$(text context.text | wc -w)
    [ "$words" -gt 0 ] || fail EmptyText NO_WORDS "the text has no words" false 65
    succeed "{\"words\":$((words))}"
    ;;
longest_word)
    longest=$(text context.text | tr -cs '[:alnum:]' '\n' |
        awk 'length($0) > length(longest) { longest = $0 } END { print longest }')
    succeed "{\"word\":\"$longest\"}"
    ;;
report)
    succeed "{\"report\":\"$(field results.count_words.words) words, the longest is $(text results.longest_word.word)\"}"
    ;;

# What the conformance test asks of a program, whatever its language (docs/step-contract.md).
return) succeed "$(field context.value)" ;;
repeat)
    unit=$(text context.unit)
    succeed "\"$(awk -v unit="$unit" -v times="$(field context.times)" 'BEGIN { while (times-- > 0) printf "%s", unit }')\""
    ;;
fail)
    # The error stands in the input as it has to stand in the document.
    printf '{"error":%s}' "$(field context.error)" >"$kubesaga_result_file"
    exit "$(field context.exitCode)"
    ;;
exit) exit "$(field context.exitCode)" ;;
previous) succeed "$(field "results.$(text context.step)")" ;;
describe)
    succeed "$(printf '{"input":{"task":%s,"step":%s,"attempt":%s,"idempotencyKey":%s},' \
        "$(field task.name)" "$(field step.name)" "$(field attempt)" "$(field idempotencyKey)")$(
        printf '"environment":{"task":"%s","step":"%s","attempt":"%s","idempotencyKey":"%s"}}' \
            "$KUBESAGA_TASK" "$KUBESAGA_STEP" "$KUBESAGA_ATTEMPT" "$KUBESAGA_IDEMPOTENCY_KEY"
    )"
    ;;
undo) succeed "{\"undone\":$(field forward.result),\"key\":$(field compensationKey)}" ;;
wait)
    echo waiting
    # A shell takes a signal only between two commands, or in `wait`.
    sleep 600 &
    wait $!
    ;;
*) fail UnknownCommand "" "this handler has no such command" false 64 ;;
esac
