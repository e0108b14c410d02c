#!/usr/bin/env python3
"""Compares grating with the engines that users would pick instead, on the same requests.

usage: run.py [--contest NAME,...] [--runs N] [--documents N] [--threads N]
              [--model FILE.gguf] [--job FILE.json] [--only REGEX] [--csv FILE]
              [--grating COMMAND] [--modules FOLDER] [--work FOLDER] [--prepare]

Contests: llamacpp, llamacpp-avx2, pytorch (Qwen3-Reranker-0.6B's shape), minilm, bge-m3
(ONNX Runtime); without --contest all of them. In each, engines run in turns, one process after
the other, and every ratio is one of two times of the same turn. README.md says the rest."""
import argparse
import contextlib
import csv
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

import made_up

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
QWEN_WORDS, BERT_WORDS = 390, 243  # of a document: some 580 and exactly 256 tokens a pair
F32_TOLERANCE = 1e-2  # of logits, where both engines compute in f32
OURS = ("auto", "f32", "int8")  # arithmetics


class Failure(Exception):
    pass


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file)


def busy_seconds():
    """CPU time that all processes of the machine, and others on its host, took so far."""
    with open("/proc/stat", encoding="utf-8") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def finish(process, command, busy_before):
    """Waits for the end; returns the peak of its resident memory, and the CPU time that
    others took meanwhile. Linux counts as the peak also what a process had before it became
    another program, so this one has to stay small."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise Failure("exit status %d: %s" % (process.returncode, " ".join(command)))
    others = busy_seconds() - busy_before - usage.ru_utime - usage.ru_stime
    return {"peak_mib": usage.ru_maxrss / 1024, "others_s": max(0.0, others)}


def run_peer(command):
    """Runs a peer's script, which takes the time itself; returns what it printed."""
    busy = busy_seconds()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    usage = finish(process, command, busy)
    return dict(json.loads(out), **usage)


def run_grating(command, model, job, threads, arithmetic, isa=None):
    """A batch of two queries through a pipe: a warm-up, and the request. The time is the
    wall clock's from sending the request to having its results: tokenising included."""
    command = [command, "rank", "--queries", "-", "--all", "--policy", "none", "--resident",
               "--no-progress", "-m", model, "--arithmetic", arithmetic, "-t", str(threads)]
    environment = dict(os.environ, **({"GRT_ISA": isa} if isa else {}))
    busy = busy_seconds()
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               text=True, env=environment)

    def rank(request):
        with contextlib.suppress(BrokenPipeError):  # it has ended, and said why
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
        return process.stdout.readline()

    rank({"query": job["query"], "documents": [job["documents"][0][:40]]})
    start = time.perf_counter()
    line = rank(job)
    ms = (time.perf_counter() - start) * 1e3
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    usage = finish(process, command, busy)
    if not line:
        raise Failure("no results: %s" % " ".join(command))
    results = json.loads(line)["results"]
    logits = {result["index"]: result["logit"] for result in results}
    return dict(usage, ms=ms, logits=[logits[i] for i in range(len(logits))],
                tokens=sum(result["tokens"] for result in results))


class Bench:
    """Makes what contests need, once, in the work folder."""

    def __init__(self, options):
        self.options, self.work = options, options.work
        os.makedirs(self.work, exist_ok=True)

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def script(self, name, cpu_library=None):
        """A copy of a script beside npm's packages, where node finds them. With a name of a
        CPU library, of llama.cpp's only this one is there, so it can load no better one."""
        folder = self.path(cpu_library or "native")
        modules = os.path.join(folder, "node_modules")
        if not os.path.lexists(modules):
            os.makedirs(folder, exist_ok=True)
            if not os.path.isdir(self.options.modules):
                raise Failure("%s: no such folder; see README.md" % self.options.modules)
            if cpu_library:
                self.copy_modules(modules, cpu_library)
            else:
                os.symlink(os.path.abspath(self.options.modules), modules)
        return shutil.copy(os.path.join(HERE, name), folder)

    def copy_modules(self, to, cpu_library):
        """llama.cpp's packages without other CPU libraries, and links to all others."""
        source, unfinished = os.path.abspath(self.options.modules), to + ".unfinished"
        copied = ("node-llama-cpp", "@node-llama-cpp")
        shutil.rmtree(unfinished, ignore_errors=True)
        os.makedirs(unfinished)

        def others(_, names):
            return [name for name in names if name.startswith("libggml-cpu-")
                    and name != "libggml-cpu-%s.so" % cpu_library]

        for name in os.listdir(source):
            at = os.path.join(source, name)
            if name in copied:
                shutil.copytree(at, os.path.join(unfinished, name), ignore=others)
            else:
                os.symlink(at, os.path.join(unfinished, name))
        os.rename(unfinished, to)

    def qwen(self):
        """Model and job of the decoder's contests."""
        model = self.options.model or self.path("qwen3-0.6b-q8_0.gguf")
        if not os.path.exists(model):
            subprocess.run([sys.executable, os.path.join(ROOT, "tools", "make_shape.py"),
                            "qwen3-0.6b", model, "--type", "q8_0"], check=True)
        job = read_json(self.options.job) if self.options.job else \
            made_up.make_job(self.options.documents, QWEN_WORDS)
        job["documents"] = job["documents"][:self.options.documents]
        write_json(self.path("qwen-job.json"), job)
        return model, job

    def bert(self, shape):
        """Folder and job of an encoder's contest."""
        folder, job = self.path(shape), made_up.make_job(self.options.documents, BERT_WORDS)
        write_json(self.path("bert-job.json"), job)
        script = [sys.executable, os.path.join(HERE, "bert_shape.py")]
        if not os.path.exists(os.path.join(folder, "model.safetensors")):  # written last
            subprocess.run(script + [shape, folder], check=True)
        subprocess.run(script + ["--pairs", self.path("bert-job.json"),
                                 self.path("bert-pairs.json")], check=True)
        return folder, job

    def grating(self, model, job, arithmetic, isa=None):
        options = self.options
        return lambda: run_grating(options.grating, model, job, options.threads, arithmetic,
                                   isa)

    def llamacpp(self, model, cpu_library=None):
        command = ["node", self.script("llamacpp.mjs", cpu_library), model,
                   self.path("qwen-job.json"), str(self.options.threads)]

        def run():
            result = run_peer(command)
            if cpu_library and result["backend"] != "libggml-cpu-%s.so" % cpu_library:
                raise Failure("llama.cpp loaded " + result["backend"])
            return result
        return run

    def llamacpp_contest(self):
        model, job = self.qwen()
        return {"grating auto": self.grating(model, job, "auto"),
                "llama.cpp": self.llamacpp(model),
                "grating int8": self.grating(model, job, "int8"),
                "grating f32": self.grating(model, job, "f32")}

    def llamacpp_avx2_contest(self):
        model, job = self.qwen()
        return {"grating f32": self.grating(model, job, "f32", "avx2"),
                "llama.cpp AVX2": self.llamacpp(model, "haswell"),
                "grating int8": self.grating(model, job, "int8", "avx2")}

    def pytorch_contest(self):
        model, job = self.qwen()
        ids = ["node", self.script("llamacpp.mjs"), "--ids", model, self.path("qwen-job.json")]
        with open(self.path("qwen-ids.json"), "w") as file:
            subprocess.run(ids, check=True, stdout=file)

        def peer(batch):
            command = [sys.executable, os.path.join(HERE, "pytorch.py"), model,
                       self.path("qwen-ids.json"), str(self.options.threads), str(batch)]
            return lambda: run_peer(command)

        n = len(job["documents"])
        return {"grating auto": self.grating(model, job, "auto"),
                "PyTorch bf16, batch of %d" % n: peer(n),
                "grating f32": self.grating(model, job, "f32"),
                "PyTorch bf16, batch of 2": peer(2), "PyTorch bf16, batch of 1": peer(1)}

    def encoder_contest(self, shape):
        folder, job = self.bert(shape)

        def peer(kind, batch):
            command = ["node", self.script("onnxruntime.mjs"),
                       os.path.join(folder, kind + ".onnx"), self.path("bert-pairs.json"),
                       str(self.options.threads), str(batch)]
            return lambda: run_peer(command)

        n, out = len(job["documents"]), {}
        for kind in ("f32", "int8"):
            out["grating " + kind] = self.grating(folder, job, kind)
            out["ONNX Runtime %s, one batch" % kind] = peer(kind, n)
            out["ONNX Runtime %s, one by one" % kind] = peer(kind, 1)
        return dict(out, **{"grating auto": self.grating(folder, job, "auto")})

    def contest(self, name):
        return {"llamacpp": self.llamacpp_contest, "llamacpp-avx2": self.llamacpp_avx2_contest,
                "pytorch": self.pytorch_contest,
                "minilm": lambda: self.encoder_contest("minilm-l6"),
                "bge-m3": lambda: self.encoder_contest("bge-m3")}[name]()


CONTESTS = ("llamacpp", "llamacpp-avx2", "pytorch", "minilm", "bge-m3")


def run_turns(name, engines, everything, options):
    """Adds {engine: [result of each turn]} under the name of the contest."""
    out = everything[name] = {engine: [] for engine in engines}
    for turn in range(options.runs):
        for engine, run in engines.items():
            out[engine].append(run())
            last = out[engine][-1]
            print("%s, turn %d: %-34s %9.1f ms, others %.1f s" % (
                name, turn + 1, engine, last["ms"], last["others_s"]), file=sys.stderr)
        if options.csv:  # after each turn, so that an interruption loses little
            write_csv(options.csv, everything, options)
    return out


def order(logits):
    return sorted(range(len(logits)), key=lambda i: -logits[i])


def count_swaps(a, b):
    """Pairs of documents that two engines order differently."""
    return sum((a[i] < a[j]) != (b[i] < b[j]) for i in range(len(a)) for j in range(i))


def compare(engine, logits, base, reference):
    """Words for the table: how an engine's logits differ from those of the engine base.
    Fails where both compute in f32 and disagree."""
    if len(logits) != len(reference):
        raise Failure("%s: %d scores for %d documents" % (engine, len(logits), len(reference)))
    largest = max(abs(a - b) for a, b in zip(logits, reference))
    if "f32" in engine and "f32" in base and not largest <= F32_TOLERANCE:
        raise Failure("%s: a logit differs by %g" % (engine, largest))
    n_top, n_swaps = (len(logits) + 1) // 2, count_swaps(logits, reference)
    common = len(set(order(logits)[:n_top]) & set(order(reference)[:n_top]))
    swapped = "same order" if not n_swaps else \
        "%d of %d pairs swapped" % (n_swaps, len(logits) * (len(logits) - 1) // 2)
    return "%.1e, %s, %d of the best %d" % (largest, swapped, common, n_top)


def spread(values, layout):
    """Median, and the range where there is one."""
    text = layout % statistics.median(values)
    if len(values) > 1:
        text += (" (" + layout + " .. " + layout + ")") % (min(values), max(values))
    return text


def ratios(results, engine, ours):
    """How many times as long as ours an engine took, turn by turn."""
    if ours not in results:
        return []
    return [a["ms"] / b["ms"] for a, b in zip(results[engine], results[ours])]


def print_table(name, results):
    ours = ["grating " + a for a in OURS if "grating " + a in results]
    if not ours:
        raise Failure("--only: leaves out grating")
    base = "grating f32" if "grating f32" in ours else ours[0]
    reference = results[base][0]["logits"]
    tokens = results[ours[0]][0]["tokens"]
    print("\n## %s: %d documents, %.0f tokens a pair\n" % (name, len(reference),
                                                         tokens / len(reference)))
    print("| engine | s | peak MiB | %s | logits against %s |" % (
        " | ".join("time / " + engine for engine in ours), base))
    print("|---" * (4 + len(ours)) + "|")
    for engine, runs in results.items():
        cells = [engine, spread([run["ms"] / 1e3 for run in runs], "%.2f"),
                 "%.0f" % max(run["peak_mib"] for run in runs)]
        cells += [spread(ratios(results, engine, base), "%.2f") for base in ours]
        print("| %s | %s |" % (" | ".join(cells),
                               compare(engine, runs[0]["logits"], base, reference)))
    peers = [runs[0] for runs in results.values() if "engine" in runs[0]]
    for peer in dict.fromkeys(" ".join(filter(None, (run["engine"], run.get("backend"),
                                                     run.get("system")))) for run in peers):
        print("\n" + peer)


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    return found[1] if found else platform.machine()


def write_csv(path, everything, options):
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write("# %s, %d threads, %s\n" % (cpu_name(), options.threads,
                                              time.strftime("%Y-%m-%d")))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["contest", "turn", "engine", "documents", "ms", "peak_mib",
                         "others_s"]
                        + ["times_grating_" + a for a in OURS])
        for name, results in everything.items():
            for engine, runs in results.items():
                by_ours = [ratios(results, engine, "grating " + a) for a in OURS]
                for turn, run in enumerate(runs):
                    writer.writerow([name, turn + 1, engine, len(run["logits"]),
                                     "%.1f" % run["ms"], "%.1f" % run["peak_mib"],
                                     "%.1f" % run["others_s"]]
                                    + ["%.4f" % r[turn] if r else "" for r in by_ours])


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contest", default=",".join(CONTESTS),
                        help="which, with commas between them")
    parser.add_argument("--runs", type=int, default=3, help="turns (3)")
    parser.add_argument("--documents", type=int, default=20, help="of a request (20)")
    parser.add_argument("--threads", type=int, default=2, help="of each engine (2)")
    parser.add_argument("--model", help="a Qwen3 reranker in GGUF (default: made)")
    parser.add_argument("--job", help='{"query", "documents"} for it (default: made up)')
    parser.add_argument("--only", default="", help="engines whose names match")
    parser.add_argument("--csv", help="write every run to a file")
    parser.add_argument("--grating", default=os.path.join(ROOT, "build", "grating"))
    parser.add_argument("--modules", default=os.path.join(ROOT, "node_modules"),
                        help="npm's packages (node_modules)")
    parser.add_argument("--work", default=os.path.join(ROOT, "build-peers"),
                        help="folder for models and jobs (build-peers)")
    parser.add_argument("--prepare", action="store_true", help="make them, measure nothing")
    options = parser.parse_args()
    options.contest = options.contest.split(",")
    for name in options.contest:
        if name not in CONTESTS:
            parser.error("--contest: no %s; there are %s" % (name, ", ".join(CONTESTS)))
    if min(options.runs, options.documents, options.threads) < 1:
        parser.error("--runs, --documents and --threads: at least 1")
    return options


def main():
    options = parse_options()
    bench, everything = Bench(options), {}
    try:
        for name in options.contest:
            engines = bench.contest(name)
            if options.prepare:
                continue
            wanted = {e: run for e, run in engines.items() if re.search(options.only, e)}
            run_turns(name, wanted, everything, options)
            print_table(name, everything[name])
            sys.stdout.flush()
    except (Failure, OSError, subprocess.CalledProcessError) as error:
        sys.exit("run.py: %s" % error)


if __name__ == "__main__":
    main()
