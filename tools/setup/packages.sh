# packages.sh - sourced by ./demo and ./test: installs Debian or Ubuntu packages that are missing.

# is_installed PACKAGE
is_installed() {
    dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed'
}

# known_among PACKAGE...: prints those that the distribution has.
known_among() {
    for package; do
        if apt-cache show "$package" 2>/dev/null | grep -q '^Package:'; then
            printf ' %s' "$package"
        fi
    done
}

# need_packages PACKAGE...: installs those that are not there, and says which. A name that ends
# in "?" is left out where the distribution does not have it.
need_packages() {
    missing=
    optional=
    for package; do
        case "$package" in
        *\?) is_installed "${package%\?}" || optional="$optional ${package%\?}" ;;
        *) is_installed "$package" || missing="$missing $package" ;;
        esac
    done
    # shellcheck disable=SC2086
    [ -n "$missing" ] || optional=$(known_among $optional)
    [ -n "$missing$optional" ] || return 0
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "These packages are needed and this system has no apt-get to install them:$missing" >&2
        return 1
    fi
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "These packages are needed; install them as root:$missing$optional" >&2
            return 1
        fi
        as_root=sudo
    fi
    echo "Looking for packages ..."
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq || return 1
    # shellcheck disable=SC2086
    missing="$missing$(known_among $optional)"
    echo "Installing:$missing"
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
        echo "apt-get could not install:$missing" >&2
        return 1
    }
}

# Packages that building the library and the command takes.
build_packages='gcc g++ libc6-dev make cmake ninja-build pkg-config libjansson-dev libpcre2-dev libutf8proc-dev libsqlite3-dev? libmicrohttpd-dev?'
