#!/usr/bin/env python3
"""Fails when docs/troubleshooting.md quotes a message that no source says.

usage: check_messages.py SOURCE_DIR [PAGE]

Messages stand in backticks in the first column of its tables; numbers and "..." in them stand for
anything."""
import pathlib
import re
import sys

LITERAL = re.compile(r'"((?:\\.|[^"\\\n])*)"(?:\s*"((?:\\.|[^"\\\n])*)")*')
PIECE = re.compile(r'"((?:\\.|[^"\\\n])*)"')


def said(source):
    """All texts of the command and the library, literals that follow each other joined."""
    texts = []
    for folder in ("cli", "serve", "src", "wire"):
        for path in sorted((source / folder).rglob("*.c")):
            code = re.sub(r"/\*.*?\*/", " ", path.read_text(encoding="utf-8"), flags=re.S)
            texts += ["".join(PIECE.findall(found[0])) for found in LITERAL.finditer(code)]
    return "\n".join(texts)


def fragments(page):
    """(line number, words that some source must say) of each message."""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        column = line.split("|")[1] if line.startswith("|") else ""
        for message in re.findall(r"`([^`]+)`", column):
            parts = [p.strip() for p in re.split(r"\.\.\.|[A-Z]{2,}$|\d+(?:\.\d+)?(?: MiB)?", message)]
            yield from ((number, part) for part in parts if len(part) > 3)


def main():
    source = pathlib.Path(sys.argv[1])
    page = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else source / "docs/troubleshooting.md"
    texts, found = said(source), list(fragments(page))
    missing = [f"{page}:{n}: no source says \"{part}\"" for n, part in found if part not in texts]
    print("\n".join(missing) if missing else "%d parts of messages are in the sources" % len(found))
    return 1 if missing or not found else 0


if __name__ == "__main__":
    sys.exit(main())
