#!/usr/bin/env python3
"""check_budgets.py COMMAND PEAK SOURCE_DIR - what commands take beside rankings (reading,
statistics, fitting, writing) within --memory, by the peak that the kernel counted: each ends
within its budget, or is refused with a budget that then works."""
import json
import os
import random
import sys
import tempfile

import measured

COMMAND, PEAK, SOURCE = map(os.path.abspath, sys.argv[1:4])
MODELS = {name: os.path.join(SOURCE, "models", name)
          for name in ("grating-mini", "grating-mini-qwen3")}
MODELS["tiny"] = os.path.join(SOURCE, "tests", "data", "golden", "bert-f32")
bad = 0


def run(*arguments, source=None):
    return measured.run(PEAK, [COMMAND, *arguments], source=source)


def complain(name, text):
    global bad
    print(f"FAILED {name}: {text}")
    bad = 1


def check(name, budget, *arguments, source=None, is_refused=None, has_no_end=False):
    """Ends within the budget; what is refused names a budget that works."""
    found = run(*arguments, "--memory", f"{budget}M", source=source)
    print(f"{name}: {found.peak_kib / 1024:.1f} MiB of {budget}, exit code {found.code}, "
          f"{found.ms} ms")
    if found.peak_kib > budget * 1024:
        complain(name, f"{found.peak_kib / 1024:.2f} MiB of {budget}")
    if found.code < 0 or found.code > 1:
        complain(name, f"exit code {found.code}, signal {found.signal}: {found.said}")
    if is_refused is not None and is_refused != (found.code == 1):
        complain(name, f"exit code {found.code}: {found.said}")
    if has_no_end and (not found.has_no_end() or found.ms > 30000):
        complain(name, f"after {found.ms} ms: {found.said}")
    if found.code == 0 or has_no_end:
        return
    named = found.named_mib()
    if not named or named <= budget:
        complain(name, f"no budget is named: {found.said}")
    elif not source:
        again = run(*arguments, "--memory", f"{named}M")
        print(f"{name}: {again.peak_kib / 1024:.1f} MiB of the {named} that were named")
        if again.code != 0 or again.peak_kib > named * 1024:
            complain(name, f"{named} MiB were named: {again.peak_kib / 1024:.1f} MiB, "
                     f"exit code {again.code}, {again.said}")


def write(name, text):
    with open(name, "w") as file:
        file.write(text)


def write_inputs():
    with open(os.path.join(SOURCE, "examples", "demo", "passages.jsonl")) as file:
        texts = [json.loads(line)["text"] for line in file]
    with open("pairs.jsonl", "w") as file:
        for query in range(4):
            documents = [{"text": text, "relevance": int(i % 4 == query)}
                         for i, text in enumerate(texts[:6])]
            file.write(json.dumps({"query": texts[query][:60], "documents": documents})
                       + "\n")
    with open("queries.jsonl", "w") as file:
        for query in range(12):
            documents = [texts[(query * 7 + i) % len(texts)] for i in range(8)]
            file.write(json.dumps({"query": texts[query % len(texts)][:60],
                                   "documents": documents}) + "\n")
    write("short.txt", "".join(f"owls {i}\n" for i in range(300000)))
    write("records.jsonl", "".join(json.dumps({"id": f"d{i}", "text": f"owls hunt {i}"}) + "\n"
                                   for i in range(60000)))
    write("array.json", json.dumps([{"id": i, "text": f"owls {i}"} for i in range(20000)]))
    write("table.csv", "id,text\n" + "".join(f"{i},owls {i}\n" for i in range(60000)))
    random.seed(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    write("word.txt", "".join(random.choices(letters, k=5_000_000)) + "\n")
    write("words.txt", " ".join(random.choices(texts, k=20000)).replace("\n", " ") + "\n")
    line = {"query": "owls", "documents": ["owls hunt at night " * 40] * 6000}
    write("batch.jsonl", json.dumps(line) + "\n")


def check_reading():
    mini, qwen, tiny = (MODELS[name] for name in ("grating-mini", "grating-mini-qwen3", "tiny"))
    rank = ("rank", "-q", "owls", "-k", "3", "--no-progress", "-m")
    check("300,000 lines", 12, *rank, tiny, "short.txt", is_refused=True)
    check("60,000 records", 10, *rank, tiny, "records.jsonl", is_refused=True)
    check("a JSON array", 10, *rank, tiny, "array.json", is_refused=True)
    check("a table", 10, *rank, tiny, "table.csv", is_refused=True)
    check("a word of 5 MB", 56, *rank, qwen, "word.txt", is_refused=False)
    check("a word of 5 MB, WordPiece", 24, *rank, mini, "word.txt", is_refused=False)
    check("a line of words", 64, *rank, qwen, "words.txt", is_refused=False)
    check("a line of a batch", 16, "rank", "--no-progress", "-m", tiny, "--queries",
          "batch.jsonl", is_refused=True)
    check("yes", 32, *rank, mini, source="yes", has_no_end=True)
    check("zeros as queries", 32, "rank", "-m", mini, "--queries", "-",
          source="cat /dev/zero", has_no_end=True)


def check_statistics():
    figures = ("--policies", "none,bound,cluster", "--precision", "0.5,0.9,0.99",
               "-k", "1,2,3,4,5,6,7,8,9,10", "--no-progress")
    # 300 figures, each with 10,000 resamples: 24 MB if all were kept at once.
    check("eval, many figures", 20, "eval", "-m", MODELS["grating-mini"], "--pairs",
          "pairs.jsonl", *figures, is_refused=False)


def check_fits():
    calibrate = ("calibrate", "--no-progress", "-k", "2", "-o", "new.profile", "--samples")
    for name, budget, fit in (("grating-mini", 14, 12), ("grating-mini-qwen3", 20, 15)):
        model = ("-m", MODELS[name], "--force")
        check(f"calibrate, {name}", budget, *calibrate, f"{name}.samples", *model,
              "--queries", "queries.jsonl")
        check(f"calibrate --fit-only, {name}", fit, *calibrate, f"{name}.samples", *model,
              "--fit-only")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        write_inputs()
        check_reading()
        check_statistics()
        check_fits()
        sys.exit(bad)
