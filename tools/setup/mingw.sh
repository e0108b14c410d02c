# mingw.sh - sourced by ./test: the library for 64-bit Windows, tried under wine.
. tools/setup/sources.sh

mingw_packages='gcc-mingw-w64-x86-64 wine64? wine? dpkg-dev'

mingw_is_ready() {
    command -v x86_64-w64-mingw32-gcc >/dev/null 2>&1 && [ -f build-mingw/libraries/complete ]
}

# The calls to the system, and the README's program.
run_mingw() {
    if ! mingw_is_ready; then
        echo "SKIP Windows: ${1:-./test mingw gets what it takes}"
        return 0
    fi
    build mingw grating os_portable
    libraries=build-mingw/libraries
    sed -n '/^```c$/,/^```$/p' README.md | grep -v '^```' >build-mingw/program.c
    x86_64-w64-mingw32-gcc -std=c99 -Wall -Iinclude build-mingw/program.c -o build-mingw/program.exe \
        -static build-mingw/libgrating.a -L"$libraries/lib" -ljansson -lpcre2-8 -lutf8proc -lpsapi
    if ! command -v wine >/dev/null 2>&1; then
        echo "SKIP Windows' programs are built, but not tried: there is no wine"
        return 0
    fi
    WINEDEBUG=-all
    WINEPREFIX=$PWD/build-mingw/wine
    export WINEDEBUG WINEPREFIX
    sh tests/os/check_portable.sh wine build-mingw/tests/os/os_portable.exe
    answer=$(wine build-mingw/program.exe 2>/dev/null | tr -d '\r')
    if [ "$answer" != "Owls hunt at night." ]; then
        echo "./test: under wine the README's program says: $answer" >&2
        return 1
    fi
    echo "$answer (under wine)"
}
