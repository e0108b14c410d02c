#!/bin/sh
# Plants one violation of each kind in a copy of a small tree: each check must find it.
#
# usage: check_checks.sh SOURCE_DIR
root=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0
clean= # checks that were tried on a clean tree

# plant FILE TEXT CHECK...: CHECK passes on the clean tree and fails with TEXT in FILE.
plant() {
    file=$1
    text=$2
    shift 2
    tree=$folder/tree
    rm -rf "$tree"
    mkdir -p "$tree/src/base" "$tree/src/io" "$tree/src/models" "$tree/src/rank" \
        "$tree/src/calibrate" "$tree/src/unknown" "$tree/cli/frame" \
        "$tree/cli/rank" "$tree/wire" "$tree/tests" "$tree/include" "$tree/bench" \
        "$tree/serve" "$tree/duvisor/machine" "$tree/duvisor/unknown" "$tree/docs"
    echo '# Documents' >"$tree/docs/README.md"
    printf '/* fine */\nint grt_fine;\n' >"$tree/src/base/fine.c"
    cp "$root/.clang-format" "$tree/"
    case "$clean" in
    *"<$*>"*) ;;
    *)
        if ! "$@" "$tree" >/dev/null; then
            echo "$* fails on a clean tree"
            failures=$((failures + 1))
        fi
        clean="$clean<$*>"
        ;;
    esac
    printf "$text" >"$tree/$file"
    if "$@" "$tree" >/dev/null 2>&1; then
        echo "$* does not see: $text"
        failures=$((failures + 1))
    fi
}

layers=$root/tools/check_layers.py
source=$root/tools/check_source.py
rows=$root/tools/check_rows.py
plant src/base/bad.c '#include "io/file.h"\n' python3 "$layers"
plant src/base/bad.c '#include <io/file.h>\n' python3 "$layers"
plant src/base/bad.inc '#include "io/file.h"\n' python3 "$layers"
plant src/base/bad.c '#include "../io/file.h"\n' python3 "$layers"
plant src/base/bad.c '#include "base/../io/file.h"\n' python3 "$layers"
plant src/base/bad.c '#include <../io/file.h>\n' python3 "$layers"
plant src/base/bad.c '#include <api/machine.h>\n' python3 "$layers"
plant src/base/bad.c '#include <calibrate/ridge.h>\n' python3 "$layers"
plant src/base/bad.c '#include <unistd.h>\n' python3 "$layers"
plant src/io/bad.h '#include <sys/stat.h>\n' python3 "$layers"
plant src/base/bad.c '  #  include <windows.h>\n' python3 "$layers"
plant src/unknown/bad.c 'int x;\n' python3 "$layers"
plant cli/rank/bad.c '#include "base/error.h"\n' python3 "$layers"
plant cli/rank/bad.c '#include <base/error.h>\n' python3 "$layers"
plant cli/rank/bad.c '#include "../src/base/fine.c"\n' python3 "$layers"
plant cli/rank/bad.inc '#include "base/error.h"\n' python3 "$layers"
plant cli/rank/bad.c '#include "eval/eval.h"\n' python3 "$layers"
plant cli/rank/bad.c '#include "text.h"\n' python3 "$layers"
plant cli/frame/bad.c '#include "rank/ranker.h"\n' python3 "$layers"
plant cli/fine.c 'int x;\n' python3 "$layers"
plant cli/fine.txt 'text\n' python3 "$layers"
plant duvisor/machine/bad.c '#include "io/file.h"\n' python3 "$layers"
plant duvisor/unknown/bad.c 'int x;\n' python3 "$layers"
plant wire/bad.c '#include "base/error.h"\n' python3 "$layers"
plant serve/bad.c '#include "base/error.h"\n' python3 "$layers"
plant serve/bad.c '#include "frame/cli.h"\n' python3 "$layers"
plant serve/bad.c '#include <microhttpd.h>\n' python3 "$layers"
plant serve/bad.c '#include "serve/http_private.h"\n' python3 "$layers"
plant docs/ARCHITECTURE.md '| `src/base/` | errors | os, io |\n' python3 "$layers"
plant wire/bad.c '#include "frame/cli.h"\n' python3 "$layers"
plant src/models/bad.c '#include "compute/cpu/linear.h"\n' python3 "$layers"
plant src/rank/bad.c '#include <compute/table.h>\n' python3 "$layers"
plant src/calibrate/bad.c '#include "compute/device.h"\n' python3 "$layers"
plant src/models/bad.c 'size_t f(grt_rows x)\n{\n    return x.inside.width;\n}\n' python3 "$rows"
plant src/calibrate/bad.h 'size_t f(grt_weight *w)\n{\n    return w->inside.n_in;\n}\n' python3 "$rows"
plant src/rank/bad.c 'grt_rows f(void)\n{\n    return (grt_rows){{0, 1, 2, 2}};\n}\n' python3 "$rows"
plant src/models/bad.c 'void f(float *x, size_t n);\n' python3 "$rows"
plant src/rank/bad.c 'void f(float *scores, const float *x);\n' python3 "$rows"
plant src/models/bad.c 'void f(void)\n{\n    float *out, *queries;\n}\n' python3 "$rows"
plant src/rank/bad.h 'typedef struct s {\n    float **rows;\n} s;\n' python3 "$rows"
plant src/rank/bad.c 'float f(grt_memory *m)\n{\n    return ((float *)m)[0];\n}\n' python3 "$rows"
plant src/rank/bad.c 'void f(grt_memory *m)\n{\n    g((void *)m);\n}\n' python3 "$rows"
plant src/io/bad.c 'void f(char *a, char *b)\n{\n    strcpy(a, b);\n}\n' python3 "$source"
plant src/io/bad.c 'void *f(void)\n{\n    return malloc(1);\n}\n' python3 "$source"
plant src/io/bad.c 'char *f(const char *a)\n{\n    return strdup(a);\n}\n' python3 "$source"
plant src/io/bad.inc 'void f(void)\n{\n    puts("");\n}\n' python3 "$source"
plant src/base/bad.c 'int f(void)\n{\n    return open("a", 0);\n}\n' python3 "$source"
plant src/io/bad.c "$(printf '%01201d' 0 | sed 's/0/int x;\\n/g')" python3 "$source"
plant src/io/bad.c 'int x; \n' python3 "$source"
plant src/io/bad.c '/* \303\251 */\n' python3 "$source"
plant src/io/bad.c '/* TO''DO later */\n' python3 "$source"
plant src/io/bad.c "void f(void)\n{\n$(printf '%0102d' 0 | sed 's/0/    ;\\n/g')}\n" python3 "$source"
links=$root/tools/check_links.py
plant bad.md 'see [here](missing.md)\n' python3 "$links"
plant bad.md '# A heading\n\nsee [here](#another-heading)\n' python3 "$links"
plant docs/bad''.md '# A page\n' python3 "$links"
plant src/base/bad.c '/* docs/missing''.md says why */\n' python3 "$links"
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    plant src/io/bad.c 'int  x;\n' sh "$root/tools/check_format.sh"
fi

# An object named for an instruction set that defines something else.
mkdir "$folder/objects"
echo 'int grt_leak(void) { return 1; }' >"$folder/leak.c"
cc -c "$folder/leak.c" -o "$folder/objects/leak_avx2.c.o"
if sh "$root/tools/check_isa_objects.sh" "$folder/objects" >/dev/null; then
    echo "check_isa_objects.sh does not see a leak"
    failures=$((failures + 1))
fi
mv "$folder/objects/leak_avx2.c.o" "$folder/objects/leak_neon_bf16.c.o"
if sh "$root/tools/check_isa_objects.sh" "$folder/objects" >/dev/null; then
    echo "check_isa_objects.sh does not see a leak of Arm code"
    failures=$((failures + 1))
fi
echo 'int grt_leak_avx2(void) { return 1; }' >"$folder/leak.c"
rm "$folder"/objects/*
cc -c "$folder/leak.c" -o "$folder/objects/leak_avx2.c.o"
if ! sh "$root/tools/check_isa_objects.sh" "$folder/objects" >/dev/null; then
    echo "check_isa_objects.sh sees a leak where there is none"
    failures=$((failures + 1))
fi
if sh "$root/tools/check_isa_objects.sh" "$folder/objects" false >/dev/null; then
    echo "check_isa_objects.sh passes objects that nm cannot read"
    failures=$((failures + 1))
fi
rm "$folder"/objects/*
if sh "$root/tools/check_isa_objects.sh" "$folder/objects" >/dev/null; then
    echo "check_isa_objects.sh passes where there is no object"
    failures=$((failures + 1))
fi

# A version that is another one in each of its places.
mkdir -p "$folder/version/include" "$folder/version/bindings/python" \
    "$folder/version/bindings/node"
for place in none CMakeLists.txt CHANGELOG.md include/grating.h grating.pc \
    gratingConfigVersion.cmake bindings/python/pyproject.toml bindings/node/package.json grating; do
    at=$folder/version
    cp "$root/CMakeLists.txt" "$root/CHANGELOG.md" "$at/"
    cp "$root/include/grating.h" "$at/include/"
    cp "$root/bindings/python/pyproject.toml" "$at/bindings/python/"
    cp "$root/bindings/node/package.json" "$at/bindings/node/"
    version=$(sed -n 's/^project(grating VERSION \([0-9.]*\).*/\1/p' "$root/CMakeLists.txt")
    echo "Version: $version" >"$at/grating.pc"
    echo "set(PACKAGE_VERSION \"$version\")" >"$at/gratingConfigVersion.cmake"
    printf '#!/bin/sh\necho grating %s\n' "$version" >"$at/grating"
    chmod +x "$at/grating"
    [ $place = none ] || sed -i "s/\(VERSION_MINOR *\|[^0-9.]0\.\)[0-9][0-9]*/\19/" "$at/$place"
    differs=0
    sh "$root/tools/check_version.sh" "$at" "$at" >/dev/null || differs=1
    [ $differs = "$([ $place = none ] && echo 0 || echo 1)" ] || {
        echo "check_version.sh says $differs where $place differs"
        failures=$((failures + 1))
    }
done

# A library that exports more than the header, and one that exports less.
mkdir "$folder/include"
echo 'GRT_API int grt_a(void);' >"$folder/include/grating.h"
for exports in 'int grt_a(void) { return 1; } int grt_b(void) { return 1; }' 'int grt_c;' \
    'int grt_a(void) { return 1; }'; do
    echo "$exports" >"$folder/exports.c"
    cc -shared -fPIC "$folder/exports.c" -o "$folder/exports.so"
    last=0
    sh "$root/tools/check_symbols.sh" "$folder" "$folder/exports.so" >/dev/null || last=1
    wrong="${wrong:-}$last"
done
if [ "$wrong" != 110 ]; then
    echo "check_symbols.sh says $wrong, not 110"
    failures=$((failures + 1))
fi
echo "$failures checks that cannot fail"
[ "$failures" -eq 0 ]
