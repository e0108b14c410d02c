#!/usr/bin/env python3
"""Fails on a link or a name of a document that leads nowhere, and on a page that no index names.

usage: check_links.py [ROOT]

Links are those of Markdown, `[text](path#heading)`, to files of this repository; names are
those like docs/ABI.md in any text or source; docs/README.md links to every page of docs/."""
import os
import pathlib
import re
import sys

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```.*?^```|    .*?$)", re.M | re.S)
CODE = re.compile(r"`[^`\n]*`")
NAME = re.compile(r"(?<![\w/.-])docs/[\w/-]+\.(?:md|1|svg)\b")
TEXTS = {".md", ".c", ".h", ".inc", ".py", ".sh", ".cmake", ".txt", ".1", ""}
ELSEWHERE = re.compile(r"[a-z]+:")
LEFT_OUT = {".git", "node_modules", "__pycache__"}
INDEX = pathlib.Path("docs/README.md")


def anchor_of(heading):
    """As hosts of repositories make it: letters, digits and hyphens."""
    kept = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return kept.replace(" ", "-")


def read(path):
    return path.read_text(encoding="utf-8")


def prose(text):
    """The text without code, which may hold brackets of its own."""
    return CODE.sub("", FENCE.sub("", text))


def anchors(text):
    return {anchor_of(line.lstrip("#")) for line in FENCE.sub("", text).splitlines()
            if line.startswith("#")}


def files_of(root, suffixes):
    for folder, names, files in os.walk(root):
        names[:] = sorted(n for n in names if n not in LEFT_OUT and not n.startswith("build"))
        yield from (path for path in (pathlib.Path(folder, name) for name in sorted(files))
                    if path.suffix in suffixes and path.is_file())


def pages(root):
    return files_of(root, {".md"})


def broken(root, page):
    for link in LINK.findall(prose(read(page))):
        if ELSEWHERE.match(link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            yield f"{page.relative_to(root)}: {link}: no such file"
        elif anchor and anchor not in anchors(read(target)):
            yield f"{page.relative_to(root)}: {link}: no such heading"


def missing(root):
    for path in files_of(root, TEXTS):
        for name in NAME.findall(path.read_text(encoding="utf-8", errors="replace")):
            if not (root / name).exists():
                yield f"{path.relative_to(root)}: {name}: no such file"


def unnamed(root):
    index = root / INDEX
    if not index.exists():
        return
    named = {(index.parent / link.partition("#")[0]).resolve()
             for link in LINK.findall(read(index))}
    for page in pages(root / "docs"):
        if page != index and page.resolve() not in named:
            yield f"{page.relative_to(root)}: {INDEX} does not name it"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = [fault for page in pages(root) for fault in broken(root, page)]
    found += [*missing(root), *unnamed(root)]
    print("\n".join(found) if found else "all links lead somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
