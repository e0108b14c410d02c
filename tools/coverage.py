#!/usr/bin/env python3
"""Lines that were reached, by folder, from a build with --coverage (gcc).

usage: coverage.py BUILD [--missing FOLDER]

A source can be compiled more than once (the command for tests and for users): a line counts
as reached when one of its objects reached it.  --missing lists lines of a folder that none
did."""
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

# What is read from users: the goal for each is 90 %.
READERS = {
    "cli, documents and queries": "cli/frame/documents.c cli/frame/inputs.c cli/frame/lines.c "
                                  "cli/frame/records.c cli/frame/queries.c cli/frame/table.c "
                                  "cli/frame/json.c cli/frame/ids.c cli/frame/options.c",
    "cli, what eval reads": "cli/eval/eval_data.c cli/eval/eval_lines.c cli/eval/eval_records.c "
                            "cli/eval/eval_judgements.c cli/eval/eval_run.c "
                            "cli/eval/eval_source.c cli/eval/names.c cli/eval/eval_bm25.c",
    "cli, traces": "cli/plot/trace_read.c cli/plot/chart.c",
}


def lines_of(counts, root):
    """(file, line, times) of one object's .gcda."""
    out = subprocess.run(["gcov", "--json-format", "--stdout", str(counts)],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    found = []
    for text in out.splitlines():
        for entry in json.loads(text)["files"]:
            path = os.path.normpath(os.path.join(counts.parent, entry["file"])) \
                if not os.path.isabs(entry["file"]) else os.path.normpath(entry["file"])
            path = relative(path, root)
            if path:
                found += [(path, line["line_number"], line["count"]) for line in entry["lines"]]
    return found


def relative(path, root):
    """The path below the sources' root: objects know it relative to some folder of theirs."""
    for name in ("src/", "cli/", "wire/", "serve/"):
        for start in (f"{root}/{name}", f"/{name}"):
            at = path.rfind(start)
            if at >= 0:
                below = path[at + len(start) - len(name):]
                if (root / below).is_file():
                    return below
    return None


def folder_of(path):
    parts = pathlib.PurePath(path).parts
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def ranges(numbers):
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in out)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    root = pathlib.Path(__file__).resolve().parent.parent
    lines = collections.defaultdict(dict)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for found in pool.map(lambda p: lines_of(p, root), sorted(build.rglob("*.gcda"))):
            for path, number, count in found:
                lines[path][number] = max(count, lines[path].get(number, 0))
    if len(sys.argv) > 3:
        for path in sorted(lines):
            missing = [n for n, count in lines[path].items() if not count]
            if path.startswith(sys.argv[3]) and missing:
                print(f"{path}: {ranges(missing)}")
        return
    rows = collections.defaultdict(lambda: [0, 0])
    for path, counts in lines.items():
        own = [name for name, files in READERS.items() if path in files.split()]
        for name in [folder_of(path), *own]:
            rows[name][0] += len(counts)
            rows[name][1] += sum(1 for count in counts.values() if count)
    print(f"{'folder':30} {'lines':>7} {'reached':>8} {'share':>8}")
    for name in sorted(rows, key=lambda n: (", " in n, n)):
        total, reached = rows[name]
        print(f"{name:30} {total:7} {reached:8} {100 * reached / total:6.1f} %")


if __name__ == "__main__":
    main()
