#!/usr/bin/env python3
"""Fails when code outside src/compute looks inside what a device holds.

usage: check_rows.py [ROOT]

Rows and weights are handles (src/compute/rows.h): behind them may be memory that the host cannot
see.  Outside compute/ nobody reads or fills their members; and in models/ and rank/, which handle
rows, every pointer to floats is one of the host's values that are named below, and no cast makes
another."""
import pathlib
import re
import sys

# Values that the host computes with itself: what a download fills, and what is read while a
# checkpoint is opened.
HOST_VALUES = {
    "scores": "of candidates",
    "logits": "of a result",
    "out": "scores, or values read from a checkpoint",
    "priors": "of a request",
    "pooled": "states that a readout or a calibration reads",
    "features": "made of pooled states",
    "own": "features of one sequence",
    "stored": "hidden states in the row store, for grt_op_borrow",
    "values": "of a part, while a checkpoint is opened",
    "others": "likewise",
    "dst": "likewise",
    "divisors": "of rotary angles, likewise",
    "heads": "of layers, likewise",
    "score": "the head of a decoder, likewise",
    "no": "likewise",
    "zeros": "likewise",
}
ROW_FOLDERS = {"models", "rank"}

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
INSIDE = re.compile(r"(\.|->)\s*inside\b")
FILLED = re.compile(r"\(\s*(const\s+)?grt_(rows|weight|space)\s*\)\s*\{\s*(?!0?\s*\})")
FLOATS = re.compile(r"\bfloat\s*(?:const\s*)?(?=\*)")
NAME = re.compile(r"\s*\*[\s*]*(?:(?:const|restrict)\s+)*(\w+)\s*(?:\[[^\]]*\])?\s*")
CAST = re.compile(r"(?:\b(\w+)\s*=\s*)?\(\s*(?:const\s+)?(?:float|void|(?:unsigned\s+)?char|double)"
                  r"\s*(?:const\s*)?\*\s*\)\s*[(\w&]")


def names_of(declared):
    """Names in "*a, *b" up to the first that is no further pointer."""
    while found := NAME.match(declared):
        yield found[1]
        declared = declared[found.end():]
        if not declared.startswith(","):
            return
        declared = declared[1:]


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def check_file(path, folder):
    # comments become as many empty lines
    text = COMMENT.sub(lambda c: "\n" * c[0].count("\n"), path.read_text(encoding="utf-8"))
    for pattern in (INSIDE, FILLED):
        for found in pattern.finditer(text):
            yield f"{path}:{line_of(text, found.start())}: looks inside a handle of compute/rows.h"
    if folder not in ROW_FOLDERS:
        return
    for found in FLOATS.finditer(text):
        for name in names_of(text[found.end():]):
            if name not in HOST_VALUES:
                yield (f"{path}:{line_of(text, found.start())}: float *{name}: rows are grt_rows; "
                       "values of the host are named in tools/check_rows.py")
    for found in CAST.finditer(text):
        if found[1] not in HOST_VALUES:
            yield (f"{path}:{line_of(text, found.start())}: a cast that may make a pointer of a "
                   "device's memory")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".") / "src"
    bad = []
    for path in sorted(root.rglob("*")):
        folder = path.relative_to(root).parts[0]
        if path.suffix in (".c", ".h", ".inc") and folder != "compute":
            bad += check_file(path, folder)
    print("\n".join(bad) if bad else "nobody outside compute/ looks inside rows")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
