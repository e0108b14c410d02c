#!/usr/bin/env python3
"""Checkpoints of train.py, averaged and moved back towards their start.

usage: interpolate.py CHECKPOINT.pt[,CHECKPOINT.pt...] SHARE OUT.pt [--data DATA] [--start MODEL]
Every weight is start + SHARE * (mean of the checkpoints - start).  Part of the way ranks text that
training did not read better than the whole way does, from a start that ranks already (Wortsman
and others 2022, "Robust fine-tuning of zero-shot models"), and so does the mean of several steps.
The start is made again as train.py made it: for --config from the configuration, the seed and
words.npz in DATA; for --init from that folder.  --start names another folder of the same
shapes, such as weights of another run.
"""
import argparse
import json
import os
import sys

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]
import networks  # noqa: E402
import safetensors_io  # noqa: E402


def read_model(folder, config):
    """The weights of a model folder that has the architecture of `config`."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        found = json.load(f)
    stored = safetensors_io.read(os.path.join(folder, "model.safetensors"))
    if found["model_type"] != config["model_type"] or "classifier.weight" not in stored:
        raise SystemExit("%s: no cross-encoder like the checkpoint" % folder)
    return {name: torch.from_numpy(w.copy()).float() for name, w in stored.items()}


def start_of(state, args):
    trained = state["arguments"]
    if "share" in state:
        raise SystemExit("%s: it is a part of the way already" % args.checkpoints)
    if args.start or trained["init"]:
        return read_model(args.start or trained["init"], state["config"])
    words = np.load(os.path.join(args.data or trained["data"], "words.npz"))
    return networks.start(state["config"], words, trained["seed"])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints")
    parser.add_argument("share", type=float)
    parser.add_argument("out")
    parser.add_argument("--data", help="where the checkpoints' DATA is now")
    parser.add_argument("--start")
    args = parser.parse_args()
    if not 0.0 <= args.share <= 1.0:
        parser.error("SHARE is a number from 0 to 1")
    states = [torch.load(path, map_location="cpu") for path in args.checkpoints.split(",")]
    state = states[-1]
    with torch.no_grad():
        weights = {name: sum(s["weights"][name] for s in states) / len(states)
                   for name in state["weights"]}
        if args.share < 1.0 or args.start:
            weights = {name: torch.lerp(w, weights[name], args.share)
                       for name, w in start_of(state, args).items()}
    state.pop("optimizer", None)
    steps = [s["step"] for s in states]
    torch.save(dict(state, weights=weights, share=args.share, averaged=steps), args.out)


if __name__ == "__main__":
    main()
