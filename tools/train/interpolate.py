#!/usr/bin/env python3
"""A checkpoint of train.py, moved back towards its start.

usage: interpolate.py CHECKPOINT.pt SHARE OUT.pt [--data DATA]
Every weight is start + SHARE * (trained - start).  Part of the way ranks text that training
did not read better than the whole way does, from a start that ranks already (Wortsman and
others 2022, "Robust fine-tuning of zero-shot models").  The start is made again as train.py
--config makes it: from the configuration, the seed and words.npz in DATA.
"""
import argparse
import os
import sys

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "golden")]
import networks  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("share", type=float)
    parser.add_argument("out")
    parser.add_argument("--data", help="where the checkpoint's DATA is now")
    args = parser.parse_args()
    if not 0.0 <= args.share <= 1.0:
        parser.error("SHARE is a number from 0 to 1")
    state = torch.load(args.checkpoint, map_location="cpu")
    trained = state["arguments"]
    if trained["init"] or "share" in state:
        raise SystemExit("%s: its start is not one of lexical_start.py" % args.checkpoint)
    words = np.load(os.path.join(args.data or trained["data"], "words.npz"))
    start = networks.start(state["config"], words, trained["seed"])
    with torch.no_grad():
        weights = {name: torch.lerp(w, state["weights"][name], args.share)
                   for name, w in start.items()}
    del state["optimizer"]
    torch.save(dict(state, weights=weights, share=args.share), args.out)


if __name__ == "__main__":
    main()
