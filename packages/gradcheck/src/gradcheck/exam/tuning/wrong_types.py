"""Planted bugs of form: dtypes, memory layouts, and answers that are no gradients at all."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import identity, normals

normal = normals(7104)
F32 = normal(5).astype("f")


def memory_order(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that walks through memory as it lies."""
    return (g.ravel(order="K") * np.cos(x).ravel(order="K")).reshape(x.shape)


def raw_bytes(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that reads Fortran arrays in the order of their bytes."""
    return g * np.cos(np.frombuffer(x.tobytes("A"), x.dtype).reshape(x.shape))


def in_float32(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that computes in single precision and widens the result."""
    return (g.astype("f") * np.cos(x.astype("f"))).astype(x.dtype)


def sum_in_float32(g: Any, y: Any, a: Any, b: Any) -> Any:
    """A matrix product's rule with one product in single precision."""
    return g @ b.T, (a.T.astype("f") @ g.astype("f")).astype(b.dtype)


def writes_into_view(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that needs to write to its input, if only the same numbers."""
    x += 0
    return g * np.cos(x)


def needs_c_order(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that refuses what is not contiguous."""
    if x.ndim > 1 and not x.flags.c_contiguous:
        raise ValueError("needs C order")
    return g * np.cos(x)


def flat_cotangent(g: Any, y: Any, x: Any) -> Any:
    """A transposition's rule that takes the memory of the cotangent for its order."""
    return g.ravel(order="A").reshape(x.shape[::-1]).T.copy()


def same_object(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Multiplication's rule that counts one array given twice as one input."""
    if a is b:
        return 2 * g * a, 0 * g
    return g * b, g * a


KIND = "dtype and layout"

RULES = [
    Rule("float64 for float32", KIND, np.sin, lambda g, y, x: g * np.cos(x.astype(float)), [F32]),
    Rule(
        "float64 for float32 unasked",
        KIND,
        np.sin,
        lambda g, y, x: g * np.cos(x.astype(float)),
        [normal(4)],
        {"float32": True},
    ),
    Rule(
        "float32 for float64",
        KIND,
        np.sin,
        lambda g, y, x: (g * np.cos(x)).astype("f"),
        [normal(4)],
    ),
    Rule(
        "float64 for one of two",
        KIND,
        np.multiply,
        lambda g, y, a, b: (g * b, g * a.astype(float)),
        [F32, F32[::-1].copy()],
    ),
    Rule("float32 inside", KIND, np.sin, in_float32, [normal(5)]),
    Rule("float32 product", KIND, np.matmul, sum_in_float32, [normal(3, 4), normal(4, 2)]),
    Rule(
        "float32 factor 1.001",
        KIND,
        np.sin,
        lambda g, y, x: g * np.cos(x) * x.dtype.type(1.001),
        [F32],
    ),
    Rule("integers", KIND, identity, lambda g, y, x: g.astype(int), [normal(4)]),
    Rule(
        "extended precision",
        KIND,
        np.sin,
        lambda g, y, x: g * np.cos(x.astype(np.longdouble)),
        [normal(4)],
    ),
    Rule("complex", KIND, np.sin, lambda g, y, x: g * np.cos(x) * (1 + 0j), [normal(4)]),
    Rule("memory order", KIND, np.sin, memory_order, [normal(3, 4)]),
    Rule("raw bytes", KIND, np.sin, raw_bytes, [normal(3, 4)]),
    Rule("memory of the cotangent", KIND, lambda x: x.T.copy(), flat_cotangent, [normal(3, 4)]),
    Rule("needs contiguous", KIND, np.sin, needs_c_order, [normal(3, 4)]),
    Rule("needs writable", KIND, np.sin, writes_into_view, [normal(3)]),
    Rule("same array twice", KIND, np.multiply, same_object, [normal(4), normal(4)]),
    Rule("flat gradient", KIND, np.sin, lambda g, y, x: (g * np.cos(x)).ravel(), [normal(3, 2)]),
    Rule("too few gradients", KIND, np.add, lambda g, y, a, b: (g.copy(),), [normal(3), normal(3)]),
    Rule("too many gradients", KIND, np.sin, lambda g, y, x: (g * np.cos(x), g), [normal(3)]),
    Rule("a bare array for two", KIND, np.add, lambda g, y, a, b: g.copy(), [normal(3), normal(3)]),
    Rule("a string", KIND, np.sin, lambda g, y, x: "gradient", [normal(3)]),
    Rule("rule raises", KIND, np.sin, lambda g, y, x: g[99], [normal(3)]),
]
