"""Correct rules whose functions are hard on differences: stiff, cancelling, oscillating, flat."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import (
    cos_rule,
    layer_norm,
    layer_norm_vjp,
    normals,
    sigmoid,
    softmax,
    softmax_vjp,
    softplus,
)

normal = normals(7202)


def tanh_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of tanh."""
    return g * (1 - y * y)


def versine(x: Any) -> Any:
    """``(1 - cos x) / x x`` as it stands."""
    return (1 - np.cos(x)) / x**2


def versine_vjp(g: Any, y: Any, x: Any) -> Any:
    """The rule of :func:`versine`, by its series where the quotient would lose all digits."""
    series = x * (-1 / 12 + x**2 / 180 - x**4 / 6720 + x**6 / 453600)
    return g * np.where(x < 0.1, series, (np.sin(x) * x - 2 * (1 - np.cos(x))) / x**3)


def far_variance(x: Any) -> Any:
    """The variance of numbers around 10^4."""
    return np.var(1e4 + x)


SCALE = [
    Rule("sin of 1e4", "oscillating", np.sin, cos_rule, [np.array([1e4, 1.2e4, -3e4])]),
    Rule(
        "sin 1e4 x",
        "oscillating",
        lambda x: np.sin(1e4 * x),
        lambda g, y, x: 1e4 * g * np.cos(1e4 * x),
        [normal(5)],
    ),
    Rule(
        "chirp",
        "oscillating",
        lambda x: np.sin(1e3 * x * x),
        lambda g, y, x: 2e3 * g * x * np.cos(1e3 * x * x),
        [normal(4)],
    ),
    Rule(
        "sin of 1 / x",
        "oscillating",
        lambda x: np.sin(1 / x),
        lambda g, y, x: -g * np.cos(1 / x) / (x * x),
        [np.array([0.01, -0.02, 0.3])],
    ),
    Rule(
        "a ripple on a slope",
        "oscillating",
        lambda x: x + 1e-3 * np.sin(1e3 * x),
        lambda g, y, x: g * (1 + np.cos(1e3 * x)),
        [normal(4)],
    ),
    Rule(
        "inputs of 1e-7",
        "scale",
        lambda x: np.sin(1e7 * x),
        lambda g, y, x: 1e7 * g * np.cos(1e7 * x),
        [1e-7 * normal(5)],
    ),
    Rule(
        "inputs of 1e12",
        "scale",
        lambda x: np.sin(1e-12 * x),
        lambda g, y, x: 1e-12 * g * np.cos(1e-12 * x),
        [1e12 * normal(5)],
    ),
    Rule(
        "outputs of 1e-7", "scale", lambda x: 1e-7 * np.exp(x), lambda g, y, x: g * y, [normal(5)]
    ),
    Rule(
        "outputs of 1e12",
        "scale",
        lambda x: 1e12 * np.tanh(x),
        lambda g, y, x: 1e12 * g * (1 - np.tanh(x) ** 2),
        [normal(5)],
    ),
    Rule(
        "outputs of 1e12 and 1",
        "scale",
        lambda x: x * np.array([1e12, 1.0]),
        lambda g, y, x: g * np.array([1e12, 1.0], x.dtype),
        [normal(2)],
    ),
    Rule(
        "exp from -30 to 200",
        "scale",
        np.exp,
        lambda g, y, x: g * y,
        [np.array([-30.0, 0.0, 1.0, 30.0, 200.0])],
    ),
    Rule(
        "hypot of 1e200",
        "scale",
        np.hypot,
        lambda g, y, a, b: (g * (a / y), g * (b / y)),
        [np.array([1e200, 1.0]), np.array([2e200, 1.0])],
    ),
    Rule(
        "stiff exp",
        "stiff",
        lambda x: np.exp(-1e6 * x),
        lambda g, y, x: -1e6 * g * y,
        [np.array([1e-6, 5e-7])],
    ),
    Rule(
        "stiff tanh",
        "stiff",
        lambda x: np.tanh(1e8 * x),
        lambda g, y, x: 1e8 * g * (1 - y * y),
        [np.array([1e-8, -5e-9, 2e-8])],
    ),
    Rule(
        "stiff arctan",
        "stiff",
        lambda x: np.arctan(1e6 * x),
        lambda g, y, x: 1e6 * g / (1 + (1e6 * x) ** 2),
        [np.array([1e-6, 0.0, -1e-4, 0.5])],
    ),
    Rule(
        "log near 0",
        "stiff",
        np.log,
        lambda g, y, x: g / x,
        [np.array([1e-9, 1e-3, 1.0])],
        {"domain": (0.0, None)},
    ),
    Rule(
        "reciprocal near 0",
        "stiff",
        lambda x: 1 / x,
        lambda g, y, x: -g * y * y,
        [np.array([1e-5, -2e-3, 3.0])],
    ),
    Rule(
        "tan near its pole",
        "stiff",
        np.tan,
        lambda g, y, x: g * (1 + y * y),
        [np.array([1.57, -1.5, 0.2])],
    ),
]

CANCELLING = [
    Rule(
        "cancelling", "cancelling", lambda x: (1e8 + x) - 1e8, lambda g, y, x: g.copy(), [normal(4)]
    ),
    Rule(
        "cancelling badly",
        "cancelling",
        lambda x: (1e13 + x) - 1e13,
        lambda g, y, x: g.copy(),
        [normal(4)],
        inconclusive=True,
    ),
    Rule(
        "lost in rounding",
        "cancelling",
        lambda x: 1e20 + x,
        lambda g, y, x: g.copy(),
        [normal(3)],
        inconclusive=True,
    ),
    Rule("one minus cos", "cancelling", versine, versine_vjp, [np.array([1e-3, 0.1, 2.0])]),
    Rule(
        "log(1 + x)",
        "cancelling",
        lambda x: np.log(1 + x),
        lambda g, y, x: g / (1 + x),
        [np.array([1e-8, 1e-4, 0.5])],
        {"domain": (-1.0, None)},
    ),
    Rule(
        "exp(x) - 1",
        "cancelling",
        lambda x: np.exp(x) - 1,
        lambda g, y, x: g * np.exp(x),
        [np.array([1e-8, -1e-5, 0.5])],
    ),
    Rule(
        "roots that differ little",
        "cancelling",
        lambda x: np.sqrt(x + 1) - np.sqrt(x),
        lambda g, y, x: g * (0.5 / np.sqrt(x + 1) - 0.5 / np.sqrt(x)),
        [np.array([1e4, 10.0])],
        {"domain": (0.0, None)},
    ),
    Rule(
        "variance far from 0",
        "cancelling",
        far_variance,
        lambda g, y, x: 2 * g * (x - x.mean()) / x.dtype.type(x.size),
        [normal(5)],
    ),
    Rule("layer norm far from 0", "cancelling", layer_norm, layer_norm_vjp, [1e4 + normal(2, 5)]),
    Rule(
        "polynomial at its roots",
        "cancelling",
        lambda x: (x - 1) * (x - 2) * (x - 3),
        lambda g, y, x: g * (3 * x * x - 12 * x + 11),
        [np.array([1.0, 2.0, 3.0, 1.4226497])],
    ),
    Rule(
        "quartic at 0",
        "cancelling",
        lambda x: x**4,
        lambda g, y, x: 4 * g * x**3,
        [np.array([0.0, 1e-3, 2.0])],
    ),
]

SATURATED = [
    Rule("tanh saturated", "saturated", np.tanh, tanh_vjp, [np.array([20.0, 1.0, -19.5, 0.1])]),
    Rule(
        "all saturated", "saturated", np.tanh, tanh_vjp, [np.array([20.0, 18.0])], inconclusive=True
    ),
    Rule(
        "sigmoid saturated",
        "saturated",
        sigmoid,
        lambda g, y, x: g * y * (1 - y),
        [np.array([30.0, -30.0, 0.5])],
    ),
    Rule(
        "softplus at both ends",
        "saturated",
        softplus,
        lambda g, y, x: g / (1 + np.exp(-x)),
        [np.array([-40.0, 50.0, 0.2])],
    ),
    Rule(
        "softmax saturated",
        "saturated",
        softmax,
        softmax_vjp,
        [np.array([[0.0, 1000.0, -1000.0], [1.0, 2.0, 3.0]])],
    ),
    Rule(
        "gauss, far out",
        "saturated",
        lambda x: np.exp(-x * x),
        lambda g, y, x: -2 * g * x * y,
        [np.array([5.0, -6.0, 0.3])],
    ),
]

RULES = [*SCALE, *CANCELLING, *SATURATED]
