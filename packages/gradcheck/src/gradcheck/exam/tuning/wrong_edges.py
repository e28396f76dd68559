"""Planted bugs where inputs are special (zeros, ties, ends) or cotangents are not ordinary."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import cos_rule, normals, relu, softmax, softplus

normal = normals(7105)


def naive_softmax_vjp(g: Any, y: Any, x: Any) -> Any:
    """Softmax's rule that computes the output again, and overflows."""
    e = np.exp(x)
    y = e / e.sum(-1, keepdims=True)
    return y * (g - (g * y).sum(-1, keepdims=True))


def sinc_vjp(g: Any, y: Any, x: Any) -> Any:
    """sinc's rule by the quotient, which has no value at 0."""
    return g * (np.cos(np.pi * x) / x - np.sin(np.pi * x) / (np.pi * x * x))


def lower_middle(g: Any, y: Any, x: Any) -> Any:
    """The median's rule that gives all to one of the two middle elements."""
    grad = np.zeros_like(x)
    grad[np.argsort(x)[(x.size - 1) // 2]] = g
    return grad


def last_forgotten(g: Any, y: Any, x: Any) -> Any:
    """The rule of ``np.diff`` that leaves the last element at zero."""
    grad = np.zeros_like(x)
    grad[:-1] -= g
    grad[1:-1] += g[:-1]
    return grad


def huber(x: Any) -> Any:
    """Quadratic up to 1, linear beyond."""
    return np.where(np.abs(x) <= 1, x * x / 2, np.abs(x) - 0.5)


def pooled(x: Any) -> Any:
    """The maxima of neighbours, two by two: (2 n,) -> (n,)."""
    return x.reshape(-1, 2).max(1)


KIND = "edge"

EDGE = [
    Rule(
        "prod by division",
        KIND,
        np.prod,
        lambda g, y, x: g * y / x,
        [np.array([2.0, 0.0, 3.0])],
    ),
    Rule("relu by division", KIND, relu, lambda g, y, x: g * (y / x), [np.array([1.0, 0.0, -2.0])]),
    Rule(
        "relu'(0) = 2",
        KIND,
        relu,
        lambda g, y, x: g * ((x > 0) + x.dtype.type(2) * (x == 0)),
        [np.array([0.0, 1.0])],
    ),
    Rule(
        "abs'(0) = 3",
        KIND,
        np.abs,
        lambda g, y, x: g * np.where(x == 0, x.dtype.type(3), np.sign(x)),
        [np.array([0.0, 1.0, -2.0])],
    ),
    Rule("sinc at 0", KIND, np.sinc, sinc_vjp, [np.array([0.0, 0.5])]),
    Rule(
        "norm at 0",
        KIND,
        lambda x: np.sqrt((x * x).sum(-1)),
        lambda g, y, x: g[:, None] * x / y[:, None],
        [np.array([[0.0, 0.0], [3.0, 4.0]])],
    ),
    Rule(
        "power at 0 by division",
        KIND,
        lambda x: x**4,
        lambda g, y, x: 4 * g * y / x,
        [np.array([0.0, 1.0, -0.5])],
    ),
    Rule(
        "exponent's gradient at 0",
        KIND,
        np.power,
        lambda g, y, a, b: (g * b * a ** (b - 1), g * y * np.log(a)),
        [np.array([0.0, 2.0]), np.array([2.0, 3.0])],
        {"domain": [(0.0, None), (0.5, None)]},
    ),
    Rule(
        "masked after dividing",
        KIND,
        lambda x: np.where(x > 1, np.log(np.maximum(x, 1)), 0),
        lambda g, y, x: g * (x > 1) / x,
        [np.array([0.0, 0.5, 3.0])],
    ),
    Rule(
        "x**2.5 at its end",
        KIND,
        lambda x: x**2.5,
        lambda g, y, x: x.dtype.type(2.5) * g * y / x,
        [np.array([0.0, 1.0])],
        {"domain": (0.0, None)},
    ),
    Rule(
        "exp overflows",
        KIND,
        softplus,
        lambda g, y, x: g * np.exp(x) / (1 + np.exp(x)),
        [np.array([1000.0, 1.0, -2.0])],
    ),
    Rule(
        "float32 exp overflows",
        KIND,
        softplus,
        lambda g, y, x: g * np.exp(x) / (1 + np.exp(x)),
        [np.array([100.0, 1.0, -2.0])],
    ),
    Rule(
        "softmax overflows",
        KIND,
        softmax,
        naive_softmax_vjp,
        [np.array([[0.0, 1000.0, 1001.0], [1.0, 2.0, 3.0]])],
    ),
    Rule(
        "hypot overflows",
        KIND,
        np.hypot,
        lambda g, y, a, b: (g * a / np.sqrt(a * a + b * b), g * b / np.sqrt(a * a + b * b)),
        [np.array([1e200, 1.0]), np.array([2e200, 1.0])],
    ),
    Rule(
        "max with ties",
        KIND,
        np.max,
        lambda g, y, x: g * (x == y),
        [np.array([1.0, 2.0, 2.0])],
    ),
    Rule(
        "row max with ties",
        KIND,
        lambda x: x.max(1),
        lambda g, y, x: g[:, None] * (x == y[:, None]),
        [np.array([[1.0, 2.0, 2.0], [3.0, 1.0, 0.0]])],
    ),
    Rule(
        "maximum with ties",
        KIND,
        np.maximum,
        lambda g, y, a, b: (g * (a >= b), g * (b >= a)),
        [np.array([1.0, 2.0]), np.array([1.0, 3.0])],
    ),
    Rule(
        "maximum with ties, to nobody",
        KIND,
        np.maximum,
        lambda g, y, a, b: (g * (a > b), g * (b > a)),
        [np.array([1.0, 2.0]), np.array([1.0, 3.0])],
    ),
    Rule(
        "pool with ties",
        KIND,
        pooled,
        lambda g, y, x: np.repeat(g, 2) * (x == np.repeat(y, 2)),
        [np.array([1.0, 1.0, 3.0, 2.0])],
    ),
    Rule("median of four", KIND, np.median, lower_middle, [np.array([3.0, 1.0, 7.0, 4.0])]),
    Rule("last element forgotten", KIND, np.diff, last_forgotten, [normal(6)]),
    Rule(
        "huber, quadratic everywhere",
        KIND,
        huber,
        lambda g, y, x: g * x,
        [np.array([0.5, -0.2, 3.0])],
    ),
    Rule(
        "clip lets all through",
        KIND,
        lambda x: np.clip(x, 0, 1),
        lambda g, y, x: g.copy(),
        [np.array([-1.0, 0.5, 2.0])],
    ),
    Rule(
        "fails for 0-d",
        KIND,
        np.sin,
        lambda g, y, x: g * np.cos(x[:]),
        [normal(3)],
        {"sizes": True},
    ),
    Rule(
        "empty loses its shape",
        KIND,
        np.sin,
        lambda g, y, x: cos_rule(g, y, x) if x.size else np.zeros(0),
        [normal(2, 3)],
        {"sizes": True},
    ),
    Rule(
        "fails for empty",
        KIND,
        np.sin,
        lambda g, y, x: cos_rule(g, y, x) * (1 + 0 * x.max()),
        [normal(3)],
        {"sizes": True},
    ),
]


def clipped(limit: float) -> Any:
    """sin's rule that clips its cotangent."""
    return lambda g, y, x: np.clip(g, -limit, limit) * np.cos(x)


def one_for_both(g: Any, y: Any, x: Any) -> Any:
    """The rule of (sin, cos) that hears the first cotangent alone."""
    return g[0] * np.cos(x) - g[0] * np.sin(x)


COTANGENT = [
    Rule("ignores g", "cotangent", np.sin, lambda g, y, x: np.cos(x), [normal(5)]),
    Rule("mean of g", "cotangent", np.sin, lambda g, y, x: g.mean() * np.cos(x), [normal(5)]),
    Rule("g squared", "cotangent", np.sin, lambda g, y, x: g * g * np.cos(x), [normal(5)]),
    Rule("sign of g", "cotangent", np.sin, lambda g, y, x: np.sign(g) * np.cos(x), [normal(5)]),
    Rule("size of g", "cotangent", np.abs, lambda g, y, x: np.abs(g) * np.sign(x), [normal(5)]),
    Rule("affine in g", "cotangent", np.sin, lambda g, y, x: g * np.cos(x) + 1e-6, [normal(5)]),
    Rule("tanh of g", "cotangent", np.sin, lambda g, y, x: np.tanh(g) * np.cos(x), [normal(5)]),
    Rule("g clipped at 1", "cotangent", np.sin, clipped(1), [normal(5)]),
    Rule("g clipped at 10", "cotangent", np.sin, clipped(10), [normal(5)]),
    Rule("g clipped at 100", "cotangent", np.sin, clipped(100), [normal(5)]),
    Rule(
        "small g dropped",
        "cotangent",
        np.sin,
        lambda g, y, x: g * (np.abs(g) > 1e-2) * np.cos(x),
        [normal(5)],
    ),
    Rule(
        "tiny g dropped",
        "cotangent",
        np.sin,
        lambda g, y, x: g * (np.abs(g) > 1e-6) * np.cos(x),
        [normal(5)],
    ),
    Rule(
        "large g dropped",
        "cotangent",
        np.sin,
        lambda g, y, x: g * (np.abs(g) < 20) * np.cos(x),
        [normal(5)],
    ),
    Rule(
        "positive g only",
        "cotangent",
        np.sin,
        lambda g, y, x: np.maximum(g, 0) * np.cos(x),
        [normal(5)],
    ),
    Rule(
        "norm of g clipped",
        "cotangent",
        np.sin,
        lambda g, y, x: g * np.minimum(1, 50 / np.sqrt((g * g).sum() + 1)) * np.cos(x),
        [normal(5)],
    ),
    Rule(
        "g of the first output for both",
        "cotangent",
        lambda x: (np.sin(x), np.cos(x)),
        one_for_both,
        [normal(4)],
    ),
]

RULES = [*EDGE, *COTANGENT]
