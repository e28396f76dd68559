"""Planted bugs that values alone do not show: state, shared memory, types, layouts, chance."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule
from gradcheck.exam.tuning.functions import identity, normals

normal = normals(7103)


class Accumulating:
    """sin's rule adding up all its answers, as a gradient that is never set to zero."""

    def __init__(self) -> None:
        self.total: Any = 0.0

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        self.total = self.total + g * np.cos(x)
        return self.total


class OneBuffer:
    """sin's rule answering in one buffer, which the next call overwrites."""

    def __init__(self) -> None:
        self.buffers: dict[Any, Any] = {}

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        buffer = self.buffers.setdefault((x.shape, x.dtype), np.empty(x.shape, x.dtype))
        buffer[...] = g * np.cos(x)
        return buffer


class FirstInput:
    """sin's rule that computes the cosine once for every shape and keeps it."""

    def __init__(self) -> None:
        self.cosines: dict[Any, Any] = {}

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        return g * self.cosines.setdefault((x.shape, x.dtype), np.cos(x))


class FirstCotangent:
    """sin's rule that keeps the first cotangent of every shape."""

    def __init__(self) -> None:
        self.kept: dict[Any, Any] = {}

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        return self.kept.setdefault((g.shape, g.dtype), g.copy()) * np.cos(x)


class FirstCallOnly:
    """sin's rule that is right once, as after ``retain_graph`` was forgotten."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        self.calls += 1
        return g * np.cos(x) if self.calls == 1 else 0 * g


class EveryFifth:
    """sin's rule with the wrong sign at every fifth call."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        self.calls += 1
        return g * np.cos(x) * (1 if self.calls % 5 else -1)


STATE = [
    Rule("accumulates", "state", np.sin, Accumulating, [normal(4)], stateful=True),
    Rule("one buffer for all calls", "state", np.sin, OneBuffer, [normal(4)], stateful=True),
    Rule("keeps the first input", "state", np.sin, FirstInput, [normal(4)], stateful=True),
    Rule("keeps the first cotangent", "state", np.sin, FirstCotangent, [normal(4)], stateful=True),
    Rule("right once", "state", np.sin, FirstCallOnly, [normal(4)], stateful=True),
    Rule("wrong at every fifth call", "state", np.sin, EveryFifth, [normal(4)], stateful=True),
]


def mutates_input(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that moves its input."""
    x += 0.5
    return g * np.cos(x - 0.5)


def mutates_output(g: Any, y: Any, x: Any) -> Any:
    """exp's rule that doubles the output it was lent."""
    y *= 2
    return g * y / 2


def mutates_cotangent(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that answers in its cotangent's memory."""
    g *= np.cos(x)
    return g


def into_input(g: Any, y: Any, x: Any) -> Any:
    """sin's rule that answers in its input's memory."""
    np.multiply(g, np.cos(x), out=x)
    return x


def one_array_twice(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Addition's rule that gives both inputs one new array."""
    grad = g.copy()
    return grad, grad


def overlapping(g: Any, y: Any, a: Any, b: Any) -> Any:
    """Addition's rule whose second gradient is the first one's memory, reversed twice."""
    grad = g.copy()
    return grad, grad[::-1][::-1]


def strided_ones(g: Any, y: Any, x: Any) -> Any:
    """The rule of a sum whose gradient is one number seen many times, and writable."""
    return np.lib.stride_tricks.as_strided(np.array([g]), x.shape, (0,) * x.ndim)


ALIASING = [
    Rule("mutates input", "aliasing", np.sin, mutates_input, [normal(4)]),
    Rule("mutates output", "aliasing", np.exp, mutates_output, [normal(4)]),
    Rule("mutates cotangent", "aliasing", np.sin, mutates_cotangent, [normal(4)]),
    Rule("answers in its input", "aliasing", np.sin, into_input, [normal(4)]),
    Rule("returns g", "aliasing", identity, lambda g, y, x: g, [normal(3)]),
    Rule(
        "returns g twice",
        "aliasing",
        np.add,
        lambda g, y, a, b: (g, g),
        [normal(3), normal(3)],
    ),
    Rule("one array for two", "aliasing", np.add, one_array_twice, [normal(3), normal(3)]),
    Rule("two views of one array", "aliasing", np.add, overlapping, [normal(3), normal(3)]),
    Rule(
        "reshapes g",
        "aliasing",
        lambda x: x.reshape(6).copy(),
        lambda g, y, x: g.reshape(x.shape),
        [normal(2, 3)],
    ),
    Rule(
        "transposes g",
        "aliasing",
        lambda x: x.T.copy(),
        lambda g, y, x: g.T,
        [normal(2, 3)],
    ),
    Rule(
        "an input for zeros",
        "aliasing",
        lambda a, z: np.sin(a),
        lambda g, y, a, z: (g * np.cos(a), z),
        [normal(3), np.zeros(3)],
    ),
    Rule(
        "read-only broadcast",
        "aliasing",
        np.sum,
        lambda g, y, x: np.broadcast_to(g, x.shape),
        [normal(3, 4)],
    ),
    Rule("writable broadcast", "aliasing", np.sum, strided_ones, [normal(3, 4)]),
    Rule(
        "parts of g",
        "aliasing",
        lambda a, b: np.concatenate([a, b]),
        lambda g, y, a, b: (g[:2], g[2:]),
        [normal(2), normal(3)],
    ),
]


class Noisy:
    """sin's rule with a rounding error of chance."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(1)

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        return g * np.cos(x) * (1 + 1e-15 * self.rng.standard_normal(x.shape))


class AnyOrder:
    """A matrix product's rule that adds up in an order of chance."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(2)

    def __call__(self, g: Any, y: Any, a: Any, b: Any) -> Any:
        order = self.rng.permutation(g.shape[1])
        grad = sum(g[:, k, None] * b[None, :, k] for k in order)
        return grad, a.T @ g


class SomeDropped:
    """sin's rule that drops an entry now and then."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(3)

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        return g * np.cos(x) * (self.rng.random(x.shape) > 0.1)


class Sampled:
    """A mean's rule that looks at one element of chance, right on average."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(4)

    def __call__(self, g: Any, y: Any, x: Any) -> Any:
        grad = np.zeros_like(x)
        grad[self.rng.integers(x.size)] = g
        return grad


NONDETERMINISM = [
    Rule("noise of 1e-15", "nondeterminism", np.sin, Noisy, [normal(5)], stateful=True),
    Rule(
        "sums in any order",
        "nondeterminism",
        np.matmul,
        AnyOrder,
        [normal(3, 4), normal(4, 9)],
        stateful=True,
    ),
    Rule("entries dropped", "nondeterminism", np.sin, SomeDropped, [normal(20)], stateful=True),
    Rule("right on average", "nondeterminism", np.mean, Sampled, [normal(5)], stateful=True),
]

RULES = [*STATE, *ALIASING, *NONDETERMINISM]
