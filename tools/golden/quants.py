"""Block types of GGUF: a plain quantiser, and a decoder from the format's definition
(src/base/dtype.h), in whole arrays, so that it shares nothing with the kernels.

Blocks are byte arrays [blocks][bytes], values [blocks][32 or 256]."""
import numpy as np

SIZES = {"Q8_0": (32, 34), "Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22),
         "Q5_1": (32, 24), "Q2_K": (256, 84), "Q3_K": (256, 110), "Q4_K": (256, 144),
         "Q5_K": (256, 176), "Q6_K": (256, 210)}  # values, bytes
# where the halfs stand: scale, and minimum or its scale
HALFS = {"Q8_0": (0,), "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2),
         "Q2_K": (80, 82), "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}


# ---- fields of a few bits ----

def split(data, n_bits, width):
    """Bytes, `width` at a time: first the lowest n_bits of all of them, then the next."""
    rows = data.reshape(len(data), -1, 1, width)
    shifts = np.arange(0, 8, n_bits, dtype="u1")[:, None]
    return (rows >> shifts & ((1 << n_bits) - 1)).reshape(len(data), -1).astype("i4")


def join(numbers, n_bits, width):
    """The inverse of split."""
    per_byte = 8 // n_bits
    rows = numbers.reshape(len(numbers), -1, per_byte, width).astype("u1")
    shifts = np.arange(0, 8, n_bits, dtype="u1")[:, None]
    return np.bitwise_or.reduce(rows << shifts, 2).reshape(len(numbers), -1)


def split_scales(data):
    """Eight scales and eight minima of 6 bits."""
    a, b, c = (data[:, i:i + 4].astype("i4") for i in (0, 4, 8))
    return (np.concatenate([a & 63, c & 15 | a >> 6 << 4], 1),
            np.concatenate([b & 63, c >> 4 | b >> 6 << 4], 1))


def join_scales(s, t):
    s, t = s.astype("i4"), t.astype("i4")
    return np.concatenate([s[:, :4] | s[:, 4:] >> 4 << 6, t[:, :4] | t[:, 4:] >> 4 << 6,
                           s[:, 4:] & 15 | (t[:, 4:] & 15) << 4], 1).astype("u1")


# ---- bytes to values ----

def halfs(blocks, dtype):
    return [blocks[:, at:at + 2].copy().view("<f2").astype("f4") for at in HALFS[dtype]]


def spread(per_group, n_values):
    return np.repeat(per_group, n_values // per_group.shape[1], 1)


def numbers_of(blocks, dtype):
    """(numbers, scales per group, minima per group or None), all whole."""
    b, one = blocks, np.ones((len(blocks), 1), "i4")
    if dtype == "Q8_0":
        return b[:, 2:].view("i1").astype("i4"), one, None
    if dtype == "Q4_0":
        return split(b[:, 2:], 4, 16) - 8, one, None
    if dtype == "Q4_1":
        return split(b[:, 4:], 4, 16), one, one
    if dtype == "Q5_0":
        return (split(b[:, 6:], 4, 16) | split(b[:, 2:6], 1, 1) << 4) - 16, one, None
    if dtype == "Q5_1":
        return split(b[:, 8:], 4, 16) | split(b[:, 4:8], 1, 1) << 4, one, one
    if dtype == "Q2_K":
        st = b[:, :16].astype("i4")
        return split(b[:, 16:80], 2, 32), st & 15, st >> 4
    if dtype == "Q3_K":
        s = split(b[:, 96:104], 4, 8) | split(b[:, 104:108], 2, 4) << 4
        return (split(b[:, 32:96], 2, 32) | split(b[:, :32], 1, 32) << 2) - 4, s - 32, None
    if dtype == "Q4_K":
        return (split(b[:, 16:], 4, 32), *split_scales(b[:, 4:16]))
    if dtype == "Q5_K":
        q = split(b[:, 48:], 4, 32) | split(b[:, 16:48], 1, 32) << 4
        return (q, *split_scales(b[:, 4:16]))
    if dtype == "Q6_K":
        q = (split(b[:, :128], 4, 64) | split(b[:, 128:192], 2, 32) << 4) - 32
        return q, b[:, 192:208].view("i1").astype("i4"), None
    raise KeyError(dtype)


def decode(blocks, dtype):
    """f32 [blocks][values]: the products are exact, a minimum is added with one rounding."""
    n = SIZES[dtype][0]
    q, s, t = numbers_of(blocks, dtype)
    d, *e = halfs(blocks, dtype)
    with np.errstate(invalid="ignore"):
        values = spread(d * s.astype("f4"), n) * q.astype("f4")
        if t is None:
            return values
        low = spread(e[0] * t.astype("f4"), n)
        return values + low if dtype.endswith("_1") else values - low


# ---- values to bytes: nearest numbers, scales from the largest value of a group ----

def divide(a, b):
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)


def half_of(values):
    """Rounded to f16: what is stored, as f64."""
    return values.astype("<f2").astype("f8")


def half_bytes(values):
    return values.astype("<f2").view("u1").reshape(len(values), 2)


def nearest(values, scales, low, most):
    return np.clip(np.rint(divide(values, scales)), low, most).astype("i4")


def encode_32(x, dtype):
    parts, five = [], dtype[1] == "5"
    if dtype == "Q8_0":
        d = half_of(np.abs(x).max(1, keepdims=True) / 127)
        return np.concatenate([half_bytes(d), nearest(x, d, -127, 127).astype("i1").view("u1")],
                              1)
    most = 31 if five else 15
    if dtype.endswith("_0"):
        d = half_of(np.abs(x).max(1, keepdims=True) / (most // 2))
        q = nearest(x, d, -(most // 2) - 1, most // 2) + most // 2 + 1
        parts = [half_bytes(d)]
    else:
        m = half_of(x.min(1, keepdims=True))
        d = half_of((x.max(1, keepdims=True) - m) / most)
        q = nearest(x - m, d, 0, most)
        parts = [half_bytes(d), half_bytes(m)]
    if five:
        parts.append(join(q >> 4, 1, 1))
    return np.concatenate(parts + [join(q & 15, 4, 16)], 1)


def with_minima(x, n_groups, most, most_scale):
    """(d, e, s, t, q) for d * s * q - e * t."""
    groups = x.reshape(len(x), n_groups, -1)
    low = np.maximum(-groups.min(2), 0)
    scale = (groups.max(2) + low) / most
    d = half_of(scale.max(1, keepdims=True) / most_scale)
    e = half_of(low.max(1, keepdims=True) / most_scale)
    s, t = nearest(scale, d, 0, most_scale), nearest(low, e, 0, most_scale)
    q = nearest(groups + (e * t)[:, :, None], (d * s)[:, :, None], 0, most)
    return d, e, s, t, q.reshape(x.shape)


def without_minima(x, most, most_scale):
    """(d, s, q) for d * s * q."""
    groups = x.reshape(len(x), 16, -1)
    scale = np.abs(groups).max(2) / most
    d = half_of(scale.max(1, keepdims=True) / most_scale)
    s = nearest(scale, d, -most_scale, most_scale)
    return d, s, nearest(groups, (d * s)[:, :, None], -most - 1, most).reshape(x.shape)


def encode_256(x, dtype):
    if dtype == "Q2_K":
        d, e, s, t, q = with_minima(x, 16, 3, 15)
        parts = [(s | t << 4).astype("u1"), join(q, 2, 32), half_bytes(d), half_bytes(e)]
    elif dtype == "Q3_K":
        d, s, q = without_minima(x, 3, 31)
        s, q = s + 32, q + 4
        parts = [join(q >> 2, 1, 32), join(q & 3, 2, 32), join(s & 15, 4, 8),
                 join(s >> 4, 2, 4), half_bytes(d)]
    elif dtype == "Q6_K":
        d, s, q = without_minima(x, 31, 127)
        q = q + 32
        parts = [join(q & 15, 4, 64), join(q >> 4, 2, 32), s.astype("i1").view("u1"),
                 half_bytes(d)]
    else:
        d, e, s, t, q = with_minima(x, 8, 15 if dtype == "Q4_K" else 31, 63)
        fifths = [join(q >> 4, 1, 32)] if dtype == "Q5_K" else []
        parts = [half_bytes(d), half_bytes(e), join_scales(s, t), *fifths,
                 join(q & 15, 4, 32)]
    return np.concatenate(parts, 1)


def encode(values, dtype):
    """Blocks of any array whose rows are whole blocks."""
    n_values, n_bytes = SIZES[dtype]
    x = np.ascontiguousarray(values).reshape(-1, n_values).astype("f8")
    blocks = (encode_32 if n_values == 32 else encode_256)(x, dtype)
    assert blocks.shape[1] == n_bytes and blocks.dtype == np.uint8
    return blocks
