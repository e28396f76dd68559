"""Numeric derivatives, and cards called with arrays: what the tests of the ops measure with."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import tensor_core as torch

SEED = 7
STEP = 2e-3


def central(f: Callable[[], float], x: np.ndarray) -> np.ndarray:
    """The derivative of ``f()`` by every element of ``x``, which is changed and restored.

    Central differences at three halved steps, extrapolated twice to step 0 (Richardson 1911):
    the error falls with the sixth power of the step.
    """
    d = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        rows = [slope(f, x, i, STEP / 2**k) for k in range(3)]
        once = [(4 * b - a) / 3 for a, b in itertools.pairwise(rows)]
        d[i] = (16 * once[1] - once[0]) / 15
    return d


def slope(f: Callable[[], float], x: np.ndarray, i: tuple[int, ...], h: float) -> float:
    """The central difference of ``f()`` in element ``i`` of ``x``."""
    before = x[i]
    x[i] = before + h
    up, above = x[i], f()
    x[i] = before - h
    down, below = x[i], f()
    x[i] = before
    return (above - below) / (up - down)


def sides(f: Callable[[], float], x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the higher of the two one-sided slopes, which differ at kinks alone."""
    low, high = np.zeros(x.shape), np.zeros(x.shape)
    middle = f()
    for i in np.ndindex(x.shape):
        before = x[i]
        slopes = []
        for h in (-1e-6, 1e-6):
            x[i] = before + h
            slopes.append((f() - middle) / (x[i] - before))
        x[i] = before
        low[i], high[i] = min(slopes), max(slopes)
    return low, high


class Call:
    """A card's case as a function of its floating arrays."""

    def __init__(self, card: Any, case: Any, dtype: Any = np.float64) -> None:
        self.card = card
        self.kwargs = {k: self._own(v, dtype) for k, v in case.kwargs.items()}
        self.args = [self._own(a, dtype) for a in case.args]
        self.inputs: list[np.ndarray] = []
        for place, a in (*enumerate(self.args), *self.kwargs.items()):
            if case.wrt is None or place in case.wrt:
                parts = a if isinstance(a, list) else [a]
                self.inputs += [p for p in parts if isinstance(p, np.ndarray) and _floats(p)]

    def _own(self, a: Any, dtype: Any) -> Any:
        if isinstance(a, list) and a and isinstance(a[0], np.ndarray):
            return [self._own(part, dtype) for part in a]
        if isinstance(a, np.ndarray):
            return np.array(a, dtype=dtype if _floats(a) else None)
        return a

    def __call__(self, tensors: list[Any]) -> list[Any]:
        """The floating outputs for Tensors in the place of the inputs."""
        place = {id(a): t for a, t in zip(self.inputs, tensors, strict=True)}

        def fill(a: Any) -> Any:
            if isinstance(a, list) and a and isinstance(a[0], np.ndarray):
                return [fill(part) for part in a]
            if isinstance(a, np.ndarray):
                return place.get(id(a), torch.from_numpy(a)) if id(a) in place else torch.tensor(a)
            return a

        named = {k: fill(a) for k, a in self.kwargs.items()}
        out = self.card(*[fill(a) for a in self.args], **named)
        outs = out if isinstance(out, tuple) else (out,)
        return [o for o in outs if o is not None and o.is_floating_point()]

    def leaves(self) -> list[Any]:
        """The inputs as Tensors that require gradients and share the arrays' memory."""
        return [torch.from_numpy(a).requires_grad_() for a in self.inputs]

    def value(self, weights: list[np.ndarray]) -> float:
        """The outputs' weighted sum, unrecorded."""
        with torch.no_grad():
            outs = self([torch.from_numpy(a) for a in self.inputs])
        pairs = [(o.numpy(), w) for o, w in zip(outs, weights, strict=True)]
        return float(sum((o * w)[np.isfinite(o)].sum() for o, w in pairs))

    def weights(self) -> list[np.ndarray]:
        """One random weight for each element of each output."""
        rng = np.random.default_rng(SEED)
        with torch.no_grad():
            outs = self([torch.from_numpy(a) for a in self.inputs])
        return [rng.normal(size=tuple(o.shape)) for o in outs]

    def gradients(self, weights: list[np.ndarray], create_graph: bool = False) -> list[Any]:
        """The engine's gradients of the weighted sum, zeros where an input has no part."""
        leaves = self.leaves()
        outs = self(leaves)
        kind = leaves[0].dtype
        cotangents = [torch.tensor(w, dtype=o.dtype) for w, o in zip(weights, outs, strict=True)]
        found = torch.autograd.grad(
            outs, leaves, cotangents, create_graph=create_graph, allow_unused=True
        )
        self.last = leaves
        return [
            torch.zeros(tuple(a.shape), dtype=kind) if g is None else g
            for a, g in zip(self.inputs, found, strict=True)
        ]


def _floats(a: np.ndarray) -> bool:
    return a.dtype.kind == "f"


def cases(card: Any) -> list[Any]:
    """A card's cases, always the same."""
    return list(card.cases(np.random.default_rng(SEED)))
