"""Planted bugs at edges: ties, zeros, overflow, ends of a domain, sizes 0 and 1."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(109)
_KNOTS = np.array([0.0, 1.0, 2.5, 4.0])
_HEIGHTS = np.array([1.0, 3.0, 2.0, 2.5])


def _row_norm_rule(g: Any, y: Any, x: Any) -> Any:
    n = np.sqrt((x * x).sum(axis=1, keepdims=True))
    return g[:, None] * x / n


def _interpolate(x: Any) -> Any:
    return np.interp(x, _KNOTS, _HEIGHTS).astype(x.dtype)


def _interpolate_rule(g: Any, y: Any, x: Any) -> Any:
    slopes = np.append(np.diff(_HEIGHTS) / np.diff(_KNOTS), 0)
    return (g * slopes[np.searchsorted(_KNOTS, x, side="right") - 1]).astype(x.dtype)


def _sigmoid(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def _sigmoid_rule(g: Any, y: Any, x: Any) -> Any:
    e = np.exp(-x)
    return g * e / (1 + e) ** 2


def _rowwise(g: Any, y: Any, x: Any) -> Any:
    return np.stack([2 * gi * xi for gi, xi in zip(g, x, strict=True)])


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-1e30))
    return e / e.sum(axis=-1, keepdims=True)


def _squeezed_softmax(g: Any, y: Any, x: Any) -> Any:
    inner = (g * y).sum(axis=-1, keepdims=True).squeeze()
    return y * (g - inner[:, None])


def _leaky_rule(g: Any, y: Any, x: Any) -> Any:
    return g * (x > 0) + 0.1 * g * (x < 0)


def _upper_median(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[np.argsort(x)[len(x) // 2]] = g
    return d


def _polynomial(x: Any) -> Any:
    return sum(c * x**k for k, c in enumerate([2.0, -1.0, 0.5, 3.0]))


def _polynomial_rule(g: Any, y: Any, x: Any) -> Any:
    return g * sum(c * k * x ** (k - 1.0) for k, c in enumerate([2.0, -1.0, 0.5, 3.0]))


def _angle_rule(g: Any, y: Any, s: Any, c: Any) -> Any:
    r = s / c
    return g / (c * (1 + r * r)), -g * r / (c * (1 + r * r))


def _highest(x: Any) -> Any:
    return np.sort(x)[-2:].copy()


def _highest_rule(g: Any, y: Any, x: Any) -> Any:
    return ((x[:, None] == y) * g).sum(axis=1)


def _hypot_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    n = np.sqrt(a * a + b * b)
    return g * a / n, g * b / n


_tied = np.array([0.5, 2.0, -1.0, 2.0])
_flat_row = _rng.normal(size=(3, 2))
_flat_row[1] = 0


def _rule(name: str, f: Any, vjp: Any, *primals: Any, **options: Any) -> Rule:
    return Rule(name, "edge", f, vjp, list(primals), options)


EDGE = [
    _rule("every tied maximum gets it all", np.max, lambda g, y, x: g * (x == y), _tied),
    _rule(
        "norm of a zero row divides by it",
        lambda x: np.sqrt((x * x).sum(axis=1)),
        _row_norm_rule,
        _flat_row,
    ),
    _rule(
        "product divided by its zero",
        np.prod,
        lambda g, y, x: g * y / x,
        np.array([1.5, 0.0, -2.0, 0.7]),
    ),
    _rule(
        "power 3/2 divided by x at its end",
        lambda x: x**1.5,
        lambda g, y, x: 1.5 * g * y / x,
        np.array([0.0, 0.25, 2.0]),
        domain=(0.0, 10.0),
    ),
    _rule(
        "interpolation flat at the last knot",
        _interpolate,
        _interpolate_rule,
        np.array([0.4, 1.7, 4.0]),
        domain=(0.0, 4.0),
    ),
    _rule(
        "sigmoid's slope overflows far left",
        _sigmoid,
        _sigmoid_rule,
        np.array([-800.0, -2.0, 0.5, 30.0]),
    ),
    _rule(
        "hypotenuse squares out of range",
        np.hypot,
        _hypot_rule,
        *np.array([[3e200, 1.0], [4e200, 2.0]]),
    ),
    _rule("no rows to stack", np.square, _rowwise, _rng.normal(size=(3, 2)), sizes=True),
    _rule(
        "a single row squeezed away",
        _softmax,
        _squeezed_softmax,
        _rng.normal(size=(3, 4)),
        sizes=True,
    ),
    _rule(
        "leaky relu dead at exactly zero",
        lambda x: np.where(x > 0, x, 0.1 * x),
        _leaky_rule,
        np.array([-1.0, 0.0, 2.0]),
    ),
    _rule(
        "median of an even count, upper only",
        np.median,
        _upper_median,
        np.array([3.0, -1.0, 0.5, 2.0]),
    ),
    _rule(
        "equal operands of a maximum both get it",
        np.maximum,
        lambda g, y, a, b: (g * (a >= b), g * (b >= a)),
        np.array([1.0, -2.0, 0.5]),
        np.array([0.0, -2.0, 3.0]),
    ),
    _rule(
        "polynomial's constant at zero", _polynomial, _polynomial_rule, np.array([-1.5, 0.0, 0.8])
    ),
    _rule(
        "angle on the vertical axis",
        np.arctan2,
        _angle_rule,
        np.array([1.0, 2.0, -0.5]),
        np.array([0.5, 0.0, 1.0]),
    ),
    _rule(
        "two highest tied, each paid twice",
        _highest,
        _highest_rule,
        np.array([0.3, 1.5, -1.0, 1.5]),
    ),
]
