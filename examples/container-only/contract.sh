# The step contract for POSIX sh: source it, and use the functions below. It needs awk, base64 and sha256sum (coreutils
# or busybox) and no jq. docs/step-contract.md says what all of this is about.

# A step is told to stop by SIGTERM, and must then not look as if it had succeeded.
trap 'exit 143' TERM

kubesaga_result_file=${KUBESAGA_RESULT_FILE:-/dev/termination-log}

# field PATH: the value at a path of the input (context.customer, results.count.total) as the JSON that stands there;
# nothing where there is none. Names on the path must be plain words.
field() {
    if [ -n "${KUBESAGA_INPUT_FILE:-}" ]; then cat "$KUBESAGA_INPUT_FILE"; else printf %s "$KUBESAGA_INPUT"; fi |
        LC_ALL=C awk -v wanted="$1" '
        { text = text $0 "\n" }
        END {
            depth = split(wanted, name, ".")
            size = length(text)
            at = 1
            for (level = 1; level <= depth; level++) if (!enter(name[level])) exit
            start = at
            skip()
            printf "%s", substr(text, start, at - start)
        }
        function blank() { while (index(" \t\r\n,:", substr(text, at, 1)) && at <= size) at++ }
        # From the brace at `at` to the value of this name.
        function enter(name,    key) {
            blank()
            if (substr(text, at, 1) != "{") return 0
            at++
            for (blank(); substr(text, at, 1) == "\""; blank()) {
                key = at
                string()
                key = substr(text, key + 1, at - key - 2)
                blank()
                if (key == name) return 1
                skip()
            }
            return 0
        }
        # Past the value at `at`.
        function skip(    open, c) {
            blank()
            c = substr(text, at, 1)
            if (c == "\"") { string(); return }
            if (c != "{" && c != "[") {
                while (!index(" \t\r\n,]}", substr(text, at, 1)) && at <= size) at++
                return
            }
            open = 0
            do {
                c = substr(text, at, 1)
                if (c == "\"") { string(); continue }
                if (c == "{" || c == "[") open++
                if (c == "}" || c == "]") open--
                at++
            } while (open > 0 && at <= size)
        }
        # Past the string that begins at `at`.
        function string() {
            for (at++; at <= size; at += 500) while (match(substr(text, at, 500), /["\\]/)) {
                at += RSTART
                if (substr(text, at - 1, 1) == "\"") return
                at++
            }
        }'
}

# text PATH: the same for a string, as plain text.
text() {
    field "$1" | LC_ALL=C awk '
        { line = line $0 "\n" }
        END {
            line = substr(line, 2, length(line) - 3)
            for (i = 1; i <= length(line); i++) {
                c = substr(line, i, 1)
                if (c == "\\") {
                    c = substr(line, ++i, 1)
                    if (c == "n") c = "\n"; else if (c == "t") c = "\t"; else if (c == "r") c = "\r"
                    else if (c == "u") c = "\\u"
                }
                printf "%s", c
            }
        }'
}

# succeed JSON: the step is done, with this result.
succeed() {
    # In a variable, and not in a pipe: it may be large, and it is needed three times.
    document="{\"result\":$1}"
    bytes=$(printf %s "$document" | wc -c)
    [ "$bytes" -le 262144 ] || fail ResultTooLarge "" "the result document has $bytes bytes, the limit is 262144: \
store the data elsewhere and return a reference to it" false 65
    if [ "$bytes" -gt 4096 ]; then
        sum=$(printf %s "$document" | sha256sum | cut -c1-64)
        printf %s "$document" | base64 -w 2048 |
            awk -v sum="$sum" '{ print "\nkubesaga-result:" substr(sum, 1, 16) ":" NR - 1 ":" $0 }'
        document="{\"resultFrame\":{\"bytes\":$((bytes)),\"sha256\":\"$sum\"}}"
    fi
    printf %s "$document" >"$kubesaga_result_file"
    exit 0
}

# fail TYPE CODE MESSAGE RETRYABLE EXIT_CODE: the attempt failed. None of the words may hold a quote or a backslash.
fail() {
    printf '{"error":{"type":"%s","code":"%s","message":"%s","retryable":%s}}' "$1" "$2" "$3" "$4" \
        >"$kubesaga_result_file"
    exit "$5"
}
