#!/bin/sh
# Pages with one fault each, which check_docs.py and check_messages.py must find; and none where there
# is none.
#
# usage: check_checks.sh SOURCE_DIR BUILD_DIR
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
fail=0
expect() { # expect CODE TEXT
    printf "# Page\n\n$2" >"$folder/page.md"
    python3 "$source/tests/docs/check_docs.py" "$source" "$build" "$folder/page.md" >"$folder/out" 2>&1
    code=$?
    [ $code = "$1" ] || { echo "exit code $code, not $1:"; cat "$folder/page.md" "$folder/out"; fail=1; }
}
source=$1
build=$2
expect 0 '    $ echo "a 1"\n    a 2\n'
expect 0 '    $ printf "a 1\\\\nb\\\\n"\n    b\n    ...\n    a...\n'
expect 0 '<!-- not run: a reason -->\n\n    $ false\n\nand\n\n    $ true\n'
expect 0 '```c\ngrating = 1;\n```\n\n```sh\n$ grating --version\n```\n'
expect 0 '    $ grating rank \\\n        -q "a" clauses.txt\n'
expect 1 '    $ false\n'
expect 1 '    $ echo a\n    b\n'
expect 1 '    $ echo a\n    a\n    a\n'
expect 1 '    $ true\n\ntext\n\n    grating rank -q a\n'
expect 1 "    \$ ctest --test-dir build-dev -R '^no_such_test\$'\n"
expect 1 '    $ ./test no-such-part\n'
expect 1 '    $ make no-such-target\n'
expect 1 '<!-- not run: a reason -->\n\n    $ true\n\nand\n\n    $ false\n'
expect 1 'no command at all\n'
printf '| `no source says 7 such things` | it means | do |\n' >"$folder/page.md"
if python3 "$source/tests/docs/check_messages.py" "$source" "$folder/page.md" >/dev/null; then
    echo "a message that nobody says was not found"
    fail=1
fi
[ $fail = 0 ] && echo "every fault was found"
exit $fail
