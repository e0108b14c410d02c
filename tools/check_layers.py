#!/usr/bin/env python3
"""Fails when a folder includes a folder it may not know.

usage: check_layers.py [ROOT]

Data flows one way (docs/ARCHITECTURE.md): each folder of src/ may include itself, the public
header and the folders below; the command sees the public header only."""
import pathlib
import re
import sys

ALL = {"base", "io", "formats", "tokenizer", "kernels", "stream", "models", "select", "rank",
       "calibrate"}
MAY = {
    "base": set(),
    "io": {"base"},
    "tokenizer": {"base"},
    "kernels": {"base"},
    "select": {"base"},
    "formats": {"base", "io", "tokenizer"},
    "stream": {"base", "io"},
    "models": {"base", "formats", "tokenizer", "kernels", "stream"},
    "rank": {"base", "formats", "tokenizer", "kernels", "stream", "models", "select"},
    "calibrate": {"base", "io", "formats", "select", "rank", "models", "kernels", "stream",
                  "tokenizer"},
    "api": ALL,
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def includes(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield number, found[1]


def check_library(root):
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".c", ".h", ".inc"):
            continue
        here = path.relative_to(root / "src").parts[0]
        if here not in MAY:
            yield f"{path}: folder src/{here} is not in the table of tools/check_layers.py"
            continue
        for number, name in includes(path):
            there = name.split("/")[0]
            if "/" in name and there != here and there not in MAY[here]:
                yield f"{path}:{number}: src/{here} may not include src/{there}"


def check_command(root):
    for path in sorted((root / "cli").glob("*.[ch]")):
        for number, name in includes(path):
            if name != "grating.h" and not (root / "cli" / name).exists():
                yield f"{path}:{number}: the command may include grating.h only, not {name}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    bad = list(check_library(root)) + list(check_command(root))
    print("\n".join(bad) if bad else "folders include only what they may")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
