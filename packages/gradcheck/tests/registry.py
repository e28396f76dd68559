"""A registry of one's own: the specs that tests of specs share."""

import numpy as np

from gradcheck import Arg, Axis, OpSpec


def unbroadcast(g, shape):
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    return np.array(g.sum(axis=tuple(k for k, n in enumerate(shape) if n == 1), keepdims=True))


def mul_rule(g, y, a, b):
    return unbroadcast(g * b, np.shape(a)), unbroadcast(g * a, np.shape(b))


def forgetful_mul_rule(g, y, a, b):
    """Forgets to sum over the axes that have length 1 in ``b``."""
    db = (g * a).sum(axis=tuple(range(y.ndim - b.ndim)))
    return unbroadcast(g * b, np.shape(a)), np.array(np.broadcast_to(db[: len(b)], np.shape(b)))


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def softmax_rule(g, y, x, axis):
    return y * (g - (g * y).sum(axis, keepdims=True))


def pick_rule(g, y, table, rows):
    grad = np.zeros_like(table)
    np.add.at(grad, rows, g)
    return grad, None


def total_rule(g, y, x, axis=None, keepdims=False):
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return np.array(np.broadcast_to(g, x.shape))


def largest_rule(g, y, x, axis):
    return np.expand_dims(g, axis) * (x == np.expand_dims(y, axis))


MUL = OpSpec("mul", np.multiply, mul_rule, args=[Arg(), Arg()], torch="mul")
LOG = OpSpec("log", np.log, lambda g, y, x: g / x, args=[Arg(domain=(0.0, None))])
RELU = OpSpec(
    "relu", lambda x: np.maximum(x, 0), lambda g, y, x: g * (x > 0), args=[Arg(kinks=(0,))]
)
SOFTMAX = OpSpec("softmax", softmax, softmax_rule, kwargs={"axis": Axis()})
TOTAL = OpSpec(
    "total",
    np.sum,
    total_rule,
    kwargs={"axis": Axis(several=True, none=True), "keepdims": [False, True]},
)
LARGEST = OpSpec(
    "largest",
    lambda x, axis: x.max(axis),
    largest_rule,
    args=[Arg(distinct=True)],
    kwargs={"axis": Axis()},
)
MATMUL = OpSpec(
    "matmul",
    np.matmul,
    lambda g, y, a, b: (g @ b.T, a.T @ g),
    args=[Arg(("n", "k")), Arg(("k", "m"))],
)
PICK = OpSpec(
    "pick",
    lambda table, rows: table[rows],
    pick_rule,
    args=[Arg(("n", 2)), Arg(("k",), below="n")],
)
HYPOT = OpSpec(
    "hypot",
    np.hypot,
    lambda g, y, a, b: (g * a / y, g * b / y),
    args=[Arg("same", domain=(0.0, None)), Arg("same", domain=(None, 0.0))],
)

REGISTRY = {s.name: s for s in (MUL, LOG, RELU, SOFTMAX, TOTAL, LARGEST, MATMUL, PICK, HYPOT)}
