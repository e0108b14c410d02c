#!/bin/sh
# Runs a program on the machine or on QEMU, and compares what it prints with the stored
# output, which QEMU made; a program that fails, or does not end, fails.
#
# usage: check_program.sh native|plain|qemu DUVISOR PROGRAM.elf EXPECTED.txt [HARTS]
set -eu
platform=$1 duvisor=$2 program=$3 expected=$4 harts=${5:-1}
got=$(mktemp)
trap 'rm -f "$got"' EXIT

case "$platform" in
native) "$duvisor" run "$program" --harts "$harts" --limit 400 >"$got" ;;
plain) "$duvisor" run "$program" --harts "$harts" --limit 400 --plain >"$got" ;;
qemu)
    if ! command -v qemu-system-riscv64 >/dev/null 2>&1; then
        echo "SKIP no qemu-system-riscv64 (Debian: qemu-system-misc)"
        exit 0
    fi
    timeout 50 "$(dirname "$0")/qemu.sh" "$harts" -bios "$program" >"$got"
    ;;
esac
diff -u "$expected" "$got"
