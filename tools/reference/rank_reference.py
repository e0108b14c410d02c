#!/usr/bin/env python3
"""Scores JSON jobs with a reranker's directory in PyTorch, f32 arithmetic: a BERT cross-encoder,
or a Qwen3 reranker with the vocabulary of tools/train/byte_pairs.py.

usage: rank_reference.py MODEL_DIR JOBS.jsonl OUT.jsonl [--threads N] [--max-tokens N]
Each input line: {"query", "documents": ["text" or {"id", "text"}, ...]}; each output line:
{"query", "id" (if given), "logits": [...], "tokens": [...], "truncated": [...], "ids": [...]}
in document order.  With --check, an input line's "scores" or "logits" are compared and the
largest difference is printed.
"""
import argparse
import json
import os
import sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden"), os.path.join(HERE, "..", "train")]
import bert  # noqa: E402
import byte_bpe  # noqa: E402
import byte_pairs  # noqa: E402
import qwen3  # noqa: E402
import safetensors_io  # noqa: E402
from wordpiece import WordPiece  # noqa: E402


class Bert:
    def __init__(self, folder, config):
        self.config, self.max_tokens = config, config["max_position_embeddings"]
        self.tokenizer = WordPiece.open(os.path.join(folder, "vocab.txt"))

    def score(self, weights, query, text, max_tokens):
        """(logit, tokens, whether the pair was truncated)"""
        ids, types, truncated = self.tokenizer.pair(query, text, max_tokens)
        logits = bert.forward(weights, self.config, torch.tensor(ids), torch.tensor(types))[1]
        return logits[0], len(ids), truncated


class Qwen3:
    def __init__(self, folder, config):
        self.config, self.max_tokens = config, config["max_position_embeddings"]
        self.tokenizer = byte_pairs.BytePairs.open(folder)

    def score(self, weights, query, text, max_tokens):
        ids, truncated = byte_bpe.qwen3_pair(self.tokenizer, query, text, max_tokens)
        _, last = qwen3.forward(weights, self.config, torch.tensor(ids))
        logit = qwen3.logit(weights, last, *self.config["answer_ids"])
        return logit, len(ids), truncated


def score_job(job, weights, model, max_tokens):
    out = {key: job[key] for key in ("id", "query") if key in job}
    out.update(logits=[], tokens=[], truncated=[], ids=[])
    for number, document in enumerate(job["documents"]):
        text = document if isinstance(document, str) else document["text"]
        name = number if isinstance(document, str) else document.get("id", number)
        logit, n_tokens, truncated = model.score(weights, job["query"], text, max_tokens)
        out["logits"].append(float("%.9g" % float(logit)))
        out["tokens"].append(n_tokens)
        out["truncated"].append(truncated)
        out["ids"].append(name)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("jobs")
    parser.add_argument("out")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=0)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    with open(os.path.join(args.model, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    stored = safetensors_io.read(os.path.join(args.model, "model.safetensors"))
    weights = {name: torch.from_numpy(values.copy()) for name, values in stored.items()}
    model = (Qwen3 if config["model_type"] == "qwen3" else Bert)(args.model, config)
    max_tokens = args.max_tokens or model.max_tokens
    worst = 0.0
    with open(args.jobs, encoding="utf-8") as f:
        jobs = [json.loads(line) for line in f if line.strip()]
    with open(args.out, "w", encoding="utf-8") as out:
        for job in jobs:
            with torch.no_grad():
                result = score_job(job, weights, model, max_tokens)
            out.write(json.dumps(result) + "\n")
            out.flush()
            for a, b in zip(result["logits"], job.get("scores", job.get("logits", []))):
                worst = max(worst, abs(a - b))
    if args.check:
        print("largest difference from the logits in the input: %.3g" % worst)


if __name__ == "__main__":
    main()
