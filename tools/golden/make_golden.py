#!/usr/bin/env python3
"""Writes tests/data/golden: tiny checkpoints and what they must give.

usage: make_golden.py [OUT_DIR] [--only NAME]
The same seed, numpy and torch give the same bytes.  See README.md for the format.
"""
import argparse
import hashlib
import json
import os
import platform
import shutil
import zlib

import numpy as np
import torch

import bert
import bert_case
import byte_bpe
import decoder
import decoder_case
import modernbert
import modernbert_case
import qwen3
import qwen3_case
import sentence
import texts

SCRIPT_VERSION = 1
SEED = 20240607
LENGTHS = [1, 2, 17, 70]
FEW = [1, 2, 3, 40]  # where hidden states are wide
SHORT = 17  # where a case keeps hidden states of short sequences only

B48 = (48, 3, 4, 100, 400, 96)  # hidden, layers, heads, ffn, vocabulary, positions
B24 = (24, 1, 2, 40, 200, 80)
X32 = (32, 2, 4, 64, 1602, 220)  # with XLM-RoBERTa's kind of tokenizer
N36 = (36, 2, 3, 40, 200)
N48 = (48, 4, 4, 72, 200)  # hidden, layers, heads, ffn, positions
Q40 = (40, 3, 4, 2, 16, 72, 512)  # hidden, layers, heads, kv heads, head size, ffn, positions
D48 = (48, 3, 4, 2, 12, 80, 512)
M48 = (48, 4, 4, 4, 12, 80, 512)
G48 = (48, 3, 4, 1, 20, 96, 512)  # head size other than hidden / heads
Q64 = (64, 2, 4, 2, 32, 96, 512)
Q32 = (32, 2, 2, 1, 32, 64, 512)
Q256 = (256, 1, 2, 1, 16, 32, 512)  # rows for blocks of 256 values, but of o_proj and down_proj

LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 64}

CASES = [
    dict(name="bert-f32", shape=B48, dtype="F32", all_hidden=True),
    dict(name="bert-f16", shape=B48, dtype="F16", position_ids=True),
    dict(name="bert-bf16", shape=B48, dtype="BF16", tokenizer_json=True),
    dict(name="bert-head26", shape=(78, 1, 3, 130, 300, 96), dtype="F32"),
    dict(name="bert-sharded", shape=(36, 2, 3, 68, 300, 90), dtype="F32", shards=2),
    dict(name="bert-two-labels", shape=B24, dtype="F32", labels=2),
    dict(name="bert-gguf-f16", shape=(48, 2, 4, 100, 400, 96), dtype="F16",
         container="gguf"),
    dict(name="bert-gguf-no-pooler", shape=B24, dtype="F32", container="gguf",
         drop_pooler=True, refused="cls.output without cls: the pooler is lost"),
    dict(name="electra-f32", shape=B48, dtype="F32", flavour="electra", embedding_size=20),
    dict(name="electra-f16", shape=(48, 2, 3, 68, 300, 96), dtype="F16", flavour="electra"),
    dict(name="roberta-f32", shape=B48, dtype="F32", flavour="roberta"),
    dict(name="roberta-bf16", shape=(40, 2, 5, 72, 300, 90), dtype="BF16", flavour="roberta",
         shards=2),
    dict(name="roberta-jina-f16", shape=(48, 2, 4, 100, 300, 96), dtype="F16",
         flavour="jina"),
    dict(name="roberta-three-labels", shape=B24, dtype="F32", flavour="roberta", labels=3,
         refused="the classifier has 3 labels"),
    dict(name="roberta-gguf-f16", shape=(48, 2, 4, 100, 300, 96), dtype="F16",
         flavour="roberta", container="gguf"),
    dict(name="roberta-gguf-q8_0", shape=(64, 2, 4, 96, 300, 96), dtype="Q8_0",
         flavour="roberta", container="gguf"),
    dict(name="roberta-gguf-fused", shape=(48, 2, 4, 100, 300, 96), dtype="F32",
         flavour="roberta", container="gguf", fused=True),
    dict(name="roberta-unigram-f32", shape=X32, dtype="F32", flavour="roberta",
         sentence="json", lengths=FEW),
    dict(name="roberta-unigram-f16", shape=X32, dtype="F16", flavour="roberta",
         sentence="model", lengths=FEW),
    dict(name="roberta-unigram-bf16", shape=X32, dtype="BF16", flavour="jina",
         sentence="old json", lengths=FEW),
    dict(name="roberta-gguf-unigram", shape=X32, dtype="Q8_0", flavour="roberta",
         container="gguf", sentence="gguf", lengths=FEW),
    dict(name="modernbert-f32", shape=N48, dtype="F32", all_hidden=True),
    dict(name="modernbert-f32-cls", shape=N36, dtype="F32", pooling="cls",
         window=6),
    dict(name="modernbert-f16", shape=N36, dtype="F16", window=10),
    dict(name="modernbert-bf16", shape=N36, dtype="BF16", shards=2),
    dict(name="modernbert-two-labels", shape=(24, 1, 2, 40, 80), dtype="F32",
         labels=2, label_names=["Relevant", "not relevant"]),
    dict(name="modernbert-gguf-f16", shape=N36, dtype="F16", container="gguf"),
    dict(name="modernbert-gguf-q8_0", shape=(64, 3, 4, 96, 200), dtype="Q8_0",
         container="gguf", pooling="cls", pattern_list=True),
    dict(name="modernbert-gguf-q4_k", shape=(256, 1, 4, 32, 200), dtype="Q4_K",
         container="gguf", lengths=FEW, types={"tok_embeddings": "Q6_K", "mlp.Wo": "Q5_0"}),
    dict(name="qwen3-f32-tied", shape=Q40, dtype="F32", head="tied", all_hidden=True),
    dict(name="qwen3-f32-untied", shape=(40, 2, 6, 2, 10, 72, 512), dtype="F32",
         head="lm_head", tokenizer="pairs", theta=5000.0),
    dict(name="qwen3-f16", shape=Q40, dtype="F16", head="tied", tokenizer="vocab+merges"),
    dict(name="qwen3-bf16", shape=Q40, dtype="BF16", head="tied", shards=2),
    dict(name="qwen3-seq-cls", shape=(40, 2, 3, 3, 14, 50, 512), dtype="F32", head="score"),
    dict(name="qwen3-gguf-f32", shape=Q40, dtype="F32", head="cls.output", container="gguf"),
    dict(name="qwen3-gguf-q8_0", shape=Q64, dtype="Q8_0", head="cls.output",
         container="gguf"),
    dict(name="qwen3-gguf-f16-output", shape=Q40, dtype="F16", head="lm_head",
         container="gguf"),
    dict(name="qwen3-gguf-f16-tied", shape=Q40, dtype="F16", head="tied", container="gguf"),
    dict(name="qwen3-gguf-bf16", shape=Q40, dtype="BF16", head="cls.output",
         container="gguf", theta=10000.0),
    dict(name="qwen3-gguf-v2", shape=(40, 1, 4, 1, 12, 56, 512), dtype="F32",
         head="cls.output", container="gguf", version=2, alignment=64),
    dict(name="qwen3-gguf-q4_0", shape=Q32, dtype="Q4_0", head="cls.output",
         container="gguf", lengths=FEW, types={"embed": "Q4_1", "v_proj": "Q4_1"}),
    dict(name="qwen3-gguf-q5_0", shape=Q32, dtype="Q5_0", head="lm_head", container="gguf",
         lengths=FEW, types={"lm_head": "Q5_1", "down_proj": "Q5_1"}),
    dict(name="qwen3-gguf-q2_k", shape=Q256, dtype="Q2_K", head="tied", container="gguf",
         lengths=FEW, types={"embed": "Q3_K", "v_proj": "Q3_K", "o_proj": "Q4_0",
                             "down_proj": "Q5_1"}),
    dict(name="qwen3-gguf-q4_k", shape=Q256, dtype="Q4_K", head="tied", container="gguf",
         lengths=FEW, types={"embed": "Q6_K", "v_proj": "Q6_K", "o_proj": "Q5_0",
                             "down_proj": "Q8_0"}),
    dict(name="qwen3-gguf-q5_k", shape=Q256, dtype="Q5_K", head="cls.output",
         container="gguf", lengths=FEW, types={"embed": "Q2_K", "gate_proj": "Q3_K",
                                               "o_proj": "Q4_1", "down_proj": "F16"}),
    dict(name="qwen3-mixed-shards", family="qwen3", shape=Q40, dtype="BF16", head="lm_head",
         shards=3, types={"norm": "F32", "lm_head": "F32", "embed": "F16", "up_proj": "F16"}),
    dict(name="qwen2-f32-tied", family="qwen2", shape=D48, dtype="F32", head="tied"),
    dict(name="qwen2-f16-untied", family="qwen2", shape=(40, 2, 5, 1, 8, 72, 512),
         dtype="F16", head="lm_head", tokenizer="vocab+merges", theta=5000.0),
    dict(name="qwen2-bf16", family="qwen2", shape=D48, dtype="BF16", head="tied", shards=2,
         eps=1e-5),
    dict(name="qwen2-seq-cls", family="qwen2", shape=D48, dtype="F32", head="score"),
    dict(name="qwen2-gguf-q8_0", family="qwen2", shape=(64, 2, 4, 2, 16, 96, 512),
         dtype="Q8_0", head="tied", container="gguf", lengths=FEW),
    dict(name="qwen2-gguf-q4_k", family="qwen2", shape=(256, 1, 4, 2, 64, 256, 512),
         dtype="Q4_K", head="tied", container="gguf", lengths=FEW,
         types={"embed": "Q8_0", "v_proj": "Q6_K"}),
    dict(name="minicpm-f32", family="minicpm", shape=M48, dtype="F32", head=None,
         start_layer=2, eps=1e-5),
    dict(name="minicpm-f16", family="minicpm", shape=(40, 3, 5, 5, 8, 72, 512), dtype="F16",
         head=None, start_layer=3, shards=2, types={"norm": "F32", "lm_head": "F32"},
         tokenizer="model"),
    dict(name="minicpm-bf16", family="minicpm", shape=M48, dtype="BF16", head=None,
         start_layer=1, tokenizer="old json"),
    dict(name="gemma-f32", family="gemma", shape=G48, dtype="F32", head="tied"),
    dict(name="gemma-f16", family="gemma", shape=(40, 2, 3, 3, 12, 80, 512), dtype="F16",
         head="tied", names_activation=True, tokenizer="model"),
    dict(name="gemma-bf16", family="gemma", shape=(48, 2, 2, 1, 256, 96, 512), dtype="BF16",
         head="tied", shards=2, lengths=FEW),
    dict(name="gemma-gguf-f16", family="gemma", shape=G48, dtype="F16", head="tied",
         container="gguf"),
    dict(name="gemma-gguf-q8_0", family="gemma", shape=(64, 2, 4, 1, 32, 96, 512),
         dtype="Q8_0", head="tied", container="gguf", lengths=FEW, splits=2),
    dict(name="gemma-gguf-q4_k", family="gemma", shape=(256, 1, 2, 1, 128, 256, 512),
         dtype="Q4_K", head="tied", container="gguf", lengths=FEW,
         types={"embed": "Q6_K", "v_proj": "Q6_K", "down_proj": "Q6_K"}),
    dict(name="llama-f32", family="llama", shape=D48, dtype="F32", head="lm_head", bias=True,
         scaling=LLAMA3, eps=1e-5),
    dict(name="llama-bf16", family="llama", shape=(40, 2, 5, 1, 8, 72, 512), dtype="BF16",
         head="tied", theta=10000.0, tokenizer="model", lengths=FEW),
    dict(name="llama-seq-cls", family="llama", shape=D48, dtype="F16", head="score",
         scaling={"rope_type": "linear", "factor": 2.0}, lengths=FEW),
    dict(name="llama-gguf-f16", family="llama", shape=(48, 2, 4, 2, 12, 80, 512), dtype="F16",
         head="lm_head", container="gguf", scaling=LLAMA3),
    dict(name="gemma3-f32", family="gemma3", shape=(48, 3, 4, 1, 20, 96, 512), dtype="F32",
         head="tied", window=8, scalar=24, layer_types=["sliding_attention", "full_attention",
                                                        "sliding_attention"]),
    dict(name="gemma3-bf16", family="gemma3", shape=(40, 2, 8, 4, 256, 64, 512),
         dtype="BF16", head="tied", window=6, scalar=256, period=2, nested=True, lengths=FEW,
         scaling={"rope_type": "linear", "factor": 8.0}),
    dict(name="gemma3-gguf-q8_0", family="gemma3", shape=(64, 7, 2, 1, 32, 96, 512),
         dtype="Q8_0", head="tied", container="gguf", window=5, lengths=FEW),
]


def nine_digits(values):
    return [float("%.9g" % v) for v in values]


def relevance(config, logits):
    """The one label's, or what the relevant one of two has more: the second where labels
    have no names."""
    if len(logits) == 1:
        return float(logits[0])
    more = 0 if config["id2label"]["0"] == "Relevant" else 1
    return float(logits[more] - logits[1 - more])


class BertRunner:
    family = "bert"

    def __init__(self, config, weights, tokenizer):
        self.config, self.weights, self.tokenizer = config, weights, tokenizer

    def forward(self, ids, types):
        hidden, logits = bert.forward(self.weights, self.config, torch.tensor(ids),
                                      torch.tensor(types))
        return hidden, relevance(self.config, logits)

    def random_sequence(self, rng, n):
        ids = rng.randint(0, self.config["vocab_size"], n).tolist()
        first = n - n // 3 if self.config["type_vocab_size"] > 1 else n
        return ids, [0] * first + [1] * (n - first)

    def pair(self, query, document, _):
        return self.tokenizer.pair(query, document, self.config["max_tokens"])


class ModernBertRunner:
    family = "modernbert"

    def __init__(self, config, weights, tokenizer):
        self.config, self.weights, self.tokenizer = config, weights, tokenizer

    def forward(self, ids, _):
        hidden, logits = modernbert.forward(self.weights, self.config, torch.tensor(ids))
        return hidden, relevance(self.config, logits)

    def random_sequence(self, rng, n):
        return rng.randint(0, self.config["vocab_size"], n).tolist(), [0] * n

    def pair(self, query, document, _):
        ids, truncated = byte_bpe.bert_pair(self.tokenizer, query, document,
                                            self.config["max_position_embeddings"])
        return ids, [0] * len(ids), truncated


class Qwen3Runner:
    family = "qwen3"

    def __init__(self, config, weights, tokenizer):
        self.config, self.weights, self.tokenizer = config, weights, tokenizer
        self.yes, self.no = tokenizer.ids["yes"], tokenizer.ids["no"]

    def forward(self, ids, _):
        hidden, last = qwen3.forward(self.weights, self.config, torch.tensor(ids))
        return hidden, float(qwen3.logit(self.weights, last, self.yes, self.no))

    def random_sequence(self, rng, n):
        return rng.randint(0, self.config["vocab_size"], n).tolist(), [0] * n

    def pair(self, query, document, instruction):
        ids, truncated = byte_bpe.qwen3_pair(
            self.tokenizer, query, document, self.config["max_position_embeddings"],
            instruction or byte_bpe.INSTRUCTION)
        return ids, [0] * len(ids), truncated


class DecoderRunner:
    def __init__(self, config, weights, tokenizer):
        self.config, self.weights, self.tokenizer = config, weights, tokenizer
        self.family = config["family"]
        self.answers = [tokenizer.ids.get(a) for a in decoder_case.ANSWERS[self.family]]

    def forward_layers(self, ids):
        hidden, last = decoder.forward(self.weights, self.config, torch.tensor(ids))
        scores = decoder.logits(self.weights, self.config, last, *self.answers)
        return hidden, [float(s) for s in scores]

    def forward(self, ids, _):
        hidden, scores = self.forward_layers(ids)
        return hidden, scores[-1]

    def random_sequence(self, rng, n):
        return rng.randint(0, self.config["vocab_size"], n).tolist(), [0] * n

    def pair(self, query, document, instruction):
        ids, truncated = decoder_case.pair(self.config, self.tokenizer, query, document,
                                           instruction)
        return ids, [0] * len(ids), truncated


FAMILIES = {"modernbert": (modernbert_case, ModernBertRunner),
            "qwen3": (qwen3_case, Qwen3Runner),
            "qwen2": (decoder_case, DecoderRunner), "minicpm": (decoder_case, DecoderRunner),
            "gemma": (decoder_case, DecoderRunner), "gemma3": (decoder_case, DecoderRunner),
            "llama": (decoder_case, DecoderRunner)}


def sequences_of(runner, rng, keep_all, lengths):
    out = {"ids": [], "token_types": [], "offsets": [0], "logits": [], "hidden": []}
    for n in lengths:
        ids, types = runner.random_sequence(rng, n)
        hidden, logit = runner.forward(ids, types)
        out["ids"] += ids
        out["token_types"] += types
        out["offsets"].append(len(out["ids"]))
        out["logits"].append(logit)
        kept = keep_all or n <= SHORT
        out["hidden"].append([nine_digits(h.flatten().tolist()) for h in hidden]
                             if kept else None)
    out["logits"] = nine_digits(out["logits"])
    return out


def job_of(runner, query, documents, instruction=None, joins_newline=False):
    out = {"query": query, "instruction": instruction, "query_joins_newline": joins_newline,
           "documents": documents, "ids": [], "token_types": [], "truncated": [],
           "logits": []}
    for document in documents:
        ids, types, truncated = runner.pair(query, document, instruction)
        out["ids"].append(ids)
        out["token_types"].append(types)
        out["truncated"].append(truncated)
        out["logits"].append(runner.forward(ids, types)[1])
    out["logits"] = nine_digits(out["logits"])
    if runner.family == "minicpm":  # by the head of each layer from start_layer on
        out["layer_logits"] = [nine_digits(runner.forward_layers(ids)[1])
                               for ids in out["ids"]]
    return out


def jobs_of(runner):
    jobs = [job_of(runner, q, d) for q, d in texts.JOBS]
    jobs.append(job_of(runner, *texts.HOSTILE_JOB))
    is_qwen3 = runner.family == "qwen3"
    jobs.append(job_of(runner, *texts.PUNCTUATION_JOB, joins_newline=is_qwen3))
    if runner.family == "modernbert":
        jobs.append(job_of(runner, *texts.SPACES_JOB))
    if isinstance(runner.tokenizer, sentence.Sentence):
        jobs += [job_of(runner, *job) for job in texts.SENTENCE_JOBS]
    if runner.family in ("qwen3", "qwen2"):
        jobs.append(job_of(runner, *texts.JOBS[0], instruction=texts.OTHER_INSTRUCTION))
    return jobs


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def dump(path, golden):
    """One line per top-level key."""
    lines = [json.dumps(k) + ": " + json.dumps(v, separators=(",", ":"))
             for k, v in golden.items()]
    with open(path, "w", encoding="utf-8") as f:
        f.write("{\n" + ",\n".join(lines) + "\n}\n")


def shape_of(config):
    heads = config["num_attention_heads"]
    return {"hidden_size": config["hidden_size"], "n_layers": config["num_hidden_layers"],
            "n_heads": heads, "n_kv_heads": config.get("num_key_value_heads", heads),
            "head_size": config.get("head_dim", config["hidden_size"] // heads),
            "ffn_size": config["intermediate_size"], "vocab_size": config["vocab_size"],
            "max_tokens": config.get("max_tokens", config["max_position_embeddings"])}


def checkpoint_of(case):
    if case["container"] != "gguf":
        return ""
    n = case.get("splits", 1)
    return "model.gguf" if n == 1 else "model-00001-of-%05d.gguf" % n


def make(case, out):
    case.setdefault("container", "safetensors")
    folder = os.path.join(out, case["name"])
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    seed = (SEED + zlib.crc32(case["name"].encode())) % 2**32
    rng = np.random.RandomState(seed)
    case.setdefault("family", case["name"].split("-")[0])
    builder, make_runner = FAMILIES.get(case["family"], (bert_case, BertRunner))
    config, stored, tokenizer = builder.build(case, folder, rng)
    weights = {n: torch.from_numpy(v) for n, v in stored.items()}
    runner = make_runner(config, weights, tokenizer)
    files = sorted(f for f in os.listdir(folder) if f.endswith((".safetensors", ".gguf")))
    golden = {
        "case": case["name"], "family": case["family"], "container": case["container"],
        "checkpoint": checkpoint_of(case),
        "dtype": case["dtype"], "refused": case.get("refused"), "shape": shape_of(config),
        "made_by": {"script_version": SCRIPT_VERSION, "torch": torch.__version__,
                    "numpy": np.__version__, "python": platform.python_version(),
                    "seed": seed},
        "sha256": {f: sha256(os.path.join(folder, f)) for f in files}}
    if not case.get("refused"):
        golden["sequences"] = sequences_of(runner, rng, case.get("all_hidden", False),
                                           case.get("lengths", LENGTHS))
        golden["jobs"] = jobs_of(runner)
        if runner.family == "minicpm":
            golden["first_head"] = config["start_layer"]
    dump(os.path.join(folder, "golden.json"), golden)
    return golden


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?",
                        default=os.path.join(here, "..", "..", "tests", "data", "golden"))
    parser.add_argument("--only")
    args = parser.parse_args()
    torch.set_num_threads(1)
    for case in CASES:
        if args.only in (None, case["name"]):
            with torch.no_grad():
                golden = make(case, args.out)
            jobs = golden.get("jobs", [])
            print(case["name"], golden.get("sequences", {}).get("logits"),
                  [x for job in jobs for x in job["logits"]])


if __name__ == "__main__":
    main()
