#!/bin/sh
# Installs a build into an empty folder and builds the README's program against it.
#
# usage: check_install.sh SOURCE_DIR BUILD_DIR
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cmake --install "$2" --prefix "$folder/usr" >/dev/null
for file in bin/grating include/grating.h share/grating/models/grating-mini/config.json \
    share/man/man1/grating.1; do
    [ -e "$folder/usr/$file" ] || { echo "$file was not installed"; exit 1; }
done
sed -n '/^```c$/,/^```$/p' "$1/README.md" | grep -v '^```' |
    sed "s|models/grating-mini|$folder/usr/share/grating/models/grating-mini|" >"$folder/program.c"
pc=$(find "$folder" -name grating.pc)
export PKG_CONFIG_PATH="${pc%/*}"
# the prefix of this trial instead of the configured one
sed -i "s|^libdir=.*|libdir=$(dirname "$(find "$folder" -name 'libgrating.*' | head -1)")|
s|^includedir=.*|includedir=$folder/usr/include|" "$pc"
# shellcheck disable=SC2046
cc -std=c99 -Wall -Werror "$folder/program.c" -o "$folder/program" $(pkg-config --cflags --libs grating)
answer=$("$folder/program")
[ "$answer" = "Owls hunt at night." ] || { echo "the README's program says: $answer"; exit 1; }
"$folder/usr/bin/grating" rank -q "how do owls hunt" -k 1 --json "$1/examples/demo/passages.jsonl" |
    grep -q grating-mini || { echo "the installed command does not find its model"; exit 1; }
echo "installed, linked, ranked"
