#!/usr/bin/env python3
"""A checkpoint of train.py -> a Hugging Face model folder in F16.

usage: export.py CHECKPOINT.pt TOKENIZER_DIR OUT
TOKENIZER_DIR gives vocab.txt or tokenizer.json, and tokenizer_config.json.
OUT gets these, config.json and model.safetensors.
"""
import argparse
import json
import os
import shutil
import sys

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "golden"))
import safetensors_io  # noqa: E402

TOKENIZER_FILES = ("vocab.txt", "tokenizer.json", "tokenizer_config.json")
LARGEST_F16 = 65504.0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("tokenizer")
    parser.add_argument("out")
    args = parser.parse_args()
    state = torch.load(args.checkpoint, map_location="cpu")
    weights = {name: w.detach().float() for name, w in state["weights"].items()}
    for name, w in weights.items():
        if not bool(torch.isfinite(w).all()) or float(w.abs().max()) > LARGEST_F16:
            raise SystemExit("%s: %s does not fit F16" % (args.checkpoint, name))
    names = [n for n in TOKENIZER_FILES if os.path.exists(os.path.join(args.tokenizer, n))]
    if not {"vocab.txt", "tokenizer.json"} & set(names):
        raise SystemExit("%s: neither vocab.txt nor tokenizer.json is there" % args.tokenizer)
    os.makedirs(args.out, exist_ok=True)
    for name in names:
        source, target = (os.path.join(d, name) for d in (args.tokenizer, args.out))
        if os.path.realpath(source) != os.path.realpath(target):
            shutil.copyfile(source, target)
    config = dict(state["config"], torch_dtype="float16")
    with open(os.path.join(args.out, "config.json"), "w", encoding="utf-8") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    path = os.path.join(args.out, "model.safetensors")
    safetensors_io.write(path, {name: w.numpy() for name, w in weights.items()}, "F16")
    print("%s: %.1f MB after %d steps" % (path, os.path.getsize(path) / 1e6, state["step"]))


if __name__ == "__main__":
    main()
