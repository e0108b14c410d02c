#!/usr/bin/env python3
"""Writes tests/data/blocks: blocks of every block type of GGUF and the f32 values they hold.

usage: make_blocks.py [OUT_DIR]
<type>.bin holds N blocks, then N times their values as f32, little-endian; its size gives N.
The bytes are random, but for all zeros and all ones in two blocks; the halfs go through
ones, zeros, the largest, subnormals, infinities and NaN. See quants.py for the decoder."""
import os
import sys

import numpy as np

import quants

# (scale, minimum or its scale), as bits of f16
HALFS = [(0x3C00, 0x3800), (0xBC00, 0xB400), (0x0000, 0x0000), (0x8000, 0x8000),
         (0x7BFF, 0x7BFF), (0xFBFF, 0x7BFF), (0x0001, 0x8001), (0x83FF, 0x03FF),
         (0x7C00, 0x7C00), (0xFC00, 0x0001), (0x7E01, 0x3C00), (0x0400, 0x7E00),
         (0x2E66, 0x1234), (0x1C9A, 0xA1B2)]


def blocks_of(dtype):
    rng = np.random.RandomState(sum(dtype.encode()))
    n = len(HALFS) + 2
    blocks = rng.randint(0, 256, (n, quants.SIZES[dtype][1])).astype("u1")
    blocks[0], blocks[1] = 0, 255
    for block, halfs in zip(blocks, [*HALFS[:2], *HALFS]):
        for at, bits in zip(quants.HALFS[dtype], halfs):
            block[at:at + 2] = bits & 255, bits >> 8
    return blocks


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    default = os.path.join(here, "..", "..", "tests", "data", "blocks")
    out = sys.argv[1] if len(sys.argv) > 1 else default
    os.makedirs(out, exist_ok=True)
    for dtype in quants.SIZES:
        blocks = blocks_of(dtype)
        with open(os.path.join(out, dtype.lower() + ".bin"), "wb") as f:
            f.write(blocks.tobytes() + quants.decode(blocks, dtype).astype("<f4").tobytes())


if __name__ == "__main__":
    main()
