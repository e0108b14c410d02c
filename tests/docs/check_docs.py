#!/usr/bin/env python3
"""Runs every command of README.md, CONTRIBUTING.md and docs/ as it is printed.

usage: check_docs.py SOURCE_DIR BUILD_DIR [PAGE...]

In a code block a line that begins with "$ " is a command; lines below it are what it prints.  Each
page has a folder of its own, with what a reader has: the tree, texts of examples/ by the names that
pages use, and models (tiny ones stand in for those that are downloaded).  A command must succeed; what is
printed below it must come out, line for line, numbers and the order of lines apart, which differ
between CPUs; "..." stands for the rest of a line, or for lines.

    <!-- not run: REASON -->

before a block leaves it out, and the reason is printed.  A line that looks like a command must be
one or be left out so.  Some commands are looked at instead of run: of ctest, that its expression
names tests; of ./test, that its word is in the help; of ./fuzz, that it has a help; of make, that there is such a target."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

MARK = re.compile(r"<!-- not run: (.*?) -->\s*$")
WORDS = re.compile(r"(grating|duvisor|\./test|\./fuzz|\./demo|make|cmake|ctest|python3|pip|npm|sh|cc|git|awk"
                   r"|cd|cp|printf|echo|sudo|build/\S+|build-dev/\S+|tools/\S+\.(?:py|sh)|\S+\.py)(\s|$)")
NUMBER = re.compile(r"[-+]?\d[\d,.]*\+?")
SECONDS = 120
# What stands in for models that are downloaded: name in the page's folder, golden case.
FILES = {"Qwen3-Reranker-0.6B-Q8_0.gguf": "qwen3-gguf-q8_0/model.gguf"}
HUB = {"BAAI/bge-reranker-v2-m3": "roberta-f32", "cross-encoder/ms-marco-MiniLM-L6-v2": "bert-f32"}


# ---- Pages ----

class Block:
    def __init__(self, line, reason):
        self.line, self.reason, self.lines = line, reason, []


def blocks_of(text):
    """Code blocks: indented by four after an empty line, or between fences; those of C are left out."""
    found, block, reason, fence, last = [], None, None, None, ""
    for number, line in enumerate(text.split("\n"), 1):
        mark = MARK.match(line)
        if line.startswith("```"):
            if fence is None:
                fence = line[3:].strip()
                block = Block(number, reason)
                if fence in ("", "sh", "console"):
                    found.append(block)
            else:
                fence = block = reason = None
        elif fence is not None:
            block.lines.append((number, line))
        elif line.startswith("    ") and (block or not last.strip() or MARK.match(last)):
            if block is None:
                block = Block(number, reason)
                found.append(block)
            block.lines.append((number, line[4:]))
        elif line.strip():
            block, reason = None, mark[1] if mark else None
        elif block:
            block.lines.append((number, ""))
        last = line
    return found


def commands_of(block):
    """(line number, command, lines it prints) of each; and lines that are none but look so."""
    commands, strays = [], []
    continues = False
    for number, line in block.lines:
        if continues:
            commands[-1][1] += "\n" + line
        elif line.startswith("$ "):
            commands.append([number, line[2:], []])
        elif commands:
            commands[-1][2].append(line)
        elif WORDS.match(line):
            strays.append((number, line))
        continues = line.endswith("\\") and (continues or line.startswith("$ "))
    return commands, strays


# ---- A reader's folder ----

def link(source, name, folder):
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


def furnish(folder, source, build):
    for name in ("docs", "examples", "models", "tools", "tests", "include", "test", "demo", "Makefile",
                 "CMakePresets.json"):
        link(source / name, name, folder)
    for name in ("build", "build-dev"):
        link(build, name, folder)
    for path in (source / "examples").glob("*.[tcj]*"):
        shutil.copy(path, folder / path.name)
    shutil.copy(source / "examples/demo/passages.jsonl", folder / "passages.jsonl")
    shutil.copytree(source / "examples/notes", folder / "notes")
    golden = source / "tests/data/golden"
    for name, case in FILES.items():
        link(golden / case, name, folder)
    for name, case in HUB.items():
        cache = folder / ".cache/huggingface/hub" / ("models--" + name.replace("/", "--"))
        link(golden / case, "snapshots/0a1b", cache)
        (cache / "refs").mkdir()
        (cache / "refs/main").write_text("0a1b")


def environment(folder, build):
    kept = {k: v for k, v in os.environ.items()
            if not k.startswith(("HF_", "GRATING_", "OLLAMA_", "XDG_", "HUGGINGFACE_"))}
    return {**kept, "HOME": str(folder), "PATH": "%s:%s" % (build, kept["PATH"]), "LC_ALL": "C.UTF-8"}


# ---- Running ----

def normal(line):
    return " ".join(NUMBER.sub("#", line).split())


def missing_lines(wanted, printed):
    """Lines that should have come out and did not."""
    have = [normal(line) for line in printed.splitlines()]
    for line in wanted:
        text = normal(line)
        if text in ("", "..."):
            continue
        start = text[:-3].rstrip() if text.endswith("...") else None
        match = next((h for h in have if (h.startswith(start) if start is not None else h == text)), None)
        if match is None:
            yield line
        else:
            have.remove(match)


def adapted(command, source):
    """The command, or what is looked at in its place."""
    words = command.split()
    if words[0] == "ctest":
        return re.sub(r"\s#\s.*", "", command) + " -N | tee /dev/stderr | grep -q '^Total Tests: [1-9]'"
    if words[0] == "make":
        return "make -n " + " ".join(words[1:])
    if words[0] == "./test":
        word = words[1] if len(words) > 1 and words[1] != "#" else "(nothing)"
        text = (source / "test").read_text(encoding="utf-8")
        return "true" if "\n  %s " % word in text else "echo './test has no %s' >&2; false" % word
    if words[0] == "./fuzz":
        return "sh %s/fuzz --help" % source
    return command


def run(command, wanted, folder, env, source):
    """What is wrong, or None."""
    try:
        done = subprocess.run(["sh", "-c", adapted(command, source)], cwd=folder, env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "takes more than %d s" % SECONDS
    if done.returncode:
        return "exit code %d: %s" % (done.returncode, done.stdout.strip()[-600:])
    missing = list(missing_lines(wanted, done.stdout))
    if missing:
        return "does not print: %s\nbut:\n%s" % (missing[0], done.stdout[:2000])
    return None


def check_page(page, source, build):
    """(faults, commands run)."""
    faults, n_run, shown = [], 0, os.path.relpath(page, source)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        furnish(folder, source, build)
        env = environment(folder, build)
        for block in blocks_of(page.read_text(encoding="utf-8")):
            commands, strays = commands_of(block)
            where = "%s:%d" % (shown, block.line)
            if block.reason is not None:
                print("SKIP %s: %s" % (where, block.reason))
                continue
            faults += ["%s:%d: %s: a command without \"$ \", or a block to leave out" % (
                shown, n, line) for n, line in strays]
            for number, command, wanted in commands:
                fault = run(command, wanted, folder, env, source)
                n_run += 1
                if fault:
                    faults.append("%s:%d: %s\n    %s" % (shown, number, command, fault.replace("\n", "\n    ")))
    return faults, n_run


def main():
    source, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    pages = [pathlib.Path(p).resolve() for p in sys.argv[3:]]
    if not pages:
        pages = [source / "README.md", source / "CONTRIBUTING.md", *sorted((source / "docs").rglob("*.md"))]
    faults, total = [], 0
    for page in pages:
        found, n = check_page(page, source, build)
        faults, total = faults + found, total + n
    print("\n".join(faults) if faults else "%d commands run as printed" % total)
    return 1 if faults or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
