#!/bin/sh
# check_man.sh COMMAND SOURCE_DIR - the manual pages and the help texts name the same
# options, and mandoc (when it is here) finds nothing to say about the pages.
set -u
command=$1
pages=$2/docs/man
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
fail=0
compare() { # compare PAGE HELP-ARGUMENTS...
    page=$pages/$1
    shift
    # "  -q, --query QUERY  ..." -> "-q" and "--query"
    "$command" "$@" | sed -n '/^options:/,$p' | grep '^  *-' |
        sed 's/^ *//; s/   *.*//' | tr -s ', ' '\n' | grep '^-' | sort >"$folder/help"
    # ".It Fl q , Fl -query Ar QUERY" -> the same
    grep '^\.It Fl' "$page" | tr ' ' '\n' | grep -A 1 '^Fl$' | grep -v '^Fl$\|^--$' |
        sed 's/^/-/' | sort >"$folder/page"
    [ -s "$folder/help" ] || { echo "no options in the help of $page"; fail=1; }
    diff -u "$folder/help" "$folder/page" || { echo "see $page"; fail=1; }
}
compare grating.1 --help
for name in rank serve models calibrate eval plot inspect doctor bench completion; do
    compare grating-$name.1 $name --help
done
# Every command has a page, and every page its command.
"$command" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v '^help$' |
    sed 's/.*/grating-&.1/' | sort >"$folder/commands"
(cd "$pages" && ls grating-*.1) | sort >"$folder/pages"
diff -u "$folder/commands" "$folder/pages" || fail=1
# Every family of models is named where families are listed.
for family in $(sed -n 's/^    \.name = "\(.*\)",$/\1/p' "$2"/src/models/*.c); do
    for list in "$pages/grating-inspect.1" "$2/include/grating.h" "$2/docs/models.md"; do
        grep -qw "$family" "$list" || { echo "$list does not name $family"; fail=1; }
    done
done
# What --memory covers is said in the same words everywhere.
promise='what the whole process may have resident at its peak, while it reads, ranks, fits and writes'
for file in "$2/README.md" "$pages"/grating-rank.1 "$pages"/grating-eval.1 \
    "$pages"/grating-calibrate.1 "$pages"/../algorithms/memory.md; do
    tr '\n' ' ' <"$file" | grep -qi "$promise" || { echo "$file: $promise"; fail=1; }
done
for name in rank eval calibrate; do
    "$command" $name --help | tr -s '\n ' ' ' | grep -q "$promise" ||
        { echo "$name --help: $promise"; fail=1; }
done
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$pages"/*.1 || fail=1
else
    echo "SKIP mandoc: not installed"
fi
exit $fail
