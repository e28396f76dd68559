"""Rules as they are written every day, at any size, for the comparison of times."""

import math
from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.correct_edges import gelu, gelu_vjp, matmul_vjp, tanh_vjp
from gradcheck.exam.tuning.functions import (
    convolve,
    convolve_vjp,
    cross_entropy,
    cross_entropy_vjp,
    layer_norm,
    layer_norm_vjp,
    log_softmax,
    log_softmax_vjp,
    softmax,
    softmax_vjp,
    take,
    take_vjp,
)


def add_vjp(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of a matrix plus a row."""
    return g.copy(), g.sum(0)


def everyday(size: int) -> list[Rule]:
    """Eleven rules whose first input has ``size`` elements, a square number.

    >>> {rule.primals[0].size for rule in everyday(100)}
    {100}
    """
    side = math.isqrt(size)
    rng = np.random.default_rng(7301)
    square, row = rng.standard_normal((side, side)), rng.standard_normal(side)
    ids, labels = rng.integers(0, side, side), rng.integers(0, side, side)
    unit = "plain"
    return [
        Rule("tanh", unit, np.tanh, tanh_vjp, [square]),
        Rule("gelu", unit, gelu, gelu_vjp, [square]),
        Rule("matrix + row", unit, np.add, add_vjp, [square, row]),
        Rule("sum", unit, np.sum, lambda g, y, x: np.full(x.shape, g), [square]),
        Rule("softmax", unit, softmax, softmax_vjp, [square]),
        Rule("log softmax", unit, log_softmax, log_softmax_vjp, [square]),
        Rule("layer norm", unit, layer_norm, layer_norm_vjp, [square]),
        Rule("matmul", unit, np.matmul, matmul_vjp, [square, square.T.copy()]),
        Rule("rows of a table", unit, take, take_vjp, [square, ids]),
        Rule("convolution", unit, convolve, convolve_vjp, [square, row[:5].copy()]),
        Rule("cross entropy", unit, cross_entropy, cross_entropy_vjp, [square, labels]),
    ]
