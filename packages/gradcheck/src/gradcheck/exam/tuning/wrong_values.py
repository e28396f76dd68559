"""Planted bugs in the value of a gradient: signs, factors, terms, and single entries."""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import (
    cross_entropy,
    layer_norm,
    log_softmax,
    normals,
    sigmoid,
    softmax,
    softplus,
    sort_vjp,
)

normal = normals(7101)


def one_entry(size: float) -> Callable[..., Any]:
    """sin's rule with one entry wrong by a relative amount."""

    def vjp(g: Any, y: Any, x: Any) -> Any:
        grad = g * np.cos(x)
        grad.reshape(-1)[7321 % grad.size] *= 1 + size
        return grad

    return vjp


def no_mean_term(g: Any, y: Any, x: Any) -> Any:
    """Layer norm's rule without the mean of the cotangent."""
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return scale * (g - y * (g * y).mean(-1, keepdims=True))


def no_eps(g: Any, y: Any, x: Any) -> Any:
    """Layer norm's rule without the constant under the root."""
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True))
    return scale * (g - g.mean(-1, keepdims=True) - y * (g * y).mean(-1, keepdims=True))


def no_one_hot(g: Any, y: Any, x: Any, labels: Any) -> Any:
    """Cross entropy's rule that takes 1 from the first label of every row."""
    grad = softmax(x)
    grad[:, labels[0]] -= 1
    return g * grad / x.dtype.type(len(labels)), None


def zero_at_last(g: Any, y: Any, x: Any) -> Any:
    """A rule of ``tanh(x).sum(0)`` that leaves out the last column."""
    return np.where(np.arange(x.shape[1]) == x.shape[1] - 1, 0, g * (1 - np.tanh(x) ** 2))


def swapped_pair(g: Any, y: Any, x: Any) -> Any:
    """sin's rule with two neighbouring entries exchanged."""
    grad = g * np.cos(x)
    grad[[4000, 4001]] = grad[[4001, 4000]]
    return grad


VALUE = [
    Rule("sign", "value", np.sin, lambda g, y, x: -g * np.cos(x), [normal(5)]),
    Rule(
        "sign of one input",
        "value",
        np.subtract,
        lambda g, y, a, b: (g.copy(), g.copy()),
        [normal(3), normal(3)],
    ),
    Rule("factor 2", "value", np.square, lambda g, y, x: g * x, [normal(5)]),
    Rule("factor 1/2", "value", lambda x: x * x / 2, lambda g, y, x: 2 * g * x, [normal(5)]),
    Rule("factor 1.001", "value", np.sin, lambda g, y, x: 1.001 * g * np.cos(x), [normal(5)]),
    Rule(
        "factor 1 + 1e-9",
        "value",
        np.sin,
        lambda g, y, x: (1 + 1e-9) * g * np.cos(x),
        [normal(5)],
    ),
    Rule("mean without 1/n", "value", np.mean, lambda g, y, x: np.full(x.shape, g), [normal(3, 4)]),
    Rule(
        "sum with 1/n",
        "value",
        np.sum,
        lambda g, y, x: np.full(x.shape, g / x.dtype.type(x.size)),
        [normal(6)],
    ),
    Rule(
        "var with n - 1",
        "value",
        np.var,
        lambda g, y, x: 2 * g * (x - x.mean()) / x.dtype.type(x.size - 1),
        [normal(6)],
    ),
    Rule("softmax without the sum", "value", softmax, lambda g, y, x: y * g, [normal(3, 4)]),
    Rule("softmax diagonal", "value", softmax, lambda g, y, x: g * y * (1 - y), [normal(2, 5)]),
    Rule(
        "log softmax without exp",
        "value",
        log_softmax,
        lambda g, y, x: g - y * g.sum(-1, keepdims=True),
        [normal(2, 3)],
    ),
    Rule(
        "log softmax for g = 1",
        "value",
        log_softmax,
        lambda g, y, x: g - np.exp(y) * x.dtype.type(x.shape[-1]),
        [normal(2, 3)],
    ),
    Rule("layer norm without a mean", "value", layer_norm, no_mean_term, [normal(3, 5)]),
    Rule("layer norm without eps", "value", layer_norm, no_eps, [normal(3, 5)]),
    Rule("layer norm, large", "value", layer_norm, no_mean_term, [normal(64, 64)]),
    Rule("tanh with x for y", "value", np.tanh, lambda g, y, x: g * (1 - x * x), [normal(5)]),
    Rule(
        "product rule half",
        "value",
        lambda x: x * np.exp(x),
        lambda g, y, x: g * np.exp(x),
        [normal(5)],
    ),
    Rule("sigmoid without a factor", "value", sigmoid, lambda g, y, x: g * (1 - y), [normal(5)]),
    Rule("power off by one", "value", lambda x: x**3, lambda g, y, x: 3 * g * x, [normal(5)]),
    Rule(
        "log base",
        "value",
        np.log10,
        lambda g, y, x: g / x,
        [np.abs(normal(5)) + 0.1],
        {"domain": (0.0, None)},
    ),
    Rule(
        "quotient without a square",
        "value",
        np.divide,
        lambda g, y, a, b: (g / b, -g * a / b),
        [normal(4), 2 + np.abs(normal(4))],
    ),
    Rule(
        "exponent's gradient without log",
        "value",
        np.power,
        lambda g, y, a, b: (g * b * a ** (b - 1), g * y),
        [1.5 + np.abs(normal(4)), normal(4)],
    ),
    Rule(
        "cross entropy, one label",
        "value",
        cross_entropy,
        no_one_hot,
        [normal(4, 3), np.arange(4) % 3],
    ),
    Rule(
        "softplus by its output",
        "value",
        softplus,
        lambda g, y, x: g * sigmoid(y),
        [normal(5)],
    ),
    Rule(
        "arctan's x not squared",
        "value",
        np.arctan,
        lambda g, y, x: g / (1 + np.abs(x)),
        [normal(5)],
    ),
    Rule(
        "None for a used input",
        "value",
        np.multiply,
        lambda g, y, a, b: (g * b, None),
        [normal(3), normal(3)],
    ),
    Rule(
        "zeros for a used input",
        "value",
        np.multiply,
        lambda g, y, a, b: (g * b, 0 * b),
        [normal(3), normal(3)],
    ),
    Rule(
        "gradient for an unused input",
        "value",
        lambda a, b: np.sin(a),
        lambda g, y, a, b: (g * np.cos(a), g.copy()),
        [normal(3), normal(3)],
    ),
    Rule(
        "scaled, large",
        "value",
        np.sin,
        lambda g, y, x: x.dtype.type(1.001) * g * np.cos(x),
        [normal(10_000)],
    ),
    Rule("sort of many", "value", np.sort, lambda g, y, x: 0 * sort_vjp(g, y, x), [normal(600)]),
]

SCALE = [
    Rule(
        "inputs of 1e-7",
        "scale",
        lambda x: np.sin(1e7 * x),
        lambda g, y, x: 1.001e7 * g * np.cos(1e7 * x),
        [1e-7 * normal(4)],
    ),
    Rule(
        "outputs of 1e-7",
        "scale",
        lambda x: 1e-7 * np.sin(x),
        lambda g, y, x: 1.001e-7 * g * np.cos(x),
        [normal(4)],
    ),
    Rule(
        "outputs of 1e-7, sign",
        "scale",
        lambda x: 1e-7 * np.sin(x),
        lambda g, y, x: -1e-7 * g * np.cos(x),
        [normal(4)],
    ),
    Rule(
        "inputs of 1e12",
        "scale",
        lambda x: np.sin(1e-12 * x),
        lambda g, y, x: 1.001e-12 * g * np.cos(1e-12 * x),
        [1e12 * normal(4)],
    ),
    Rule(
        "inputs of 1e12, zeros",
        "scale",
        lambda x: np.sin(1e-12 * x),
        lambda g, y, x: 0 * g * x,
        [1e12 * normal(4)],
    ),
    Rule(
        "outputs of 1e12",
        "scale",
        lambda x: 1e12 * np.sin(x),
        lambda g, y, x: 1.001e12 * g * np.cos(x),
        [normal(4)],
    ),
    Rule(
        "one small output wrong",
        "scale",
        lambda x: x * np.array([1e12, 1.0]),
        lambda g, y, x: g * np.array([1e12, 1.001], x.dtype),
        [normal(2)],
    ),
    Rule(
        "a small input beside a large one",
        "scale",
        lambda a, b: 1e6 * a + 1e-3 * np.sin(b),
        lambda g, y, a, b: (1e6 * g, 1.01e-3 * g * np.cos(b)),
        [normal(3), normal(3)],
    ),
]

ONE_ENTRY = [
    Rule("one of 100", "one entry", np.sin, one_entry(1e-3), [normal(100)]),
    Rule("one of 10^4", "one entry", np.sin, one_entry(1e-3), [normal(100, 100)]),
    Rule("one of 10^4, slightly", "one entry", np.sin, one_entry(1e-7), [normal(10_000)]),
    Rule(
        "one of 10^4 in a sum",
        "one entry",
        lambda x: np.sin(x).sum(),
        one_entry(1e-3),
        [normal(10_000)],
    ),
    Rule("one of 10^4 float32", "one entry", np.sin, one_entry(1e-2), [normal(10_000).astype("f")]),
    Rule("one of 10^5", "one entry", np.sin, one_entry(1e-3), [normal(100_000)]),
    Rule("two of 10^4 exchanged", "one entry", np.sin, swapped_pair, [normal(10_000)]),
    Rule(
        "zero left in a large one",
        "one entry",
        lambda x: np.tanh(x).sum(0),
        zero_at_last,
        [normal(2, 5000)],
    ),
]

RULES = [*VALUE, *SCALE, *ONE_ENTRY]
