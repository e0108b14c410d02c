#!/bin/sh
# Fails when a C file is not formatted as .clang-format says; version 14 decides.
#
# usage: check_format.sh [ROOT]
cd "${1:-.}" || exit 1
for format in clang-format-14 clang-format; do
    if "$format" --version 2>/dev/null | grep -q 'version 14\.'; then
        find include src wire cli serve bindings tests bench duvisor -name '*.[ch]' -o -name '*.hpp' | sort |
            xargs "$format" --dry-run -Werror && echo "formatted"
        exit
    fi
done
echo "SKIP: clang-format 14 is not installed"
