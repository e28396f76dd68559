"""Attention written out number by number, from the papers, to hold the module against."""

import cmath
import math

import numpy as np


def linear(w, name, x):
    bias = w.get(f"{name}.bias")
    y = x @ w[f"{name}.weight"].T
    return y if bias is None else y + bias


def rms(vector, weight, eps):
    return vector / np.sqrt(np.mean(vector * vector) + eps) * weight


def turn_rate(i, dim, theta, scaling):
    """Radians a token of dimensions i and i + dim / 2."""
    rate = theta ** (-2 * i / dim)
    kind = (scaling or {}).get("rope_type", "default")
    if kind == "linear":
        return rate / scaling["factor"]
    if kind == "llama3":
        wavelength = 2 * math.pi / rate
        old = scaling["original_max_position_embeddings"]
        low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
        if wavelength > old / low:
            return rate / scaling["factor"]
        if wavelength >= old / high:
            smooth = (old / wavelength - low) / (high - low)
            return (1 - smooth) * rate / scaling["factor"] + smooth * rate
    return rate


def turned(vector, position, theta=10000.0, scaling=None):
    """Each pair of dimensions is a complex number, multiplied by one of length 1."""
    half, y = len(vector) // 2, np.empty_like(vector)
    for i in range(half):
        angle = position * turn_rate(i, 2 * half, theta, scaling)
        z = complex(vector[i], vector[i + half]) * cmath.exp(1j * angle)
        y[i], y[i + half] = z.real, z.imag
    return y


def slope(h, heads):
    """The slopes of ALiBi: a geometric row, and what fills it up to a number not a power of 2."""
    power = 2 ** math.floor(math.log2(heads))
    if h < power:
        return 2 ** (-8 / power * (h + 1))
    return 2 ** (-4 / power * (2 * (h - power) + 1))


def split(x, heads):
    """(T, heads * D) -> one list of (D,) a head and a position."""
    return [[row[h * len(row) // heads :][: len(row) // heads] for row in x] for h in range(heads)]


def plain_heads(w, x, source, o):
    H, KV = o["n_head"], o.get("n_kv_head") or o["n_head"]
    if o.get("packed"):
        qkv = linear(w, "c_attn", x)
        D = qkv.shape[1] // (H + 2 * KV)
        q, k, v = qkv[:, : H * D], qkv[:, H * D : (H + KV) * D], qkv[:, (H + KV) * D :]
    else:
        q, k, v = (linear(w, f"{n}_proj", a) for n, a in (("q", x), ("k", source), ("v", source)))
    q, k, v = split(q, H), split(k, KV), split(v, KV)
    if (eps := o.get("qk_norm")) is not None:
        q = [[rms(a, w["q_norm.weight"], eps) for a in head] for head in q]
        k = [[rms(a, w["k_norm.weight"], eps) for a in head] for head in k]
    if (rope := o.get("rope")) is not None:
        q, k = (
            [[turned(a, t, **rope) for t, a in enumerate(h)] for h in heads] for heads in (q, k)
        )
    return q, [k[h * KV // H] for h in range(H)], [v[h * KV // H] for h in range(H)]


def latent_heads(w, x, o):
    """DeepSeek-V2, equations 9 to 19: keys and values unfold from one short vector."""
    H, sizes, rope = o["n_head"], o["latent"], o["rope"]
    if sizes["query_rank"] is None:
        q = linear(w, "q_proj", x)
    else:
        short = linear(w, "q_a_proj", x)
        short = np.array([rms(a, w["q_a_layernorm.weight"], 1e-6) for a in short])
        q = linear(w, "q_b_proj", short)
    joint = linear(w, "kv_a_proj_with_mqa", x)
    rank, R = sizes["rank"], sizes["rope_dim"]
    c = np.array([rms(a, w["kv_a_layernorm.weight"], 1e-6) for a in joint[:, :rank]])
    kv = split(linear(w, "kv_b_proj", c), H)
    keys, values, queries = [], [], []
    for h, head in enumerate(split(q, H)):
        D = len(head[0]) - R
        queries.append([np.append(a[:D], turned(a[D:], t, **rope)) for t, a in enumerate(head)])
        keys.append(
            [np.append(a[:D], turned(joint[t, rank:], t, **rope)) for t, a in enumerate(kv[h])]
        )
        values.append([a[D:] for a in kv[h]])
    return queries, keys, values


def may_look(t, s, o, seen):
    window = o.get("window")
    if o.get("causal", True) and s > t:
        return False
    if window is not None and abs(t - s) >= window:
        return False
    return seen is None or bool(seen[t, s])


def attention(w, x, o, source=None, seen=None):
    """One sequence (T, C) -> (T, C); ``o`` are the options, ``seen`` (T, S) who may look where."""
    q, k, v = (
        latent_heads(w, x, o)
        if o.get("latent")
        else plain_heads(w, x, x if source is None else source, o)
    )
    scale = o.get("scale") or len(q[0][0]) ** -0.5
    rows = []
    for t in range(len(x)):
        row = []
        for h in range(o["n_head"]):
            total, result = 0.0, np.zeros(len(v[h][0]))
            for s in range(len(k[h])):
                if not may_look(t, s, o, seen):
                    continue
                score = float(np.dot(q[h][t], k[h][s])) * scale
                if o.get("softcap"):
                    score = o["softcap"] * math.tanh(score / o["softcap"])
                if o.get("alibi"):
                    score -= slope(h, o["n_head"]) * abs(t - s)
                total += math.exp(score)
                result += math.exp(score) * v[h][s]
            row.append(result / total)
        rows.append(np.concatenate(row))
    return linear(w, "c_proj" if o.get("packed") else "o_proj", np.array(rows))
