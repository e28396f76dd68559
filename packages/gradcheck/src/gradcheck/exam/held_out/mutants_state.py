"""Planted bugs of rules that remember: each is made anew for every check."""

from itertools import count
from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(106)


def _accumulating() -> Any:
    total: dict[str, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        total["x"] = total.get("x", 0) + g * np.cos(x)
        return total["x"].copy()

    return rule


def _one_buffer() -> Any:
    buffers: dict[Any, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        out = buffers.setdefault((x.shape, x.dtype), np.empty(x.shape, x.dtype))
        np.multiply(g, 1 - y * y, out=out)
        return out

    return rule


def _first_input() -> Any:
    weights: dict[Any, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        key = (x.shape, x.dtype)
        if key not in weights:
            weights[key] = 1 / (1 + np.exp(-x))
        return g * weights[key]

    return rule


def _first_cotangent() -> Any:
    seen: dict[Any, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        kept = seen.setdefault((g.shape, g.dtype), g.copy())
        return 2 * x * kept

    return rule


def _freed_after_use() -> Any:
    saved = {"live": True}

    def rule(g: Any, y: Any, a: Any, b: Any) -> Any:
        if saved.pop("live", False):
            return g @ b.T, a.T @ g
        return np.zeros_like(a), np.zeros_like(b)

    return rule


def _momentum(x: Any) -> Any:
    z = x - x.mean(axis=0)
    return z / np.sqrt((z * z).mean(axis=0) + 1e-3)


def _running_mean() -> Any:
    running: dict[Any, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        mean = 0.9 * running.get(x.shape, x.mean(axis=0)) + 0.1 * x.mean(axis=0)
        running[x.shape] = mean
        z = x - mean
        r = 1 / np.sqrt((z * z).mean(axis=0) + 1e-3)
        h = z * r
        return r * (g - g.mean(axis=0) - h * (g * h).mean(axis=0))

    return rule


def _first_dtype() -> Any:
    kept: dict[str, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        dtype = kept.setdefault("dtype", x.dtype)
        return (g * np.exp(x)).astype(dtype)

    return rule


def _two_buffers() -> Any:
    calls = count()
    ring: dict[Any, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        key = (next(calls) % 2, x.shape, x.dtype)
        out = ring.setdefault(key, np.empty(x.shape, x.dtype))
        np.divide(g, 2 * y, out=out)
        return out

    return rule


def _cold_start() -> Any:
    ready: set[str] = set()

    def rule(g: Any, y: Any, x: Any, b: Any) -> Any:
        db = g.sum(axis=0) if "bias" in ready else np.zeros_like(b)
        ready.add("bias")
        return g.copy(), db

    return rule


def _zeros_skipped() -> Any:
    space: dict[Any, Any] = {}

    def rule(g: Any, y: Any, x: Any) -> Any:
        work = space.setdefault((x.shape, x.dtype), np.zeros_like(x))
        np.multiply(g, -y * y, out=work, where=g != 0)
        return work.copy()

    return rule


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any, **options: Any) -> Rule:
    return Rule(name, "state", f, vjp, list(primals), options, stateful=True)


STATE = [
    _rule("adds up over calls", np.sin, _accumulating, _normal(5)),
    _rule("hands out its one buffer", np.tanh, _one_buffer, _normal(2, 3)),
    _rule(
        "keeps the sigmoid of the first input",
        lambda x: np.logaddexp(x, 0),
        _first_input,
        _normal(5),
    ),
    _rule("keeps the first cotangent", np.square, _first_cotangent, _normal(5)),
    _rule(
        "forgets its operands after one pass",
        np.matmul,
        _freed_after_use,
        _normal(3, 2),
        _normal(2, 4),
    ),
    _rule("normalises by a running mean", _momentum, _running_mean, _normal(5, 3)),
    _rule("casts to the first dtype it met", np.exp, _first_dtype, _normal(2, 2), float32=True),
    _rule("hands out two buffers in turn", np.sqrt, _two_buffers, 1 + _rng.random(4)),
    _rule("gives the bias nothing at first", np.add, _cold_start, _normal(3, 2), _normal(2)),
    _rule(
        "skips zeros and keeps what was there", np.reciprocal, _zeros_skipped, 1 + _rng.random(5)
    ),
]
