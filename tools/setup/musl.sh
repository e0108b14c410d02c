# musl.sh - sourced by ./test: static programs with musl's C library.
. tools/setup/sources.sh

musl_packages='musl-tools dpkg-dev'
musl_tests='^(os|base|io|stream)\.|^models\.golden$|^api\.golden_rank$'

musl_is_ready() {
    command -v musl-gcc >/dev/null 2>&1 && [ -f build-musl/libraries/complete ]
}

# Golden scores, what talks to the system, and a static command that ranks.  Never fails for what
# is missing: it only prints that this part was left out.
run_musl() {
    if ! musl_is_ready; then
        echo "SKIP static with musl: ${1:-./test musl gets what it takes}"
        return 0
    fi
    build musl grating_command tests_os tests_base tests_io tests_stream test_models_golden \
        test_api_golden_rank
    ctest --test-dir build-musl -j "$jobs" --output-on-failure -R "$musl_tests"
    if LC_ALL=C ldd build-musl/grating 2>&1 | grep -q '=>'; then
        echo "./test: the command is not static" >&2
        return 1
    fi
    build-musl/grating rank -q 'how do owls hunt' -k 1 --json examples/demo/passages.jsonl |
        grep -q '"index"' || { echo "./test: the static command does not rank" >&2; return 1; }
}
