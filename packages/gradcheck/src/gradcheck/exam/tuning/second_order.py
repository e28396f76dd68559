"""Rules that are differentiated themselves: right ones, and ones wrong in the second order.

A rule of a rule, ``(gg, raw, g, y, *primals)``, returns gradients for ``(g, y, *primals)``.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck.engines import Pair
from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import cos_rule, identity, normals, softmax, softmax_vjp

normal = normals(7106)
ORDER_2 = {"order": 2}
POSITIVE = {"order": 2, "domain": (0.0, None)}


def sin_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of ``g cos(x)``."""
    return gg * np.cos(x), np.zeros_like(y), -gg * g * np.sin(x)


def exp_rule(g: Any, y: Any, x: Any) -> Any:
    """The rule of exp, by its output."""
    return g * y


def exp_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of ``g y``."""
    return gg * y, gg * g, np.zeros_like(x)


def tanh_rule(g: Any, y: Any, x: Any) -> Any:
    """The rule of tanh, by its output."""
    return g * (1 - y * y)


def tanh_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of ``g (1 - y y)``."""
    return gg * (1 - y * y), -2 * gg * g * y, np.zeros_like(x)


def softmax_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of ``y (g - sum(g y))``."""
    inner, outer = (g * y).sum(-1, keepdims=True), (gg * y).sum(-1, keepdims=True)
    return y * (gg - outer), gg * (g - inner) - g * outer, np.zeros_like(x)


def matmul_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of ``a @ b``."""
    return g @ b.T, a.T @ g


def matmul_twice(gg: Any, raw: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of ``(g b', a' g)``."""
    return gg[0] @ b + a @ gg[1], np.zeros_like(y), g @ gg[1].T, gg[0].T @ g


def times_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of ``a b``."""
    return g * b, g * a


def times_twice(gg: Any, raw: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """The rule of ``(g b, g a)``."""
    return gg[0] * b + gg[1] * a, np.zeros_like(y), gg[1] * g, gg[0] * g


def log_rule(g: Any, y: Any, x: Any) -> Any:
    """The rule of log."""
    return g / x


def log_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of ``g / x``."""
    return gg / x, np.zeros_like(y), -gg * g / (x * x)


def cube(x: Any) -> Any:
    """``x**3``."""
    return x**3


def cube_rule(g: Any, y: Any, x: Any) -> Any:
    """The rule of ``x**3``."""
    return 3 * g * x * x


def cube_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of ``3 g x x``."""
    return 3 * gg * x * x, np.zeros_like(y), 6 * gg * g * x


def squares(x: Any) -> Any:
    """The sum of squares."""
    return (x * x).sum()


def squares_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of ``2 g x``."""
    return 2 * (gg * x).sum(), np.zeros_like(y), 2 * gg * g


def copy_rule(g: Any, y: Any, x: Any) -> Any:
    """The rule of a copy."""
    return g.copy()


def copy_twice(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The rule of the rule of a copy."""
    return gg.copy(), np.zeros_like(y), np.zeros_like(x)


def changed(
    twice: Callable[..., Any], position: int, by: Callable[[Any], Any]
) -> Callable[..., Any]:
    """A rule of a rule with one of its gradients changed."""

    def vjp(*args: Any) -> Any:
        grads = list(twice(*args))
        grads[position] = by(grads[position])
        return tuple(grads)

    return vjp


def no_outer_term(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """softmax's second rule without the part of the output inside the sum."""
    inner = (g * y).sum(-1, keepdims=True)
    return softmax_vjp(gg, y, x), gg * (g - inner), np.zeros_like(x)


def crossed(gg: Any, raw: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """A product's second rule with the inputs exchanged."""
    return gg[0] * b + gg[1] * a, np.zeros_like(y), gg[0] * g, gg[1] * g


def writes_to_gg(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """sin's second rule that answers in the memory it was lent."""
    third = -gg * g * np.sin(x)
    gg *= np.cos(x)
    return gg.copy(), np.zeros_like(y), third


def twice_for_ones(gg: Any, raw: Any, g: Any, y: Any, x: Any) -> Any:
    """The second rule of ``x**3`` that takes the first cotangent for 1."""
    return 3 * gg * x * x, np.zeros_like(y), 6 * gg * x


def rule(name: str, f: Any, first: Any, second: Any, *primals: Any) -> Rule:
    """A planted bug of the second order."""
    return Rule(name, "second order", f, Pair(first, second), list(primals), ORDER_2)


MUTANTS = [
    rule("second sign", np.sin, cos_rule, changed(sin_twice, 2, np.negative), normal(4)),
    rule("second zero", cube, cube_rule, changed(cube_twice, 2, np.zeros_like), normal(4)),
    rule("second factor 2", cube, cube_rule, changed(cube_twice, 2, lambda a: 2 * a), normal(4)),
    rule("second for g = 1", cube, cube_rule, twice_for_ones, normal(4)),
    rule("second, g's part", np.sin, cos_rule, changed(sin_twice, 0, np.negative), normal(4)),
    rule("output held fixed", np.exp, exp_rule, changed(exp_twice, 1, np.zeros_like), normal(4)),
    rule("tanh, half", np.tanh, tanh_rule, changed(tanh_twice, 1, lambda a: a / 2), normal(4)),
    rule("softmax, a term", softmax, softmax_vjp, no_outer_term, normal(2, 3)),
    rule("inputs crossed", np.multiply, times_rule, crossed, normal(3), normal(3)),
    rule(
        "matmul, one input",
        np.matmul,
        matmul_rule,
        changed(matmul_twice, 3, np.zeros_like),
        normal(2, 3),
        normal(3, 2),
    ),
    rule(
        "matmul, both ways of g",
        np.matmul,
        matmul_rule,
        lambda gg, raw, g, y, a, b: (gg[0] @ b, *matmul_twice(gg, raw, g, y, a, b)[1:]),
        normal(2, 3),
        normal(3, 2),
    ),
    rule(
        "sum of squares, twice",
        squares,
        lambda g, y, x: 2 * g * x,
        changed(squares_twice, 2, lambda a: 2 * a),
        normal(4),
    ),
    rule("returns gg", identity, copy_rule, lambda gg, raw, g, y, x: (gg, 0 * y, 0 * x), normal(3)),
    rule("changes gg", np.sin, cos_rule, writes_to_gg, normal(4)),
    rule(
        "second wrong by 1e-6",
        np.tanh,
        tanh_rule,
        changed(tanh_twice, 1, lambda a: 1.000001 * a),
        normal(4),
    ),
]

CORRECT = [
    rule("sin twice", np.sin, cos_rule, sin_twice, normal(4)),
    rule("exp twice", np.exp, exp_rule, exp_twice, normal(4)),
    rule("tanh twice", np.tanh, tanh_rule, tanh_twice, normal(4)),
    rule("tanh twice, saturated", np.tanh, tanh_rule, tanh_twice, np.array([8.0, 0.1, -1.0])),
    rule("softmax twice", softmax, softmax_vjp, softmax_twice, normal(2, 3)),
    rule("matmul twice", np.matmul, matmul_rule, matmul_twice, normal(2, 3), normal(3, 2)),
    rule("product twice", np.multiply, times_rule, times_twice, normal(3), normal(3)),
    rule("cube twice", cube, cube_rule, cube_twice, np.array([0.0, 1e-3, -2.0, 30.0])),
    rule("sum of squares twice", squares, lambda g, y, x: 2 * g * x, squares_twice, normal(4)),
    rule("copy twice", identity, copy_rule, copy_twice, normal(3)),
    Rule(
        "log twice",
        "second order",
        np.log,
        Pair(log_rule, log_twice),
        [np.array([0.01, 1.0, 7.0])],
        POSITIVE,
    ),
]
