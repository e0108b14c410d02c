# sources.sh - sourced by ./test: the libraries that grating stands on, from the distribution's
# sources, built for another C library or system and kept in the build folder.

source_packages='jansson pcre2 utf8proc cmocka'

# sources_apt TOOL ARGUMENT...: apt with lists of its own, of the sources of the repositories
# that this machine has, so that its own lists stay as they are; needs no root.
sources_apt() {
    tool=$1
    shift
    "$tool" -qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt" \
        -o APT::Sandbox::User=root "$@"
}

# Into the folder at hand: the packages' sources as their authors published them, unpacked.
fetch_sources() {
    apt=$PWD/apt
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" && : >"$apt/status"
    apt-get indextargets --format '$(ORIGIN)|deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' | sed -n 's/^\(Debian\|Ubuntu\)|//p' | sort -u >"$apt/sources.list"
    # shellcheck disable=SC2086
    sources_apt apt-get update && sources_apt apt-get --download-only --tar-only source $source_packages ||
        return 1
    for package in $source_packages; do
        mkdir "$package" && tar -xf "$package"_*.orig.tar.* -C "$package" --strip-components=1 || return 1
    done
}

# build_source PACKAGE TOOLCHAIN PREFIX OPTION...: one library, static, by its own CMake files.
build_source() {
    package=$1
    toolchain=$2
    prefix=$3
    shift 3
    cmake -S "$package" -B "build-$package" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$toolchain" \
        -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DCMAKE_INSTALL_PREFIX="$prefix" \
        -DCMAKE_INSTALL_LIBDIR=lib "$@" &&
        cmake --build "build-$package" && cmake --install "build-$package"
}

# build_sources TOOLCHAIN PREFIX: all of them.
build_sources() {
    build_source jansson "$1" "$2" -DJANSSON_BUILD_DOCS=OFF -DJANSSON_WITHOUT_TESTS=ON \
        -DJANSSON_EXAMPLES=OFF &&
        build_source pcre2 "$1" "$2" -DPCRE2_BUILD_PCRE2GREP=OFF -DPCRE2_BUILD_TESTS=OFF \
            -DPCRE2_SUPPORT_JIT=ON &&
        build_source utf8proc "$1" "$2" -DUTF8PROC_INSTALL=ON -DUTF8PROC_ENABLE_TESTING=OFF &&
        build_source cmocka "$1" "$2" -DWITH_EXAMPLES=OFF -DUNIT_TESTING=OFF -DWITH_STATIC_LIB=ON || return 1
    # it is built shared in any case; the static one has another name then
    static=$2/lib/libcmocka-static.a
    [ ! -f "$static" ] || { rm -f "$2"/lib/libcmocka.so* && mv "$static" "$2/lib/libcmocka.a"; }
}

# need_sources FOLDER TOOLCHAIN: the libraries in FOLDER/libraries, made where they are not there.
need_sources() {
    [ ! -f "$1/libraries/complete" ] || return 0
    echo "Fetching the sources of$(printf ' %s' $source_packages), and building them in $1 ..."
    rm -rf "$1/sources" "$1/libraries"
    mkdir -p "$1/sources"
    toolchain=$PWD/$2
    prefix=$PWD/$1/libraries
    if ! (cd "$1/sources" && fetch_sources && build_sources "$toolchain" "$prefix") >"$1/sources.log" 2>&1; then
        tail -20 "$1/sources.log" >&2
        return 1
    fi
    rm -rf "$1/sources"
    touch "$1/libraries/complete"
}
