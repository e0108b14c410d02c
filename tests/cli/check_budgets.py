#!/usr/bin/env python3
"""check_budgets.py COMMAND SOURCE_DIR - commands other than rank within --memory, by the
peak that the kernel counted: what they do beside rankings counts too.  That peak holds
what this script had itself, some 14 MiB, so that smaller budgets cannot be judged."""
import json
import os
import subprocess
import sys
import tempfile

COMMAND, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
MODEL = os.path.join(SOURCE, "models", "grating-mini")
bad = 0


def peak_mib(*arguments):
    """Exit code, peak in MiB, and what was said."""
    with open("said", "w+") as said:
        process = subprocess.Popen([COMMAND, *arguments], stdout=subprocess.DEVNULL,
                                   stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        said.seek(0)
        return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1024, said.read()


def check(name, budget, *arguments):
    """The command ends well within its budget."""
    global bad
    code, peak, said = peak_mib(*arguments, "--memory", f"{budget}M")
    print(f"{name}: {peak:.1f} MiB of {budget}")
    if code != 0 or peak > budget:
        print(f"{name}: exit code {code}, {said}")
        bad = 1


def main():
    with open(os.path.join(SOURCE, "examples", "demo", "passages.jsonl")) as file:
        texts = [json.loads(line)["text"] for line in file]
    with open("pairs.jsonl", "w") as file:
        for query in range(4):
            documents = [{"text": text, "relevance": int(i % 4 == query)}
                         for i, text in enumerate(texts[:6])]
            file.write(json.dumps({"query": texts[query][:60], "documents": documents})
                       + "\n")
    # 300 figures, each with 10,000 resamples: 24 MB if all were kept at once.
    figures = ("--policies", "none,bound,cluster", "--precision", "0.5,0.9,0.99",
               "-k", "1,2,3,4,5,6,7,8,9,10", "--no-progress")
    check("eval, many figures", 20, "eval", "-m", MODEL, "--pairs", "pairs.jsonl", *figures)
    sys.exit(bad)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main()
