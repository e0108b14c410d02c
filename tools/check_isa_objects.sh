#!/bin/sh
# Fails when an object built for one instruction set defines a function that is not named for
# it: such code could run before the CPU was asked.
#
# usage: check_isa_objects.sh BUILD_DIR [NM] (no such object there is a failure, too)
nm=${2:-nm}
status=0
count=0
for object in $(find "$1" -name '*_avx*.c.o' -o -name '*_amx*.c.o' -o -name '*_neon*.c.o'); do
    isa=$(basename "$object" .c.o | sed 's/.*_\(avx\|amx\|neon\)/\1/')
    names=$("$nm" --defined-only --extern-only "$object") || status=1
    leaks=$(echo "$names" | awk '{print $3}' |
        grep -v -e "_$isa\$" -e '^__' -e '^_\?asan' -e '^$')
    if [ -n "$leaks" ]; then
        echo "$object defines:" $leaks
        status=1
    fi
    count=$((count + 1))
done
echo "$count objects checked"
[ "$count" -gt 0 ] || status=1
exit $status
