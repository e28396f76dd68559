"""Planted bugs of dtype and layout: precision, casts, orders, strides."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(108)
_PI = np.float32(np.pi)
_INDEX = [0, 2, 2, 1]


def _single_inside(g: Any, y: Any, x: Any) -> Any:
    s = x.astype(np.float32)
    return (g * (3 * s * s)).astype(x.dtype)


def _double_constants(g: Any, y: Any, x: Any) -> Any:
    c = np.array([0.25, 0.5, 0.25])
    return np.convolve(g, c)


def _memory_order(g: Any, y: Any, x: Any) -> Any:
    return (g.ravel(order="K") * np.cos(x).ravel(order="K")).reshape(x.shape)


def _from_bytes(g: Any, y: Any, x: Any) -> Any:
    raw = np.frombuffer(x.tobytes("A"), x.dtype).reshape(x.shape)
    return g / raw


def _from_base(g: Any, y: Any, x: Any) -> Any:
    owner = x if x.base is None else np.asarray(x.base)
    data = owner.ravel()[: x.size].reshape(x.shape) if owner.size >= x.size else x
    return 2 * g * data.astype(x.dtype)


def _whole_numbers(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros(x.shape, dtype=int)
    for i, gi in zip(_INDEX, g, strict=True):
        d[i] += gi.astype(int)
    return d.astype(x.dtype)


def _flatten_rule(g: Any, y: Any, x: Any) -> Any:
    order = "C" if x.flags.c_contiguous else "F"
    return 2 * x * g.reshape(x.shape, order=order)


def _mixed(x: Any, w: Any) -> Any:
    return x * w


def _complex_product(a: Any, b: Any) -> Any:
    re = a[:, 0] * b[:, 0] - a[:, 1] * b[:, 1]
    return np.stack([re, a[:, 0] * b[:, 1] + a[:, 1] * b[:, 0]], axis=1)


def _complex_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    kind = np.result_type(a.dtype, np.complex64)
    u, v, h = a.view(kind), b.view(kind), g.view(kind)
    return (h * v.conj()).view(a.dtype), (h * u.conj()).view(b.dtype)


def _flat_index(x: Any) -> Any:
    return x.max(axis=None)


def _flat_index_rule(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d.ravel()[x.argmax()] = g
    return d


def _flat_memory(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d.ravel(order="K")[:] = (g * np.exp(x)).ravel()
    return d


def _single_sum(g: Any, y: Any, x: Any, b: Any) -> Any:
    return g.copy(), g.sum(axis=0, dtype=np.float32).astype(b.dtype)


def _quantised(g: Any, y: Any, x: Any) -> Any:
    s = 1 / (1 + np.exp(-x))
    return g * (np.round(s * (1 - s) * 4096) / 4096).astype(x.dtype)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "dtype and layout", f, vjp, list(primals))


DTYPE_AND_LAYOUT = [
    _rule("cube in single precision", lambda x: x**3, _single_inside, _normal(6)),
    _rule(
        "smoothing by constants in double",
        lambda x: 0.25 * x[2:] + 0.5 * x[1:-1] + 0.25 * x[:-2],
        _double_constants,
        _normal(6).astype(np.float32),
    ),
    _rule(
        "sine flattened in memory order", np.sin, _memory_order, np.asfortranarray(_normal(3, 4))
    ),
    _rule(
        "logarithm read from raw bytes",
        np.log,
        _from_bytes,
        np.asfortranarray(1 + _rng.random((2, 3))),
    ),
    _rule("square reads the owner of a view", np.square, _from_base, _normal(5)),
    _rule("gathered into integers", lambda x: x[_INDEX], _whole_numbers, _normal(4)),
    _rule(
        "flattening undone in the input's order",
        lambda x: (x * x).ravel(),
        _flatten_rule,
        np.asfortranarray(_normal(3, 2)),
    ),
    _rule(
        "two precisions, both answered in double",
        _mixed,
        lambda g, y, x, w: (g * w, g * x),
        _normal(5).astype(np.float32),
        _normal(5),
    ),
    _rule("complex view of whatever comes", _complex_product, _complex_rule, *_normal(2, 3, 2)),
    _rule(
        "maximum written into a flattened copy",
        _flat_index,
        _flat_index_rule,
        np.asfortranarray(_normal(3, 4)),
    ),
    _rule("exp filled in memory order", np.exp, _flat_memory, np.asfortranarray(_normal(3, 2))),
    _rule("bias summed in single precision", np.add, _single_sum, _normal(6, 2), _normal(2)),
    _rule(
        "sine of pi x with a single pi",
        lambda x: np.sin(np.pi * x),
        lambda g, y, x: (g * _PI * np.cos(np.pi * x)).astype(x.dtype),
        _normal(5),
    ),
    _rule(
        "sigmoid's slope from a table of 4096",
        lambda x: 1 / (1 + np.exp(-x)),
        _quantised,
        _normal(8),
    ),
]
