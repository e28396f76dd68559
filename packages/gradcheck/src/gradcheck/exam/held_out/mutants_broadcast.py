"""Planted bugs in taking a broadcast back."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(104)
_MASK = _rng.normal(size=(3, 4)) > 0


def _from_the_left(g: Any, y: Any, x: Any, b: Any) -> Any:
    return g.copy(), g.sum(axis=tuple(range(b.ndim, g.ndim)))


def _squeezed(g: Any, y: Any, a: Any, b: Any) -> Any:
    ones = tuple(i for i, n in enumerate(a.shape) if n == 1)
    return (g * b).sum(axis=ones), g * a


def _token_mean(g: Any, y: Any, x: Any, w: Any) -> Any:
    return g @ w.T, np.einsum("btd,bte->bde", x, g).sum(axis=0) / x.shape[1]


def _prelu(x: Any, a: Any) -> Any:
    return np.where(x > 0, x, a[:, None, None] * x)


def _prelu_rule(g: Any, y: Any, x: Any, a: Any) -> Any:
    da = (g * np.where(x > 0, 0, x)).sum(axis=1)
    return np.where(x > 0, g, a[:, None, None] * g), da[:, -1]


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "broadcast", f, vjp, list(primals))


BROADCAST = [
    _rule("bias aligned from the left", np.add, _from_the_left, _normal(3, 3), _normal(3)),
    _rule(
        "bias given the mean",
        np.subtract,
        lambda g, y, x, b: (g.copy(), -g.mean(axis=0)),
        *(_normal(4, 3), _normal(3)),
    ),
    _rule(
        "a 0-d scale given an axis",
        np.multiply,
        lambda g, y, x, s: (g * s, (g * x).sum().reshape(1)),
        *(_normal(5), np.array(1.5)),
    ),
    _rule(
        "outer product loses its size-1 axis",
        np.multiply,
        lambda g, y, a, b: ((g * b).sum(axis=1), (g * a).sum(axis=0, keepdims=True)),
        *(_normal(3, 1), _normal(1, 4)),
    ),
    _rule(
        "divisor's gradient left at full size",
        np.divide,
        lambda g, y, x, b: (g / b, -g * y / b),
        *(_normal(4, 3), 1 + _rng.random(3)),
    ),
    _rule(
        "maximum with a row, first row only",
        np.maximum,
        lambda g, y, x, b: (g * (x > b), (g * (x <= b))[:1]),
        *(_normal(4, 3), _normal(1, 3)),
    ),
    _rule(
        "fill value of a mask gets everything",
        lambda x, v: np.where(_MASK, v, x),
        lambda g, y, x, v: (np.where(_MASK, 0, g), g.sum()),
        *(_normal(3, 4), np.array(0.5)),
    ),
    _rule(
        "weights averaged over time, summed over the batch",
        np.matmul,
        _token_mean,
        *(_normal(2, 3, 4), _normal(4, 2)),
    ),
    _rule(
        "size-1 axes squeezed though nothing was broadcast",
        np.multiply,
        _squeezed,
        *_normal(2, 1, 4),
    ),
    _rule(
        "centred rows, mean without keepdims",
        lambda x: x - x.mean(axis=1, keepdims=True),
        lambda g, y, x: g - g.mean(axis=1),
        _normal(4, 4),
    ),
    _rule(
        "channel slopes read off the last column", _prelu, _prelu_rule, _normal(2, 3, 4), _normal(2)
    ),
]
