#!/usr/bin/env python3
"""Fails when a folder includes a folder it may not know.

usage: check_layers.py [ROOT]

Data flows one way (docs/ARCHITECTURE.md): each folder of src/ may include itself, the public
header and the folders below.  The command sees the public header and wire/ only (its benchmark
also src/api/experiment.h, `serve` also serve/): each of its folders may include itself and
frame/, and no file lies outside them."""
import pathlib
import re
import sys

ALL = {"os", "base", "io", "formats", "tokenizer", "compute", "stream", "models", "profile",
       "select", "rank", "find",
       "calibrate"}
MAY = {
    "os": set(),
    "base": {"os"},
    "io": {"os", "base"},
    "find": {"os", "base"},
    "tokenizer": {"base"},
    "compute": {"base"},
    "select": {"base"},
    "formats": {"base", "io", "tokenizer"},
    "stream": {"os", "base", "io"},
    "models": {"base", "formats", "tokenizer", "compute", "stream"},
    "profile": {"base", "io", "formats", "models"},
    "rank": {"os", "base", "io", "formats", "tokenizer", "compute", "stream", "models", "profile",
             "select"},
    "calibrate": {"base", "io", "formats", "select", "rank", "models", "profile", "stream",
                  "tokenizer"},
    "api": ALL,
}
# Of compute/ other folders see its interface; what this machine's CPU can do is for api/ to tell.
COMPUTE_HEADERS = {"compute/device.h", "compute/rows.h", "compute/unpack.h"}
COMPUTE_MAY_FILES = {"api/machine.c": {"compute/cpu/kernels/kernels.h"}}
COMMAND_MAY = {
    "frame": {"wire"},
    **dict.fromkeys(["rank", "inspect", "doctor", "calibrate", "eval", "bench", "plot", "models"],
                    {"frame", "wire"}),
    "serve": {"frame", "wire", "serve"},
}
COMMAND_MAY_FILES = {"bench": {"api/experiment.h"}}
KNOWN = {*MAY, *COMMAND_MAY, "wire", "serve", ".", ".."}
# Headers that any file of src/ may include: those of C, of the libraries, of the compiler.  What
# an operating system adds is for src/os.
C_HEADERS = {f"{name}.h" for name in
             "assert ctype errno float inttypes limits math stdarg stdatomic stdbool stddef "
             "stdint stdio stdlib string jansson pcre2 utf8proc immintrin arm_neon cpuid".split()}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """Line number and name of each include, without the system's (<sys/stat.h>)."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = INCLUDE.match(line)
        if found and (found[1] == '"' or found[2].split("/")[0] in KNOWN):
            yield number, found[2]


def sources(folder):
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".c", ".h", ".inc"):
            yield path


def check_library(root):
    for path in sources(root / "src"):
        here = path.relative_to(root / "src").parts[0]
        if here not in MAY:
            yield f"{path}: folder src/{here} is not in the table of tools/check_layers.py"
            continue
        for number, name in includes(path):
            there = name.split("/")[0]
            if ".." in name.split("/"):
                yield f"{path}:{number}: {name} goes around the table with '..'"
            elif "/" in name and there != here and there not in MAY[here]:
                yield f"{path}:{number}: src/{here} may not include src/{there}"
            elif there == "compute" != here and name not in COMPUTE_HEADERS and \
                    name not in COMPUTE_MAY_FILES.get(
                        path.relative_to(root / "src").as_posix(), ()):
                yield f"{path}:{number}: {name} is for compute/ only"


def check_system_headers(root):
    for path in sources(root / "src"):
        if path.relative_to(root / "src").parts[0] == "os":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if found and found[1] == "<" and found[2] not in C_HEADERS and \
                    found[2].split("/")[0] not in KNOWN:
                yield f"{path}:{number}: <{found[2]}> is for src/os; call os/os.h"


def check_command(root):
    for path in sources(root / "cli"):
        parts = path.relative_to(root / "cli").parts
        if len(parts) == 1:
            continue  # check_command_places names it
        here = parts[0]
        for number, name in includes(path):
            there = name.split("/")[0]
            if ".." in name.split("/"):
                yield f"{path}:{number}: {name} goes around the table with '..'"
            elif name == "grating.h" or name in COMMAND_MAY_FILES.get(here, ()):
                continue
            elif there != here and there not in COMMAND_MAY.get(here, ()):
                yield f"{path}:{number}: cli/{here} may not include {name}"


def check_command_places(root):
    for path in sorted((root / "cli").iterdir()):
        if not path.is_dir():
            yield f"{path}: lies in none of the folders of cli/"
        elif path.name not in COMMAND_MAY:
            yield f"{path}: folder cli/{path.name} is not in the table of tools/check_layers.py"


def check_wire(root):
    for path in sources(root / "wire"):
        for number, name in includes(path):
            if name != "grating.h" and not re.fullmatch(r"wire/\w+\.h", name):
                yield f"{path}:{number}: wire/ may include grating.h only, not {name}"


# Of serve/ only http.h's own files know the library behind it.
HTTP_FILES = {"http.c", "http_connections.c", "http_private.h"}


def check_serve(root):
    for path in sources(root / "serve"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            name = found[2]
            if found[1] == '"' and name != "grating.h" and \
                    not re.fullmatch(r"(serve|wire)/\w+\.h", name):
                yield f"{path}:{number}: serve/ may include grating.h and wire/, not {name}"
            elif name in ("microhttpd.h", "serve/http_private.h") and \
                    path.name not in HTTP_FILES:
                yield f"{path}:{number}: {name} is for http.c; include serve/http.h"


# duvisor/ has folders of its own; what of src/ they may know is listed too.
DUVISOR_MAY = {
    "rv": set(),
    "machine": {"rv", "base"},
    "command": {"machine", "rv", "base", "io", "frame"},
    "guests": {"rv"},
    "tests": {"rv", "machine", "base", "io"},
}


def check_duvisor(root):
    for path in sources(root / "duvisor"):
        here = path.relative_to(root / "duvisor").parts[0]
        if here not in DUVISOR_MAY:
            yield f"{path}: folder duvisor/{here} is not in the table of tools/check_layers.py"
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found or found[1] != '"':
                continue
            there = found[2].split("/")[0] if "/" in found[2] else here
            if there != here and there not in DUVISOR_MAY[here]:
                yield f"{path}:{number}: duvisor/{here} may not include {found[2]}"


def check_table(root):
    """The table of docs/ARCHITECTURE.md says the same as MAY."""
    page = root / "docs" / "ARCHITECTURE.md"
    above = set()
    for line in page.read_text(encoding="utf-8").splitlines() if page.exists() else ():
        row = re.match(r"\| `src/(\w+)/` \|.*\| ([\w, ]*) ?\|$", line)
        if not row:
            continue
        said = {"all above": above, "all": ALL}.get(row[2].strip())
        if said is None:
            said = set(filter(None, row[2].replace(" ", "").split(",")))
        if said != MAY.get(row[1]):
            yield f"{page}: src/{row[1]}/ may include other folders by {pathlib.Path(__file__).name}"
        above = above | {row[1]}


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    checks = (check_library, check_system_headers, check_command, check_command_places, check_wire,
              check_serve, check_duvisor, check_table)
    bad = [problem for check in checks for problem in check(root)]
    print("\n".join(bad) if bad else "folders include only what they may")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
