# arm.sh - sourced by ./test: what the tests for 64-bit Arm take on another machine.

# Debian's cross compiler and an emulator are ordinary packages of this machine's architecture.
arm_packages='gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user'
arm_libraries=build-arm/libraries

arm_is_ready() {
    command -v aarch64-linux-gnu-g++ >/dev/null 2>&1 &&
        command -v qemu-aarch64 >/dev/null 2>&1 && [ -f "$arm_libraries/complete" ]
}

# arm_apt TOOL ARGUMENT...: apt for arm64 with lists of its own, so that this machine's set of
# architectures stays as it is; needs no root.
arm_apt() {
    tool=$1
    shift
    "$tool" -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o APT::Sandbox::User=root -o Dir::State="$apt" -o Dir::State::status="$apt/status" \
        -o Dir::Cache="$apt" "$@"
}

# The packages of the four libraries, with those that hold the shared objects.
arm_library_packages() {
    for package in libjansson-dev libpcre2-dev libutf8proc-dev libcmocka-dev; do
        echo "$package"
        arm_apt apt-cache depends "$package" | sed -n 's/^ *Depends: \(lib[a-z].*\)/\1/p'
    done | grep -v -e '^libc6' | sort -u
}

# In $arm_libraries: downloads the packages and unpacks them.
unpack_arm_libraries() {
    cd "$arm_libraries" || return 1
    apt=$PWD/apt
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" && : >"$apt/status" &&
        arm_apt apt-get update || return 1
    # shellcheck disable=SC2046
    arm_apt apt-get download $(arm_library_packages) || return 1
    for package in *.deb; do
        dpkg -x "$package" . || return 1
    done
    rm -rf "$apt" ./*.deb
    touch complete
}

# The libraries for arm64 in a folder of ours; nothing is installed.
fetch_arm_libraries() {
    [ ! -f "$arm_libraries/complete" ] || return 0
    echo "Fetching libraries for arm64 into $arm_libraries ..."
    rm -rf "$arm_libraries"
    mkdir -p "$arm_libraries"
    (unpack_arm_libraries) >build-arm/fetch.log 2>&1 || {
        rm -rf "$arm_libraries"
        tail -5 build-arm/fetch.log >&2
        return 1
    }
}
