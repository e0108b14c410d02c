#!/usr/bin/env python3
"""Fails on what our C never holds: banned calls, too long files or functions, stray bytes.

usage: check_source.py [ROOT]"""
import pathlib
import re
import sys

MAX_FILE_LINES = 1200
MAX_FUNCTION_LINES = 100
# call -> files of src/ that may hold it (None: none)
ONLY_IN = {
    "malloc": set(), "calloc": set(), "realloc": set(),
    "aligned_alloc": {"os/posix.c"}, "posix_memalign": set(), "strdup": set(),
    "strndup": set(), "getline": set(),
    # utf8proc hands out memory of its own
    "free": {"os/posix.c", "tokenizer/bpe.c", "tokenizer/normalise.c"},
    "open": {"os/posix.c", "os/linux.c", "os/linux_limits.c"}, "openat": set(),
    "creat": set(), "mmap": {"os/posix.c"}, "grt_os_block_new": {"os/os.h", "os/posix.c", "os/windows.c", "base/memory.c"},
    "grt_os_pages_new": {"os/os.h", "os/posix.c", "os/windows.c", "base/memory.c"},
    "fopen": set(), "fdopen": set(), "freopen": set(), "pread": {"os/posix.c"}, "fread": set(),
    "opendir": {"os/posix.c"}, "stat": {"os/posix.c"}, "fstat": {"os/posix.c"},
    "getenv": {"base/cpu.c", "os/posix.c", "os/windows.c"}, "secure_getenv": set(), "setenv": set(),
    "printf": set(), "puts": set(), "fprintf": set(), "putchar": set(), "vprintf": set(),
    "vfprintf": set(), "dprintf": set(), "fputs": set(), "fputc": set(), "fwrite": set(),
    "perror": set(),
    "exit": set(), "abort": set(), "_exit": set(),
}
NEVER = ["strcpy", "stpcpy", "strcat", "sprintf", "vsprintf", "asprintf", "vasprintf", "gets",
         "atoi", "atol", "atof", "alloca", "strtok", "rand", "system", "popen"]
CALL = re.compile(r"(?<![\w.>])([a-z_][a-z0-9_]*)\s*\(")


def strip(text):
    """The text with comments and literals blanked, line breaks kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, blank, text, flags=re.S)


def check_calls(path, name, code):
    for number, line in enumerate(code.splitlines(), 1):
        for call in CALL.findall(line):
            if call in NEVER:
                yield f"{path}:{number}: {call}() is never used here"
            elif name.startswith("src/") and call in ONLY_IN and \
                    name[len("src/"):] not in ONLY_IN[call]:
                yield f"{path}:{number}: {call}() belongs elsewhere (see tools/check_source.py)"


def check_sizes(path, code):
    lines = code.splitlines()
    if len(lines) > MAX_FILE_LINES:
        yield f"{path}: {len(lines)} lines, at most {MAX_FILE_LINES}"
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start is not None:
            if number - start > MAX_FUNCTION_LINES:
                yield f"{path}:{start}: a function of {number - start} lines"
            start = None


def check_bytes(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        if any(ord(c) > 126 or (ord(c) < 32 and c != "\t") for c in line):
            yield f"{path}:{number}: a character that is not ASCII"
        if "\t" in line:
            yield f"{path}:{number}: a tab"
        if line != line.rstrip():
            yield f"{path}:{number}: white space at the end"
        if re.search(r"\b(TODO|FIXME|XXX)\b(?! *#\d)", line):
            yield f"{path}:{number}: a note for later without an issue number"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    bad = []
    for folder in ("include", "src", "wire", "cli", "serve", "tests", "bench", "duvisor"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".c", ".h", ".inc"):
                continue
            name = path.relative_to(root).as_posix()
            text = path.read_text(encoding="utf-8")
            code = strip(text)
            bad += check_calls(path, name, code)
            bad += check_sizes(path, code)
            bad += check_bytes(path, text)
    print("\n".join(bad) if bad else "sources hold nothing banned")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
