#!/usr/bin/env python3
"""sweep_budgets.py BUILD [--seed N] [--runs N] [--only I] - random runs of the command, each
within exactly its --memory, with the kernel as the judge.

Command, model, input and options are drawn by the seed.  A run must end with a result or with
a refusal that names a budget, and that budget must then work.  Its peak must not be above the
budget by the kernel's count, and where a cgroup with a memory limit can be made it runs in one
of exactly the budget: what is killed there has failed, too.  Budgets are drawn from what
opening the model takes on: below that a run is refused when the model is open."""
import argparse
import json
import os
import random
import sys
import tempfile

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(SOURCE, "tests", "cli"))
import measured  # noqa: E402

GOLDEN = os.path.join(SOURCE, "tests", "data", "golden")
MODELS = [os.path.join(SOURCE, "models", name)
          for name in ("grating-mini", "grating-mini", "grating-mini-qwen3")]
MODELS += [os.path.join(GOLDEN, name)
           for name in ("bert-f32", "qwen3-bf16", "gemma-f32", "modernbert-f32", "minicpm-f32",
                        "roberta-unigram-f16", "llama-f32")]
MODELS += [os.path.join(GOLDEN, "qwen3-gguf-q4_k", "model.gguf")]
WORDS = ("owls hunt mice at night by sound steam engines turn heat into work a bread rises "
         "because of yeast the tenant pays for small repairs").split()


def make_text(draw, n):
    """Some n bytes: words, one word, other scripts, or what needs escapes."""
    kind = draw.choice(("words", "words", "words", "word", "other", "escapes"))
    if kind == "word":
        return "".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=n))
    if kind == "other":
        return "".join(draw.choices("東京梟は夜にネズミを捕る。é ß", k=n // 3 + 1))
    parts, size = [], 0
    while size < n:
        word = draw.choice(WORDS) if kind == "words" else draw.choice(("\u0085", "\"", "owl", "\\"))
        parts.append(word)
        size += len(word) + 1
    return " ".join(parts)


def make_documents(draw):
    n = int(10 ** draw.uniform(0, 3.5))
    longest = int(10 ** draw.uniform(1, 6 if n < 3 else 3.3))
    return [make_text(draw, draw.randint(1, longest)) for _ in range(n)]


def write_documents(draw, documents, folder):
    """Writes them in some format; the arguments that read them."""
    kind = draw.choice(("lines", "jsonl", "json", "csv", "nul", "paragraphs"))
    path = os.path.join(folder, "documents." + {"json": "json", "jsonl": "jsonl",
                                                "csv": "csv"}.get(kind, "txt"))
    with open(path, "w") as file:
        if kind == "json":
            json.dump([{"id": i, "text": text} for i, text in enumerate(documents)], file)
        elif kind == "csv":
            file.write("id,text\n")
            file.writelines('%d,"%s"\n' % (i, text.replace('"', '""'))
                            for i, text in enumerate(documents))
        elif kind == "jsonl":
            file.writelines(json.dumps({"id": f"d{i}", "text": text},
                                       ensure_ascii=draw.random() < 0.5) + "\n"
                            for i, text in enumerate(documents))
        else:
            end = {"lines": "\n", "nul": "\0", "paragraphs": "\n\n"}[kind]
            file.writelines(text + end for text in documents)
    return [path] if kind in ("lines", "json", "jsonl", "csv") else [path, "--format", kind]


def engine_options(draw):
    options = ["-t", draw.choice((1, 2, 4))]
    if draw.random() < 0.25:
        options += ["--hidden", draw.choice(("f32", "bf16", "file"))]
    if draw.random() < 0.25:
        options += ["--arithmetic", draw.choice(("f32", "bf16", "int8"))]
    if draw.random() < 0.3:
        options += [draw.choice(("--streamed", "--resident"))]
    return options


def rank(draw, folder):
    arguments = ["rank", *engine_options(draw), "--no-progress"]
    query = make_text(draw, draw.choice((10, 60, 60, 400, 20000)))
    if draw.random() < 0.25:
        path = os.path.join(folder, "queries.jsonl")
        with open(path, "w") as file:
            for _ in range(draw.randint(1, 4)):
                file.write(json.dumps({"query": query[:200],
                                       "documents": make_documents(draw)}) + "\n")
        arguments += ["--queries", path]
    else:
        arguments += ["-q", query, *write_documents(draw, make_documents(draw), folder)]
    arguments += ["-k", draw.choice((0, 1, 3, 10))]
    if draw.random() < 0.4:
        arguments += ["--policy", draw.choice(("none", "bound", "cluster"))]
    if draw.random() < 0.3:
        arguments += ["--long-documents", draw.choice(("cut", "best"))]
    if draw.random() < 0.5:
        arguments += [draw.choice(("--json", "--tsv"))]
    if draw.random() < 0.3:
        arguments += ["--trace", os.path.join(folder, "trace.json")]
    return arguments


def write_pairs(draw, path, n_queries):
    with open(path, "w") as file:
        for _ in range(n_queries):
            n = draw.randint(2, 12)
            documents = [{"text": make_text(draw, draw.randint(4, 400)),
                          "relevance": draw.randint(0, 2)} for _ in range(n)]
            file.write(json.dumps({"query": make_text(draw, 40), "documents": documents}) + "\n")


def evaluate(draw, folder):
    path = os.path.join(folder, "pairs.jsonl")
    write_pairs(draw, path, draw.randint(1, 6))
    return ["eval", *engine_options(draw), "--no-progress", "--pairs", path, "-k",
            draw.choice(("1", "1,3", "1,2,5,10")), "--policies", "bound",
            "--json", os.path.join(folder, "eval.json")]


def calibrate(draw, folder):
    path = os.path.join(folder, "pairs.jsonl")
    write_pairs(draw, path, draw.randint(8, 14))
    return ["calibrate", *engine_options(draw), "--no-progress", "--queries", path, "-k",
            draw.choice((1, 3)), "-o", os.path.join(folder, "new.profile"), "--samples",
            os.path.join(folder, "samples"), "--force"]


def short(arguments):
    return " ".join(a if len(a) < 60 else a[:57] + "..." for a in map(str, arguments))


class Sweep:
    """Runs of one seed, and what became of them."""

    def __init__(self, build, group):
        self.command = os.path.join(build, "grating")
        self.peak = os.path.join(build, "tests", "cli", "grating_peak")
        self.group, self.floors = group, {}
        self.n_results = self.n_refused = self.n_killed = self.n_bad = 0
        self.closest = 0.0

    def floor(self, model):
        """MiB that opening the model takes."""
        if model not in self.floors:
            found = measured.run(self.peak, [self.command, "inspect", model])
            self.floors[model] = found.peak_kib / 1024 + 1
        return self.floors[model]

    def run_within(self, arguments, budget):
        group = "-"
        if self.group.folder:
            self.group.set_mib(budget)
            group = self.group.folder
        return measured.run(self.peak, [self.command, *arguments, "--memory", f"{budget}M"],
                            group)

    def complain(self, number, arguments, budget, found, text):
        self.n_bad += 1
        print(f"FAILED {number}: {text}\n  {short(arguments)} --memory {budget}M\n  exit code "
              f"{found.code}, signal {found.signal}, {found.peak_kib / 1024:.2f} MiB\n  "
              f"{found.said.strip()[:400]}", flush=True)

    def judge(self, number, arguments, budget, found):
        """Whether it ended with a result."""
        if found.signal == 9:
            self.n_killed += 1
        if found.code not in (0, 1):
            self.complain(number, arguments, budget, found, "it did not end by itself")
        elif found.peak_kib > budget * 1024:
            self.complain(number, arguments, budget, found, "above its budget")
        self.closest = max(self.closest, found.peak_kib / 1024 / budget)
        return found.code == 0

    def run(self, number, draw, folder):
        model = draw.choice(MODELS)
        kind = draw.choices((rank, evaluate, calibrate), (80, 12, 8))[0]
        arguments = [*kind(draw, folder), "-m", model]
        floor = self.floor(model)
        budget = int(floor * draw.choice((1, 1.1, 1.3, 1.6, 2, 4, 10))) + 1
        found = self.run_within(arguments, budget)
        if self.judge(number, arguments, budget, found):
            self.n_results += 1
            return
        self.n_refused += 1
        named = found.named_mib()
        if found.code != 1:
            return
        if "of one layer" in found.said:  # nothing to calibrate
            self.n_refused -= 1
            return
        if not named or named <= budget:
            self.complain(number, arguments, budget, found, "it names no budget that works")
            return
        for name in ("new.profile", "samples"):
            path = os.path.join(folder, name)
            if os.path.exists(path):
                os.remove(path)
        again = self.run_within(arguments, named)
        if not self.judge(number, arguments, named, again) and again.code == 1:
            self.complain(number, arguments, named, again, f"{named} MiB were named")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--only", type=int, help="this run of the seed alone")
    options = parser.parse_args()
    group = measured.Group()
    if not group.folder:
        print(f"SKIP a cgroup of the budget: {group.why}")
    sweep = Sweep(os.path.abspath(options.build), group)
    try:
        for number in range(options.runs):
            if options.only is not None and number != options.only:
                continue
            with tempfile.TemporaryDirectory() as folder:
                sweep.run(number, random.Random(options.seed * 100003 + number), folder)
    finally:
        group.close()
    print(f"seed {options.seed}: {sweep.n_results} results, {sweep.n_refused} refusals, "
          f"{sweep.n_killed} killed, {sweep.n_bad} failed; the closest took "
          f"{sweep.closest:.3f} of its budget"
          f"{'' if group.folder else '; not in a cgroup'}")
    sys.exit(sweep.n_bad != 0)


if __name__ == "__main__":
    main()
