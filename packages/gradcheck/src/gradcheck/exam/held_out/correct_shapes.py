"""Shapes and layouts out of the ordinary, several outputs, constants."""

import numpy as np

from gradcheck.exam.held_out._parts import Array, unbroadcast
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(109)


def _sum_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return unbroadcast(g, a), unbroadcast(g, b)


def _product_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return unbroadcast(g * b, a), unbroadcast(g * a, b)


def _halves(x: Array) -> tuple[Array, Array]:
    return x[:2], x[2:]


def _pair_rule(g: tuple[Array, Array], y: tuple[Array, Array], x: Array) -> Array:
    return np.asarray(g[0] * y[1] - g[1] * y[0])


def _moments(x: Array) -> tuple[Array, Array]:
    return x.mean(axis=0), x.var(axis=0)


def _moments_rule(g: tuple[Array, Array], y: tuple[Array, Array], x: Array) -> Array:
    return np.asarray((g[0] + 2 * g[1] * (x - y[0])) / x.shape[0])


def _polar(x: Array, y: Array) -> tuple[Array, Array]:
    return np.hypot(x, y), np.arctan2(y, x)


def _polar_rule(
    g: tuple[Array, Array], out: tuple[Array, Array], x: Array, y: Array
) -> tuple[Array, Array]:
    r = out[0]
    return g[0] * x / r - g[1] * y / r**2, g[0] * y / r + g[1] * x / r**2


def _pad_rule(g: Array, y: Array, x: Array) -> Array:
    return g[1:-1, 2:].copy()


def _concat_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    cut = a.shape[1]
    return g[:, :cut].copy(), g[:, cut:].copy()


def _einsum_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return np.einsum("bij,bkj->bik", g, b), np.einsum("bij,bik->bkj", g, a)


def _tile_rule(g: Array, y: Array, x: Array) -> Array:
    return np.asarray(g.reshape(2, x.shape[0], 3, x.shape[1]).sum(axis=(0, 2)))


def _cross_rule(g: Array, y: Array, a: Array, b: Array) -> tuple[Array, Array]:
    return np.cross(b, g), np.cross(g, a)


SHAPES = [
    Rule("0-d sin", "0-d", np.sin, lambda g, y, x: np.asarray(g * np.cos(x)), [np.array(0.8)]),
    Rule(
        "0-d square, NumPy's scalars",
        "0-d",
        lambda x: x * x,
        lambda g, y, x: 2 * g * x,
        [
            np.array(-1.3),
        ],
    ),
    Rule(
        "0-d times a matrix",
        "0-d",
        lambda a, b: a * b,
        _product_rule,
        [np.array(1.7), _draw.normal(size=(2, 3))],
    ),
    Rule("exp of nothing", "empty", np.exp, lambda g, y, x: g * y, [np.zeros((0, 3))]),
    Rule("sum of nothing", "empty", np.sum, lambda g, y, x: np.full_like(x, g), [np.zeros(0)]),
    Rule(
        "matmul over nothing",
        "empty",
        np.matmul,
        lambda g, y, a, b: (g @ b.T, a.T @ g),
        [np.zeros((2, 0)), np.zeros((0, 3))],
    ),
    Rule(
        "sum over axes of size 1",
        "size-1 axes",
        lambda x: x.sum(axis=(0, 2)),
        lambda g, y, x: np.broadcast_to(g[None, :, None], x.shape).copy(),
        [_draw.normal(size=(1, 3, 1))],
    ),
    Rule(
        "three axes, two of them 1 on either side",
        "size-1 axes",
        lambda a, b: a * b,
        _product_rule,
        [_draw.normal(size=(1, 3, 1)), _draw.normal(size=(2, 1, 1))],
    ),
    Rule(
        "bias of a batch",
        "broadcasting",
        lambda a, b: a + b,
        _sum_rule,
        [_draw.normal(size=(2, 3, 3)), _draw.normal(size=(3, 1))],
    ),
    Rule(
        "both sides stretched",
        "broadcasting",
        np.hypot,
        lambda g, y, a, b: (unbroadcast(g * a / y, a), unbroadcast(g * b / y, b)),
        [_draw.uniform(1, 2, size=(3, 1)), _draw.uniform(1, 2, size=(1, 4))],
    ),
    Rule(
        "square matrix plus its row",
        "broadcasting",
        lambda a, b: a * np.exp(b),
        lambda g, y, a, b: (g * np.exp(b), unbroadcast(g * y, b)),
        [_draw.normal(size=(3, 3)), _draw.normal(size=3)],
    ),
]

LAYOUTS = [
    Rule(
        "Fortran matrices",
        "layouts",
        np.matmul,
        lambda g, y, a, b: (g @ b.T, a.T @ g),
        [
            np.asfortranarray(_draw.normal(size=(3, 4))),
            np.asfortranarray(_draw.normal(size=(4, 2))),
        ],
    ),
    Rule(
        "reversed",
        "layouts",
        np.sin,
        lambda g, y, x: g * np.cos(x),
        [_draw.normal(size=6)[::-1]],
    ),
    Rule(
        "every other column",
        "layouts",
        np.exp,
        lambda g, y, x: g * y,
        [_draw.normal(size=(3, 8))[:, ::2]],
    ),
    Rule(
        "axes moved",
        "layouts",
        lambda x: np.tanh(x).sum(axis=1),
        lambda g, y, x: g[:, None] * (1 - np.tanh(x) ** 2),
        [_draw.normal(size=(2, 3, 4)).transpose(2, 0, 1)],
    ),
    Rule(
        "a view for an output",
        "layouts",
        np.transpose,
        lambda g, y, x: g.T.copy(),
        [
            _draw.normal(size=(2, 3)),
        ],
    ),
    Rule(
        "its input for an output",
        "layouts",
        lambda x: x,
        lambda g, y, x: g.copy(),
        [
            _draw.normal(size=4),
        ],
    ),
    Rule(
        "a broadcast view for an output",
        "layouts",
        lambda x: np.broadcast_to(x, (3, 4)),
        lambda g, y, x: g.sum(axis=0),
        [_draw.normal(size=4)],
    ),
    Rule(
        "pad",
        "layouts",
        lambda x: np.pad(x, ((1, 1), (2, 0))),
        _pad_rule,
        [
            _draw.normal(size=(2, 2)),
        ],
    ),
    Rule(
        "concatenation",
        "layouts",
        lambda a, b: np.concatenate([a, b], axis=1),
        _concat_rule,
        [_draw.normal(size=(2, 2)), _draw.normal(size=(2, 3))],
    ),
    Rule("tile", "layouts", lambda x: np.tile(x, (2, 3)), _tile_rule, [_draw.normal(size=(2, 2))]),
    Rule(
        "batched product by einsum",
        "several inputs",
        lambda a, b: np.einsum("bik,bkj->bij", a, b),
        _einsum_rule,
        [_draw.normal(size=(2, 3, 2)), _draw.normal(size=(2, 2, 3))],
    ),
    Rule(
        "cross product",
        "several inputs",
        np.cross,
        _cross_rule,
        [_draw.normal(size=(2, 3)), _draw.normal(size=(2, 3))],
    ),
]

OUTPUTS = [
    Rule(
        "sin and cos",
        "several outputs",
        lambda x: (np.sin(x), np.cos(x)),
        _pair_rule,
        [_draw.normal(size=4)],
    ),
    Rule(
        "mean and variance",
        "several outputs",
        _moments,
        _moments_rule,
        [_draw.normal(size=(5, 2))],
    ),
    Rule(
        "polar coordinates",
        "several outputs",
        _polar,
        _polar_rule,
        [np.array([1.0, -2.0, 0.3]), np.array([0.5, 0.7, -1.0])],
    ),
    Rule(
        "two halves, views of the input",
        "several outputs",
        _halves,
        lambda g, y, x: np.concatenate([g[0], g[1]]),
        [_draw.normal(size=(5, 2))],
    ),
    Rule(
        "ones",
        "constant",
        np.ones_like,
        lambda g, y, x: np.zeros_like(x),
        [_draw.normal(size=(2, 2))],
    ),
    Rule(
        "x - x",
        "constant",
        lambda x: x - x,
        lambda g, y, x: np.zeros_like(x),
        [np.array([1e9, 1.0, -1e-9])],
    ),
    Rule(
        "sin sin + cos cos",
        "constant",
        lambda x: np.sin(x) ** 2 + np.cos(x) ** 2,
        lambda g, y, x: np.zeros_like(x),
        [_draw.normal(size=5)],
    ),
]

RULES = SHAPES + LAYOUTS + OUTPUTS
