# fuzzing.sh - sourced by ./test and ./fuzz: running fuzz targets, and measuring what is reached.

fuzz_jobs=$(nproc 2>/dev/null || echo 2)

fuzz_names() {
    for path in tests/fuzz/fuzz_*.c tests/fuzz/*/fuzz_*.c; do
        [ -e "$path" ] || continue
        name=$(basename "$path" .c)
        echo "${name#fuzz_}"
    done | sort
}

# quietly WHAT COMMAND...: shows output only when it fails.
quietly() {
    what=$1
    shift
    echo "$what ..."
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        tail -60 "$log" >&2
        rm -f "$log"
        echo "$what: failed" >&2
        exit 1
    fi
    rm -f "$log"
}

fuzz_build() {
    quietly 'Configuring the fuzz targets' configure_in build-fuzz --preset fuzz
    quietly 'Building them' cmake --build build-fuzz -j "$fuzz_jobs" --target fuzz_targets
}

# fuzz_one SECONDS NAME: a target from its seeds and what was found before; a line for the table.
fuzz_one() {
    corpus=$PWD/build-fuzz/corpus/$2
    log=$PWD/build-fuzz/logs/$2.log
    room=$(mktemp -d)
    mkdir -p "$corpus" "${log%/*}" build-fuzz/found
    state=none
    TMPDIR=$room "build-fuzz/fuzz/fuzz_$2" -max_total_time="$1" -print_final_stats=1 \
        -rss_limit_mb=4096 -timeout=60 -artifact_prefix="$PWD/build-fuzz/found/$2-" \
        "$corpus" "$PWD/tests/fuzz/seeds/$2" >"$log" 2>&1 || state=FOUND
    rm -rf "$room"
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    peak=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
    reached=$(grep -o ' cov: [0-9]*' "$log" | tail -n 1 | tr -dc 0-9)
    files=$(find "$corpus" -type f | wc -l)
    printf '%-16s %6s s %12s runs %8s edges %7s inputs %6s MiB  %s\n' "$2" "$1" "${runs:--}" \
        "${reached:--}" "$files" "${peak:--}" "$state"
    [ $state = none ]
}

# fuzz_run SECONDS [NAME...]: side by side; fails when something was found.
fuzz_run() {
    fuzz_seconds=$1
    shift
    [ $# -gt 0 ] || set -- $(fuzz_names)
    failed=0
    rm -f build-fuzz/failed
    echo "target            time                 what was run, reached, kept, peak       found"
    running=0
    for name; do
        if [ ! -x "build-fuzz/fuzz/fuzz_$name" ]; then # what it is about needs a library
            echo "SKIP $name: not built"
            continue
        fi
        if [ $running -ge "$fuzz_jobs" ]; then
            wait_for_one
            running=$((running - 1))
        fi
        { fuzz_one "$fuzz_seconds" "$name" || echo "$name" >>build-fuzz/failed; } &
        running=$((running + 1))
        fuzz_pids="${fuzz_pids:-} $!"
    done
    wait
    if [ -e build-fuzz/failed ]; then
        for name in $(cat build-fuzz/failed); do
            echo "--- $name" >&2
            tail -n 40 "build-fuzz/logs/$name.log" >&2
        done
        return 1
    fi
}

# The shell's own `wait -n` is not everywhere.
wait_for_one() {
    while :; do
        left=
        ended=0
        for pid in ${fuzz_pids:-}; do
            if [ $ended = 0 ] && ! kill -0 "$pid" 2>/dev/null; then ended=1; else left="$left $pid"; fi
        done
        fuzz_pids=$left
        [ $ended = 0 ] || return 0
        sleep 1
    done
}

coverage_build() {
    quietly 'Configuring a build that counts lines' configure_in build-coverage --preset coverage
    quietly 'Building it' cmake --build build-coverage -j "$fuzz_jobs"
}

# Tests that print what a program does, and every input of the seeds and the corpora.
coverage_run() {
    find build-coverage -name '*.gcda' -delete
    quietly 'Running the tests' ctest --test-dir build-coverage -j "$fuzz_jobs" \
        -E '^(checks|docs|faults|evidence|readouts|header)\.' --timeout 1200
    for name in $(fuzz_names); do
        [ -d "build-fuzz/corpus/$name" ] && [ -x "build-coverage/fuzz/fuzz_$name" ] || continue
        [ -n "$(ls "build-fuzz/corpus/$name")" ] || continue
        quietly "Running what was found for $name" \
            "build-coverage/fuzz/fuzz_$name" "$PWD/build-fuzz/corpus/$name"
    done
    python3 tools/coverage.py build-coverage >build-coverage/coverage.txt
}
