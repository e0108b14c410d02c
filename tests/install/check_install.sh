#!/bin/sh
# Installs a build into an empty folder and uses it as others do: the command, pkg-config,
# find_package; then takes it away again.  Also grating as a part of another project, and what
# configuring says where a library is missing.
#
# usage: check_install.sh SOURCE_DIR BUILD_DIR
set -eu
here=$1/tests/install
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() {
    echo "$1"
    [ ! -f "$folder/log" ] || tail -20 "$folder/log"
    exit 1
}
prefix="$folder/a prefix"
cmake --install "$2" --prefix "$prefix" >"$folder/log" || fail "installing fails"
for file in bin/grating include/grating.h include/grating.hpp share/grating/models/grating-small/config.json \
    share/man/man1/grating.1; do
    [ -e "$prefix/$file" ] || fail "$file was not installed"
done
[ -z "$(find "$prefix" -name '*duvisor*' -o -name 'test_*' -o -name 'bench_*' -o -name 'fuzz_*')" ] ||
    fail "more was installed than is wanted"
grep -q 'samples.*EXCLUDE' "$2/cmake_install.cmake" ||
    fail "samples of a calibration that lie with the models would be installed"

# The command runs from there, with its own library and model.
"$prefix/bin/grating" rank -q "how do owls hunt" -k 1 --json "$1/examples/demo/passages.jsonl" \
    >"$folder/log" || fail "the installed command fails"
grep -q grating-small "$folder/log" || fail "the installed command does not find its model"
model="$prefix/share/grating/models/grating-small"

# The README's program, with pkg-config, and wherever the folder is moved.
sed -n '/^```c$/,/^```$/p' "$1/README.md" | grep -v '^```' |
    sed "s|models/grating-small|$model|" >"$folder/program.c"
run_program() { # run_program WITH PROGRAM
    answer=$(LD_LIBRARY_PATH="$library_path" "$2" 2>&1) || true
    [ "$answer" = "Owls hunt at night." ] || fail "built with $1, the README's program says: $answer"
}
pc=$(find "$prefix" -name grating.pc)
library_path=${pc%/pkgconfig/*}
mkdir "$folder/moved"
cp -R "$prefix" "$folder/moved/b prefix"
export PKG_CONFIG_PATH="$folder/moved/b prefix/${pc#"$prefix/"}"
PKG_CONFIG_PATH=${PKG_CONFIG_PATH%/*}
eval "cc -std=c99 -Wall -Werror '$folder/program.c' -o '$folder/program' \
    $(pkg-config --cflags --libs grating)" >"$folder/log" 2>&1 || fail "pkg-config's options fail"
pkg-config --cflags grating | grep -q 'b\\* prefix\|moved' || fail "pkg-config names another folder"
rm -rf "$folder/moved"
library_path=${pc%/pkgconfig/*} run_program pkg-config "$folder/program"
unset PKG_CONFIG_PATH

cmake -S "$here/found" -B "$folder/found" -DCMAKE_PREFIX_PATH="$prefix" \
    -DPROGRAM="$folder/program.c" >"$folder/log" 2>&1 &&
    cmake --build "$folder/found" >"$folder/log" 2>&1 || fail "find_package(grating) fails"
run_program find_package "$folder/found/program"
if cmake -S "$here/found" -B "$folder/missing" -DPROGRAM="$folder/program.c" \
    -DCMAKE_PREFIX_PATH=/nonexistent -DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF \
    -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF >"$folder/log" 2>&1; then
    fail "find_package(grating) finds what is not there"
fi

# As a part of another project.
cmake -S "$here/inside" -B "$folder/inside" -DGRATING="$1" >"$folder/log" 2>&1 ||
    fail "add_subdirectory(grating) fails"

# Where libraries are missing.
if PKG_CONFIG_LIBDIR=/nonexistent cmake -S "$1" -B "$folder/none" >"$folder/log" 2>&1; then
    fail "configuring goes on without libraries"
fi
for text in 'jansson.*libpcre2.*libutf8proc' 'apt install' 'dnf install' 'brew install'; do
    grep -q "$text" "$folder/log" || fail "configuring without libraries does not say: $text"
done

cmake --build "$2" --target uninstall >"$folder/log" 2>&1 || fail "uninstalling fails"
left=$(find "$prefix" ! -type d)
[ -z "$left" ] || fail "not uninstalled: $left"
echo "installed, linked, ranked, moved, taken away"
