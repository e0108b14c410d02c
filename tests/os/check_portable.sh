#!/bin/sh
# check_portable.sh COMMAND... - runs it with an empty directory, and wants that left empty.
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
"$@" "$folder" && rmdir "$folder"
