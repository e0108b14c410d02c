#!/usr/bin/env python3
"""Packs one program as the first file system of Linux: /init, /dev and /dev/console.

usage: pack.py PROGRAM ARCHIVE

The format is cpio's "newc" (Documentation/driver-api/early-userspace/buffer-format.rst)."""
import pathlib
import sys

DIRECTORY, DEVICE, PROGRAM = 0o040755, 0o020600, 0o100755


def entry(number, name, mode, data=b"", device=(0, 0)):
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def main():
    program, archive = map(pathlib.Path, sys.argv[1:])
    parts = [
        entry(1, "dev", DIRECTORY),
        entry(2, "dev/console", DEVICE, device=(5, 1)),
        entry(3, "init", PROGRAM, program.read_bytes()),
        entry(0, "TRAILER!!!", 0),
    ]
    archive.write_bytes(b"".join(parts))


if __name__ == "__main__":
    main()
