"""Planted bugs in axes: broadcasting not undone, sums over the wrong axis, entries misplaced."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import convolve, normals, softmax, summed, take, take_vjp

normal = normals(7102)


def wrong_axis(g: Any, y: Any, x: Any) -> Any:
    """Softmax's rule that sums over the first axis."""
    return y * (g - (g * y).sum(0, keepdims=True))


def last_write_wins(g: Any, y: Any, table: Any, ids: Any) -> Any:
    """The rule of taking rows, where rows taken twice overwrite each other."""
    grad = np.zeros_like(table)
    grad[ids] += g
    return grad, None


def mirrored_kernel(g: Any, y: Any, x: Any, w: Any) -> Any:
    """Correlation's rule with the kernel turned round."""
    length, dx, dw = g.shape[1], np.zeros_like(x), np.zeros_like(w)
    for k in range(len(w)):
        dx[:, k : k + length] += g * w[len(w) - 1 - k]
        dw[k] = (g * x[:, k : k + length]).sum()
    return dx, dw


def bias_of_first_row(g: Any, y: Any, x: Any, w: Any, b: Any) -> Any:
    """An affine layer's rule that takes the bias's gradient from the first row."""
    return g @ w.T, x.T @ g, g[0].copy()


M, N = normal(4, 4), normal(4, 4)

BROADCAST = [
    Rule(
        "not un-broadcast",
        "broadcast",
        np.add,
        lambda g, y, a, b: (g.copy(), g.copy()),
        [normal(3, 4), normal(4)],
    ),
    Rule(
        "un-broadcast to (4,)",
        "broadcast",
        np.add,
        lambda g, y, a, b: (g.copy(), g.sum(0)),
        [normal(3, 4), normal(1, 4)],
    ),
    Rule(
        "un-broadcast by mean",
        "broadcast",
        np.add,
        lambda g, y, a, b: (g.copy(), g.mean(0)),
        [normal(3, 4), normal(4)],
    ),
    Rule(
        "un-broadcast takes first",
        "broadcast",
        np.multiply,
        lambda g, y, a, b: (g * b, (g * a)[0].copy()),
        [normal(3, 4), normal(4)],
    ),
    Rule(
        "un-broadcast size 1",
        "broadcast",
        np.multiply,
        lambda g, y, a, b: (g * b, summed(g * a, b.shape)),
        [normal(3, 1), normal(3, 4)],
    ),
    Rule(
        "un-broadcast over the wrong axis",
        "broadcast",
        np.multiply,
        lambda g, y, a, b: (g * b, (g * a).sum(1)),
        [normal(4, 4), normal(4)],
    ),
    Rule(
        "un-broadcast too early",
        "broadcast",
        np.multiply,
        lambda g, y, a, b: (g * b, g.sum(0) * a.sum(0)),
        [normal(3, 4), normal(4)],
    ),
    Rule(
        "bias of the first row",
        "broadcast",
        lambda x, w, b: x @ w + b,
        bias_of_first_row,
        [normal(3, 2), normal(2, 4), normal(4)],
    ),
    Rule(
        "scalar not summed",
        "broadcast",
        np.multiply,
        lambda g, y, a, s: (g * s, (g * a).reshape(-1)[0].copy()),
        [normal(3, 2), np.array(0.7)],
    ),
]

AXIS = [
    Rule(
        "mean by wrong axis",
        "axis",
        lambda x: x.mean(1),
        lambda g, y, x: np.repeat(g[:, None], 4, 1) / x.dtype.type(3),
        [normal(3, 4)],
    ),
    Rule("softmax over the wrong axis", "axis", softmax, wrong_axis, [normal(3, 3)]),
    Rule("transposed square", "axis", np.matmul, lambda g, y, a, b: (b @ g.T, a.T @ g), [M, N]),
    Rule("transpose missing", "axis", np.matmul, lambda g, y, a, b: (g @ b, a.T @ g), [M, N]),
    Rule("inputs swapped", "axis", np.matmul, lambda g, y, a, b: (a.T @ g, g @ b.T), [M, N]),
    Rule(
        "transposed shape",
        "axis",
        np.matmul,
        lambda g, y, a, b: ((g @ b.T).T, a.T @ g),
        [normal(2, 3), normal(3, 4)],
    ),
    Rule(
        "large matmul, one input",
        "axis",
        np.matmul,
        lambda g, y, a, b: (g @ b.T, np.triu(a.T @ g)),
        [normal(40, 40), normal(40, 40)],
    ),
    Rule(
        "sum repeated along the wrong axis",
        "axis",
        lambda x: x.sum(0),
        lambda g, y, x: np.repeat(g[:, None], x.shape[0], 1),
        [normal(4, 4)],
    ),
    Rule("cumsum not reversed", "axis", np.cumsum, lambda g, y, x: np.cumsum(g), [normal(6)]),
    Rule(
        "flip forgotten",
        "axis",
        lambda x: x[::-1].copy(),
        lambda g, y, x: g.copy(),
        [normal(6)],
    ),
    Rule(
        "axes permuted twice",
        "axis",
        lambda x: x.transpose(1, 2, 0).copy(),
        lambda g, y, x: g.transpose(1, 2, 0).copy(),
        [normal(3, 3, 3)],
    ),
    Rule(
        "sort with inverse",
        "axis",
        np.sort,
        lambda g, y, x: g[np.argsort(x)],
        [np.array([0.3, 2.0, -1.0, 5.0, 4.0])],
    ),
    Rule("gather overwrites", "axis", take, last_write_wins, [normal(3, 2), np.array([0, 2, 2])]),
    Rule(
        "gather off by one",
        "axis",
        take,
        lambda g, y, t, i: (np.roll(take_vjp(g, y, t, i)[0], 1, 0), None),
        [normal(3, 2), np.array([0, 1])],
    ),
    Rule("kernel not mirrored", "axis", convolve, mirrored_kernel, [normal(2, 7), normal(3)]),
    Rule(
        "rolled the wrong way",
        "axis",
        lambda x: np.roll(x, 2),
        lambda g, y, x: np.roll(g, 2),
        [normal(7)],
    ),
    Rule(
        "parts exchanged",
        "axis",
        lambda a, b: np.concatenate([a, b]),
        lambda g, y, a, b: (g[3:].copy(), g[:3].copy()),
        [normal(3), normal(3)],
    ),
]

RULES = [*BROADCAST, *AXIS]
