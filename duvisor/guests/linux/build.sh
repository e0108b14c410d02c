#!/bin/sh
# Builds the Linux kernel of Debian's package linux-source-6.1 for the machine, at low
# priority, into a folder of its own; nothing is done when it is there already.
#
# usage: build.sh [FOLDER]   (default: build-linux below the repository's root, where the
# tests look for it)
#
# Needs: linux-source-6.1 clang lld llvm make flex bison bc xz-utils, and gcc for the
# programs that the kernel's build itself runs.  About 3 minutes of one core.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../../../build-linux}
source=/usr/src/linux-source-6.1.tar.xz
jobs=${JOBS:-2}

[ -f "$source" ] || { echo "build.sh: no $source; install linux-source-6.1" >&2; exit 1; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
stamp=$(cat "$here/config" "$source" | sha256sum | cut -c1-16)
if [ -f "$out/Image" ] && [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ]; then
    exit 0
fi
make_linux() {
    # A fixed builder and date: equal sources give equal images.
    nice -n 19 make -s -C "$out/linux-source-6.1" O="$out/objects" -j "$jobs" ARCH=riscv \
        LLVM=1 HOSTCC=gcc KBUILD_BUILD_USER=duvisor KBUILD_BUILD_HOST=duvisor \
        KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' "$@"
}
rm -f "$out/stamp"
[ -f "$out/linux-source-6.1/Makefile" ] || tar -C "$out" -xf "$source"
mkdir -p "$out/objects"
make_linux tinyconfig
cat "$here/config" >>"$out/objects/.config"
make_linux olddefconfig
# An option that was dropped would show much later, as a kernel that stays silent.
grep '^CONFIG_[A-Z0-9_]*=y' "$here/config" | while read -r line; do
    grep -qx "$line" "$out/objects/.config" || {
        echo "build.sh: the kernel's configuration dropped $line" >&2
        exit 1
    }
done
make_linux Image vmlinux
cp "$out/objects/arch/riscv/boot/Image" "$out/Image"
cp "$out/objects/vmlinux" "$out/vmlinux"
echo "$stamp" >"$out/stamp"
echo "built $out/Image"
