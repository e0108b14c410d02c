# clients.sh - sourced by ./test: clients of rerank services, from npm and PyPI, as they are
# pinned in tests/serve/clients, into build-clients/.

# is_stamped FOLDER FILE...: FOLDER was filled from just these files.
is_stamped() {
    stamped_folder=$1
    shift
    [ "$(cat "$stamped_folder/stamp" 2>/dev/null)" = "$(cat "$@" | cksum)" ]
}

stamp() {
    stamped_folder=$1
    shift
    cat "$@" | cksum >"$stamped_folder/stamp"
}

clients_from_npm() {
    from=tests/serve/clients/node into=build-clients/node
    is_stamped $into $from/package-lock.json && return 0
    command -v npm >/dev/null 2>&1 || {
        echo "SKIP clients from npm: npm is not installed"
        return 0
    }
    echo "Installing clients from npm ..."
    mkdir -p $into
    cp $from/package.json $from/package-lock.json $into/
    if (cd $into && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); then
        stamp $into $from/package-lock.json
    else
        rm -rf $into
        echo "SKIP clients from npm: the registry gives them not (see above)"
    fi
}

# clients_from_pypi GROUP: what cannot be installed together has environments of its own.
clients_from_pypi() {
    from=tests/serve/clients/python/$1.txt into=build-clients/python/$1
    is_stamped "$into" "$from" && return 0
    echo "Installing clients from PyPI: $1 ..."
    if rm -rf "$into" && python3 -m venv --without-pip "$into" &&
        python3 -m pip --python "$into/bin/python" install --quiet --no-compile \
            --disable-pip-version-check --requirement "$from"; then
        stamp "$into" "$from"
    else
        rm -rf "$into"
        echo "SKIP clients from PyPI: $1 cannot be installed (see above)"
    fi
}

install_clients() {
    clients_from_npm
    for list in tests/serve/clients/python/*.txt; do
        clients_from_pypi "$(basename "$list" .txt)"
    done
}

run_clients() {
    echo "Building (release) ..."
    configure_in build -S . -DCMAKE_BUILD_TYPE=Release >/dev/null
    cmake --build build -j "$jobs" --target grating_command >/dev/null
    install_clients
    python3 tests/serve/clients/run.py build/grating build-clients "$@"
    python3 tests/serve/check_proxies.py build/grating .
}
