"""Planted bugs of rules that answer the same question differently."""

from itertools import count
from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(111)
_KEEP = np.array([1, 0, 1, 1, 0, 1, 1, 0], dtype=bool)
_saved: dict[str, Any] = {}


def _noisy(g: Any, y: Any, x: Any) -> Any:
    d = g * np.cos(x)
    return d * (1 + 1e-4 * np.random.default_rng().normal(size=x.shape)).astype(x.dtype)


def _warm_up() -> Any:
    step = count(1)

    def rule(g: Any, y: Any, x: Any) -> Any:
        return 2 * g * x * (1 - 0.5 ** next(step))

    return rule


def _saving_square(x: Any) -> Any:
    _saved["x"] = x.copy()
    return x * x


def _from_saved(g: Any, y: Any, x: Any) -> Any:
    return (2 * g * _saved.get("x", x)).astype(x.dtype)


def _volume(a: Any, b: Any, c: Any, d: Any) -> Any:
    return a + 2 * b + 3 * c + 4 * d


def _by_address(g: Any, y: Any, *primals: Any) -> Any:
    grads = [k * g for k in (1, 2, 3, 4)]
    order = np.argsort([id(p) for p in primals])
    return tuple(grads[i] for i in order)


def _fresh_mask(g: Any, y: Any, x: Any) -> Any:
    return g * (np.random.default_rng().random(8) > 0.4) * 2


def _mini_batch(g: Any, y: Any, x: Any, w: Any) -> Any:
    pick = np.random.default_rng().permutation(len(x))[: len(x) // 2]
    return np.outer(g, w), 2 * x[pick].T @ g[pick]


def _uninitialised(g: Any, y: Any, x: Any) -> Any:
    d = np.empty_like(x)
    np.multiply(g, 1.0, out=d, where=x > 0)
    return d


def _dithered(g: Any, y: Any, x: Any) -> Any:
    d = g * np.exp(x)
    step = np.abs(d).max() / 2**20
    return np.floor(d / step + np.random.default_rng().random(x.shape).astype(x.dtype)) * step


def _every_third() -> Any:
    calls = count(1)

    def rule(g: Any, y: Any, a: Any, b: Any) -> Any:
        if next(calls) % 3 == 0:
            return g * a, g * b
        return g * b, g * a

    return rule


def _hutchinson(g: Any, y: Any, x: Any) -> Any:
    v = np.sign(np.random.default_rng().random(x.shape) - 0.5).astype(x.dtype)
    return v * (v * g / x).sum()


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any, stateful: bool = False) -> Rule:
    return Rule(name, "nondeterminism", f, vjp, list(primals), stateful=stateful)


NONDETERMINISM = [
    _rule("noise of 1e-4", np.sin, _noisy, _normal(5)),
    _rule("warms up over calls", np.square, _warm_up, _normal(4), stateful=True),
    _rule("uses what the last forward pass saved", _saving_square, _from_saved, _normal(4)),
    _rule("gradients in the order of addresses", _volume, _by_address, *_normal(4, 3)),
    _rule(
        "dropout draws a second mask", lambda x: np.where(_KEEP, 2 * x, 0), _fresh_mask, _normal(8)
    ),
    _rule("half the batch, doubled", np.matmul, _mini_batch, _normal(8, 3), _normal(3)),
    _rule(
        "relu leaves memory as it found it",
        lambda x: np.maximum(x, 0),
        _uninitialised,
        _normal(200),
    ),
    _rule("rounded by a coin", np.exp, _dithered, _normal(6)),
    _rule(
        "operands exchanged at every third call",
        np.multiply,
        _every_third,
        *_normal(2, 4),
        stateful=True,
    ),
    _rule("estimated by random signs", np.log, _hutchinson, 1 + _rng.random(5)),
]
