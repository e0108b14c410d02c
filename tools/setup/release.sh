# release.sh - sourced by ./test: building and installing as users do.

# As users build it: nothing is warned of, a shared library exports what the header says, and an
# installation works.  clang's warnings do not depend on optimisation.
run_release() {
    echo "Building as users do ..."
    log=$(mktemp)
    if ! { configure_in build-shared -S . -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
               -DGRT_DUVISOR=OFF -DCMAKE_C_FLAGS=-Werror &&
           cmake --build build-shared -j "$jobs" &&
           configure_in build-clang -S . -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang \
               -DGRT_DUVISOR=OFF -DCMAKE_C_FLAGS=-Werror -DCMAKE_C_FLAGS_RELEASE=-DNDEBUG &&
           cmake --build build-clang -j "$jobs"; } >"$log" 2>&1; then
        tail -60 "$log" >&2
        rm -f "$log"
        echo "./test: a Release build fails or warns" >&2
        exit 1
    fi
    rm -f "$log"
    sh tools/check_symbols.sh . build-shared/libgrating.so
    sh tests/install/check_install.sh "$PWD" "$PWD/build-shared"
}
