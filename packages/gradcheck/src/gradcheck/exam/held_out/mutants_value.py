"""Planted bugs in the mathematics: a sign, a factor, a term, an operand."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(101)
_LABELS = np.array([2, 0, 1, 2, 3])


def _log_softmax(x: Any) -> Any:
    z = x - x.max(axis=-1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def _gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def _gelu_rule(g: Any, y: Any, x: Any) -> Any:
    t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
    inner = 0.7978845608028654 * (1 + 0.044715 * x**2)
    return g * 0.5 * (1 + t + x * (1 - t * t) * inner)


def _layer_norm(x: Any, w: Any, b: Any) -> Any:
    z = x - x.mean(axis=-1, keepdims=True)
    return z / np.sqrt((z * z).mean(axis=-1, keepdims=True) + 1e-5) * w + b


def _layer_norm_rule(g: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    z = x - x.mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt((z * z).mean(axis=-1, keepdims=True) + 1e-5)
    h, gw = z * r, g * w
    dx = r * (gw - gw.mean(axis=-1, keepdims=True))
    return dx, (g * h).sum(axis=0), g.sum(axis=0)


def _cross_entropy(x: Any) -> Any:
    return -_log_softmax(x)[np.arange(5), _LABELS].mean()


def _cross_entropy_rule(g: Any, y: Any, x: Any) -> Any:
    p = np.exp(_log_softmax(x))
    p[np.arange(5), _LABELS] -= 1
    return g * p


def _kl(p: Any, q: Any) -> Any:
    return (p * (np.log(p) - np.log(q))).sum()


def _inverse_rule(g: Any, y: Any, x: Any) -> Any:
    return -y.T @ g @ y


def _cosine(a: Any, b: Any) -> Any:
    return (a @ b) / np.sqrt((a @ a) * (b @ b))


def _cosine_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    m, n = np.sqrt(a @ a), np.sqrt(b @ b)
    return g * (b / (m * n) - y * a / m), g * (a / (m * n) - y * b / n**2)


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _lstm(z: Any, c: Any) -> Any:
    i, f, o = (_sigmoid(v) for v in z[:3])
    return o * np.tanh(f * c + i * np.tanh(z[3]))


def _lstm_rule(g: Any, y: Any, z: Any, c: Any) -> Any:
    i, f, o = (_sigmoid(v) for v in z[:3])
    u = np.tanh(z[3])
    t = np.tanh(f * c + i * u)
    dc = g * o * (1 - t * t)
    di, df, do = dc * u * i * (1 - i), dc * c * f * (1 - f), g * np.tanh(c) * o * (1 - o)
    return np.stack([di, df, do, dc * i * (1 - u * u)]), dc * f


def _huber(x: Any, t: Any) -> Any:
    r = np.abs(x - t)
    return np.where(r < 1, 0.5 * r * r, r - 0.5)


def _huber_rule(g: Any, y: Any, x: Any, t: Any) -> Any:
    r = x - t
    d = np.where(np.abs(r) < 1, g * r, g)
    return d, -d


def _hamilton(p: Any, q: Any) -> Any:
    a, b, c, d = p
    e, f, g, h = q
    return np.stack(
        [
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        ]
    )


def _conjugate(q: Any) -> Any:
    return np.concatenate([q[:1], -q[1:]])


def _hamilton_rule(g: Any, y: Any, p: Any, q: Any) -> Any:
    return _hamilton(g, q), _hamilton(_conjugate(p), g)


def _midpoint_step(x: Any) -> Any:
    m = x + 0.15 * x * (1 - x)
    return x + 0.3 * m * (1 - m)


def _midpoint_rule(g: Any, y: Any, x: Any) -> Any:
    m = x + 0.15 * x * (1 - x)
    return g * (1 + 0.3 * (1 - 2 * m))


def _triplet(a: Any, p: Any, n: Any) -> Any:
    return np.maximum(((a - p) ** 2).sum(axis=1) - ((a - n) ** 2).sum(axis=1) + 1, 0)


def _triplet_rule(g: Any, y: Any, a: Any, p: Any, n: Any) -> Any:
    live = (g * (y > 0))[:, None]
    return 2 * live * (a - p), 2 * live * (p - a), 2 * live * (a - n)


def _rotate(x: Any, sign: int) -> Any:
    angle = np.outer(np.arange(4), 10.0 ** -np.arange(3)).astype(x.dtype)
    c, s = np.cos(angle), sign * np.sin(angle)
    return np.concatenate([x[:, :3] * c - x[:, 3:] * s, x[:, :3] * s + x[:, 3:] * c], axis=1)


def _cholesky(x: Any) -> Any:
    return np.linalg.cholesky((x + x.T) / 2)


def _cholesky_rule(g: Any, y: Any, x: Any) -> Any:
    p = np.tril(y.T @ np.tril(g))
    s = np.linalg.solve(y.T, np.linalg.solve(y.T, p.T).T)
    return (s + s.T) / 2


def _solve_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    db = np.linalg.solve(a.T, g)
    return np.outer(db, y), db


def _attention(q: Any, k: Any, v: Any) -> Any:
    return np.exp(_log_softmax(q @ k.T / 2)) @ v


def _attention_rule(g: Any, y: Any, q: Any, k: Any, v: Any) -> Any:
    p = np.exp(_log_softmax(q @ k.T / 2))
    ds = p * (g @ v.T - (g * y).sum(axis=-1, keepdims=True))
    return ds @ k, ds.T @ q / 2, p.T @ g


def _spectrum_rule(g: Any, y: Any, x: Any) -> Any:
    phase = np.fft.rfft(x) / y
    return (len(x) * np.fft.irfft(g * phase, len(x))).astype(x.dtype)


_spd = _rng.normal(size=(4, 4))
_spd = _spd @ _spd.T + 2 * np.eye(4)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "value", f, vjp, list(primals))


VALUE = [
    _rule(
        "log-softmax without the sum",
        _log_softmax,
        lambda g, y, x: g - np.exp(y) * g,
        _normal(3, 5),
    ),
    _rule("gelu forgets the 3 of the cube", _gelu, _gelu_rule, _normal(12)),
    _rule(
        "layer norm holds the variance constant",
        _layer_norm,
        _layer_norm_rule,
        *(_normal(3, 6), _normal(6), _normal(6)),
    ),
    _rule("cross-entropy forgets the mean", _cross_entropy, _cross_entropy_rule, _normal(5, 4)),
    _rule(
        "kl forgets the + 1",
        _kl,
        lambda g, y, p, q: (g * (np.log(p) - np.log(q)), -g * p / q),
        *_rng.dirichlet(np.ones(6), 2),
    ),
    _rule("inverse, one factor not transposed", np.linalg.inv, _inverse_rule, _normal(4, 4)),
    _rule(
        "determinant with the inverse not transposed",
        np.linalg.det,
        lambda g, y, x: g * y * np.linalg.inv(x),
        _normal(4, 4),
    ),
    _rule("cosine divides by the norm once", _cosine, _cosine_rule, _normal(5), _normal(5)),
    _rule("lstm output gate sees the old cell", _lstm, _lstm_rule, _normal(4, 5), _normal(5)),
    _rule("huber's tails lose their sign", _huber, _huber_rule, 3 * _normal(9), _normal(9)),
    _rule("quaternion not conjugated", _hamilton, _hamilton_rule, _normal(4), _normal(4)),
    _rule("midpoint step, inner factor lost", _midpoint_step, _midpoint_rule, _normal(6)),
    _rule(
        "triplet anchor feels only the positive",
        _triplet,
        _triplet_rule,
        *(_normal(4, 3), _normal(4, 3), _normal(4, 3)),
    ),
    _rule(
        "rotary embedding turned forwards again",
        lambda x: _rotate(x, 1),
        lambda g, y, x: _rotate(g, 1),
        _normal(4, 6),
    ),
    _rule("cholesky's diagonal not halved", _cholesky, _cholesky_rule, _spd),
    _rule(
        "solve with the wrong sign for the matrix", np.linalg.solve, _solve_rule, _spd, _normal(4)
    ),
    _rule(
        "attention scales keys, not queries",
        _attention,
        _attention_rule,
        *(_normal(3, 4), _normal(5, 4), _normal(5, 2)),
    ),
    _rule(
        "spectrum counts frequencies twice",
        lambda x: np.abs(np.fft.rfft(x)),
        _spectrum_rule,
        _normal(9),
    ),
]
