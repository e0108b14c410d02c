#!/bin/sh
# Boots OpenSBI and Linux on the machine: init must run, and the instruction counts of KVM's
# round trips must be within 0.5 % of the stored ones, which QEMU made.  Where QEMU is there
# it boots the same image, and the whole console text must be the same but for the lines below.
#
# usage: check_linux.sh DUVISOR IMAGE INITRD EXPECTED
set -eu
duvisor=$1 image=$2 initrd=$3 expected=$4
here=$(cd "$(dirname "$0")" && pwd)
firmware=/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

[ -f "$image" ] || { echo "SKIP no Linux image; duvisor/guests/linux/build.sh makes it"; exit 0; }
[ -f "$firmware" ] || { echo "SKIP no OpenSBI (Debian: opensbi)"; exit 0; }

# Times go; what OpenSBI says of event counters, and the memory that depends on the size of
# the device tree, differ for a reason (duvisor/docs/decisions.md).
normal() {
    sed -e 's/\r$//' -e 's/^\[ *[0-9.]*\] //' \
        -e '/^Boot HART MHPM Count/d' -e '/^Memory: .* available/d' "$1"
}
# "NAME COUNT" of both files: every count within 0.5 % of the other's.
compare_counts() {
    awk 'NR == FNR { want[$2] = $3; n++; next }
         { got++; d = $3 - want[$2]; if (d < 0) d = -d
           if (!($2 in want) || d > want[$2] / 200) { print "differs: " $0 ", not " want[$2]; bad = 1 } }
         END { if (got != n) { print got " counts, not " n; bad = 1 }; exit bad }' "$1" "$2"
}
counts() { grep '^kvm [a-z-]* [0-9.]*$' || true; }

"$duvisor" run "$firmware" --kernel "$image" --initrd "$initrd" --append console=ttyS0 \
    --limit 1000 >"$folder/native"
normal "$folder/native" >"$folder/native.text"
counts <"$folder/native.text" >"$folder/native.counts"
cat "$folder/native.counts"
grep -q '^init: done$' "$folder/native.text"
compare_counts "$expected" "$folder/native.counts"

command -v qemu-system-riscv64 >/dev/null 2>&1 || exit 0
timeout 100 "$here/qemu.sh" 1 -bios "$firmware" -kernel "$image" -initrd "$initrd" \
    -append console=ttyS0 >"$folder/qemu"
normal "$folder/qemu" >"$folder/qemu.text"
counts <"$folder/qemu.text" >"$folder/qemu.counts"
compare_counts "$folder/qemu.counts" "$folder/native.counts"
grep -v '^kvm [a-z-]* [0-9.]*$' "$folder/qemu.text" >"$folder/a"
grep -v '^kvm [a-z-]* [0-9.]*$' "$folder/native.text" >"$folder/b"
diff "$folder/a" "$folder/b"
