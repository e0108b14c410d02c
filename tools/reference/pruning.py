#!/usr/bin/env python3
"""What pruning costs and saves, measured with the command itself.

usage: pruning.py GRATING JOBS.jsonl [--qrels QRELS.tsv] [-m MODEL] [--profile FILE]
                  [--precision 0.99] [--limit N] [--first N]
Ranks the jobs in full, then with each policy at K = 1, 5, 10, and prints for each: the mean
share of the full pass's top K that comes back, layers x candidates computed and time as
shares of the full pass's, the mean drift, and with qrels how NDCG@K and P@K change.  --first N
leaves out the first N jobs, which a calibration may have seen; --limit takes that many of
the rest.
"""
import argparse
import json
import statistics
import subprocess
import sys
import tempfile

from ndcg import dcg, order_of, read_jsonl, read_qrels

SET = ["--promise", "set"]
POLICIES = (("bound", SET), ("bound, order", ["--promise", "order"]),
            ("bound, scores", ["--promise", "scores"]),
            ("bound, no profile", SET + ["--profile", "none"]), ("cluster", SET))


def rank(args, jobs_path, policy, extra):
    command = [args.grating, "rank", "--queries", jobs_path, "--json", "--no-progress", "--policy", policy]
    if args.model:
        command += ["-m", args.model]
    command += extra
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def overlap(full, pruned, k):
    wanted = {item["index"] for item in full["results"][:k]}
    return sum(item["index"] in wanted for item in pruned["results"][:k]) / k


def ndcg(job, result, grades, k):
    judged = grades.get(str(job["id"]), {})
    gains = [max(0, judged.get(str(d["id"]), 0)) for d in job["documents"]]
    ideal = dcg(sorted(gains, reverse=True), k)
    return dcg([gains[i] for i in order_of(result, len(gains))], k) / ideal if ideal else None


def p_at(job, result, grades, k):
    judged = grades.get(str(job["id"]), {})
    top = [item["index"] for item in result["results"][:k]]
    return sum(judged.get(str(job["documents"][i]["id"]), 0) > 0 for i in top) / k


def mean(values):
    values = [v for v in values if v is not None]
    return statistics.fmean(values) if values else float("nan")


def change(metric, jobs, full, pruned):
    """Mean of the pruned runs' metric less that of the full ones."""
    return mean(metric(j, r) for j, r in zip(jobs, pruned)) - \
        mean(metric(j, r) for j, r in zip(jobs, full))


def describe(name, k, jobs, full, pruned, grades):
    computed = sum(r["stats"]["candidates_x_layers"] for r in pruned) / \
        sum(r["stats"]["candidates_x_layers"] for r in full)
    time = sum(r["stats"]["total_ms"] for r in pruned) / sum(r["stats"]["total_ms"] for r in full)
    drift = mean(r["stats"].get("drift") or None for r in pruned)
    text = "| %-18s | %2d | %.4f | %.3f | %.3f | %5.2f |" % (
        name, k, mean(overlap(f, p, k) for f, p in zip(full, pruned)), computed, time, drift)
    if grades:
        text += " %+.4f | %+.4f |" % (
            change(lambda j, r: ndcg(j, r, grades, k), jobs, full, pruned),
            change(lambda j, r: p_at(j, r, grades, k), jobs, full, pruned))
    print(text, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("grating")
    parser.add_argument("jobs")
    parser.add_argument("--qrels")
    parser.add_argument("-m", "--model")
    parser.add_argument("--profile")
    parser.add_argument("--precision", default="0.99")
    parser.add_argument("--limit", type=int, default=sys.maxsize)
    parser.add_argument("--first", type=int, default=0)
    args = parser.parse_args()
    grades = read_qrels(args.qrels) if args.qrels else None
    jobs = [j for j in read_jsonl(args.jobs) if len(j["documents"]) > 10]
    jobs = jobs[args.first:][:args.limit]
    profile = ["--profile", args.profile] if args.profile else []
    print("%d queries of %s, precision %s" % (len(jobs), args.jobs, args.precision))
    print("| policy             |  K | top K  | computed | time | drift | NDCG@K | P@K |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        write_jobs(f, jobs, 0)
        full = rank(args, f.name, "none", [])
        for name, extra in POLICIES:
            for k in (1, 5, 10):
                write_jobs(f, jobs, k)
                policy = name.split(",")[0]
                used = extra if "--profile" in extra else extra + profile
                pruned = rank(args, f.name, policy, used + ["--precision", args.precision])
                describe(name, k, jobs, full, pruned, grades)


def write_jobs(file, jobs, k):
    file.seek(0)
    file.truncate()
    for job in jobs:
        file.write(json.dumps(dict(job, k=k)) + "\n")
    file.flush()


if __name__ == "__main__":
    main()
