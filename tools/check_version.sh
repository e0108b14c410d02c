#!/bin/sh
# Fails where the version is not the same everywhere: the header, CMake's project, the newest heading
# of the changelog, the packages for Python and Node, and what was made of them in a build: pkg-config's file and CMake's.
#
# usage: check_version.sh SOURCE_DIR [BUILD_DIR]
part() { sed -n "s/^#define GRT_VERSION_$1 *\([0-9]*\)$/\1/p" "$source/include/grating.h"; }
source=$1
wanted=$(part MAJOR).$(part MINOR).$(part PATCH)
fail=0
check() { # check WHERE FOUND
    [ "$2" = "$wanted" ] && return
    echo "$1 says \"$2\", include/grating.h $wanted"
    fail=1
}
check CMakeLists.txt "$(sed -n 's/^project(grating VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")"
check CHANGELOG.md "$(sed -n 's/^## \([0-9.]*\).*/\1/p' "$source/CHANGELOG.md" | head -n 1)"
check bindings/node/package.json \
    "$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$source/bindings/node/package.json")"
check bindings/python/pyproject.toml \
    "$(sed -n 's/^version = "\(.*\)"$/\1/p' "$source/bindings/python/pyproject.toml")"
if [ -n "${2:-}" ]; then
    check grating.pc "$(sed -n 's/^Version: //p' "$2/grating.pc")"
    check gratingConfigVersion.cmake \
        "$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")$/\1/p' "$2/gratingConfigVersion.cmake")"
    check "grating --version" "$("$2/grating" --version | sed 's/^grating //')"
fi
exit $fail
