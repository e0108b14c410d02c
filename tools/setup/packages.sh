# packages.sh - sourced by ./demo and ./test: installs Debian or Ubuntu packages that are missing.

# need_packages PACKAGE...: installs those that are not there, and says which.
need_packages() {
    missing=
    for package; do
        if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed'; then
            missing="$missing $package"
        fi
    done
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "These packages are needed and this system has no apt-get to install them:$missing" >&2
        return 1
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "These packages are needed; install them as root:$missing" >&2
            return 1
        fi
        as_root=sudo
    fi
    echo "Installing:$missing"
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || return 1
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

# Packages that building the library and the command takes.
build_packages='gcc g++ libc6-dev make cmake ninja-build pkg-config libjansson-dev libpcre2-dev libutf8proc-dev'
