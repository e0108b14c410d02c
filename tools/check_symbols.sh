#!/bin/sh
# Fails when the library exports anything but the functions that grating.h, and for
# `grating bench` src/api/experiment.h, mark GRT_API.
#
# usage: check_symbols.sh SOURCE_DIR LIBRARY (shared, or static)
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cat "$1/include/grating.h" "$1/src/api/experiment.h" | tr '\n' ' ' | sed 's/GRT_API/\nGRT_API/g' |
    sed -n 's/^GRT_API [^;(]*[ *]\(grt_[a-z_0-9]*\)(.*/\1/p' | sort >"$folder/wanted"
# In a static library, hidden functions are those without default visibility.
case "$2" in
*.a) readelf -sW "$2" 2>/dev/null |
    awk '$4 == "FUNC" && $5 == "GLOBAL" && $6 == "DEFAULT" && $7 != "UND" {print $8}' ;;
*) nm -D --defined-only "$2" | awk '$2 != "A" {sub(/@.*/, "", $3); print $3}' ;;
esac | grep -v '^__' | sort >"$folder/found"
if [ ! -s "$folder/wanted" ] || ! diff "$folder/wanted" "$folder/found"; then
    echo "the headers and the library's exports differ (<: header, >: library)"
    exit 1
fi
echo "$(wc -l <"$folder/wanted") functions exported"
