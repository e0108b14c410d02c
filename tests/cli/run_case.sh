#!/bin/sh
# Runs one case and compares its transcript with the expected one.
#
#   run_case.sh [--update] COMMAND CASE
#
# A case is a shell script in cases/.  It runs in an empty folder and calls
# `run ARGUMENTS`: the transcript gets the arguments, standard output, standard error (each line after
# "err: ") and the exit code.  With --update the transcript becomes the expected one.
set -u
update=0
if [ "$1" = --update ]; then
    update=1
    shift
fi
command=$1
case_name=$2
cases=$(cd "$(dirname "$0")/cases" && pwd)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/work"
cd "$folder/work" || exit 1
# No models but those that a case makes.
unset XDG_DATA_HOME HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE XDG_CACHE_HOME OLLAMA_MODELS GRATING_MODEL
HOME=$folder/work
export HOME

show() {
    cat "$folder/out"
    sed 's/^/err: /' "$folder/err"
    echo "exit: $1"
}

run() {
    printf '$ grating'
    for argument; do printf ' %s' "$argument"; done
    echo
    "$command" "$@" >"$folder/out" 2>"$folder/err"
    show $?
}

# Puts the command and a fake bundled model under ./$1 and goes on with that command.
install_under() {
    mkdir -p "$1/bin" "$1/share/grating/models/grating-small"
    cp "$command" "$1/bin/grating"
    command=$PWD/$1/bin/grating
}

. "$cases/$case_name.sh" >"$folder/transcript" 2>&1
# Out goes what differs between machines: the temporary folder and the number of CPUs.
# Bytes beyond ASCII are spelt as cat -v does it.
sed -e "s|$folder/work|FOLDER|g" -e 's/^usable CPUs .*/usable CPUs    N/' \
    -e 's/"usable_cpus": [0-9]*/"usable_cpus": N/' "$folder/transcript" |
    cat -v >"$folder/actual"
if [ "$update" = 1 ]; then
    cp "$folder/actual" "$cases/$case_name.expected"
else
    diff -u "$cases/$case_name.expected" "$folder/actual"
fi
