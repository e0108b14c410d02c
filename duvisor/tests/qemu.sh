#!/bin/sh
# The reference: QEMU's machine "virt" with what this machine has, and a clock that counts
# instructions.
#
# usage: qemu.sh HARTS ARGUMENT...
harts=$1
shift
features=h=true,f=false,d=false,sstc=false,zba=false,zbb=false,zbc=false,zbs=false
exec qemu-system-riscv64 -M virt -cpu "rv64,$features" -smp "$harts" -m 128M \
    -icount shift=0 -nographic -monitor none -serial stdio "$@" </dev/null
