"""One program on two libraries: run it on torch and on tensor_core, and hold the results equal."""

from __future__ import annotations

import importlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import tensor_core

BOTH = (torch, tensor_core)
TOLERANCE = {"float64": (1e-9, 1e-10), "float32": (2e-5, 1e-5)}

tally: Counter[str] = Counter()
"""What was checked in this run; printed at its end."""

Program = Callable[..., Any]


def array(tensor: Any) -> np.ndarray:
    """The numbers of a tensor of either library."""
    return tensor.detach().numpy(force=True)  # torch's lazy zeros too


def tensor(library: Any, value: np.ndarray) -> Any:
    """A tensor with memory of its own."""
    return library.from_numpy(np.array(value))


def listed(result: Any) -> list[Any]:
    """One output or several, as a list."""
    return list(result) if isinstance(result, tuple | list) else [result]


def error_of(action: Callable[[], Any]) -> type[Exception] | None:
    """The type of what an action raises, or None."""
    try:
        action()
    except Exception as error:
        return type(error)
    return None


def transformer_on(library: Any) -> Any:
    """The transformer package with its torch bound to a library, whatever the other binding is.

    The engine is chosen once, at import; a second copy of the package is a second choice.
    """
    name, before = library.__name__, os.environ.get("GRADINE_ENGINE")
    hidden = {k: sys.modules.pop(k) for k in list(sys.modules) if k.split(".")[0] == "transformer"}
    os.environ["GRADINE_ENGINE"] = name
    try:
        package = importlib.import_module("transformer")
        for part in ("layers", "models", "generate", "data", "train"):
            importlib.import_module(f"transformer.{part}")
        assert package.engine_name() == name
        return package
    finally:
        for key in [k for k in sys.modules if k.split(".")[0] == "transformer"]:
            del sys.modules[key]
        sys.modules.update(hidden)
        if before is None:
            del os.environ["GRADINE_ENGINE"]
        else:
            os.environ["GRADINE_ENGINE"] = before


@dataclass
class Outcome:
    """What one library made of a program: its outputs and derivatives, or the error it raised."""

    outputs: list[np.ndarray] = field(default_factory=list)
    recorded: list[bool] = field(default_factory=list)  # requires_grad of the outputs
    first: list[np.ndarray] = field(default_factory=list)
    second: list[np.ndarray] = field(default_factory=list)
    error: Exception | None = None


def run(
    library: Any,
    program: Program,
    arrays: Sequence[np.ndarray],
    order: int = 2,
    wrt: Sequence[int] | None = None,
) -> Outcome:
    """Call ``program(library, *tensors)`` and differentiate it, up to ``order`` times.

    The cotangents are drawn from a fixed seed; an absent gradient counts as zeros.
    """
    inputs = [tensor(library, a) for a in arrays]
    for i, x in enumerate(inputs):
        if arrays[i].dtype.kind == "f" and (wrt is None or i in wrt):
            x.requires_grad_()
    leaves = [x for x in inputs if x.requires_grad]
    try:
        outputs = listed(program(library, *inputs))
        out = Outcome([array(y) for y in outputs], [y.requires_grad for y in outputs])
        out.first, grads = _derivative(library, outputs, leaves, 1, order > 1)
        if order > 1:
            out.second, _ = _derivative(library, grads, leaves, 2, False)
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        return Outcome(error=error)
    return out


def _derivative(
    library: Any, outputs: list[Any], leaves: list[Any], seed: int, graph: bool
) -> tuple[list[np.ndarray], list[Any]]:
    """Gradients of the outputs' random weighted sum: as arrays, and as tensors."""
    rng = np.random.default_rng(seed)
    pairs = []
    for y in outputs:
        weights = np.asarray(rng.normal(size=tuple(y.shape)))
        if y.requires_grad:
            pairs.append((y, library.from_numpy(weights.astype(array(y).dtype))))
    if not pairs or not leaves:
        zeros = [np.zeros(tuple(x.shape)) for x in leaves]
        return zeros, [library.from_numpy(z) for z in zeros]
    ys, gs = zip(*pairs, strict=True)
    found = library.autograd.grad(
        ys, leaves, gs, create_graph=graph, retain_graph=True, allow_unused=True
    )
    kept = [x * 0 if g is None else g for x, g in zip(leaves, found, strict=True)]
    return [array(g) for g in kept], kept


def close(
    ours: Any, theirs: Any, tolerance: tuple[float, float] | None = None, what: str = ""
) -> None:
    """Assert equal shapes and types, and equal values up to rounding."""
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, torch has {theirs.shape}"
    assert ours.dtype == theirs.dtype, f"{what}: type {ours.dtype}, torch has {theirs.dtype}"
    if ours.dtype.kind not in "fc":
        np.testing.assert_array_equal(ours, theirs, what)
        return
    rtol, atol = tolerance or TOLERANCE.get(ours.dtype.name, (1e-2, 1e-2))
    scale = max(1.0, float(np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)))
    np.testing.assert_allclose(ours, theirs, rtol, atol * scale, equal_nan=True, err_msg=what)


def agree(
    program: Program,
    arrays: Sequence[np.ndarray],
    order: int = 2,
    wrt: Sequence[int] | None = None,
    tolerance: tuple[float, float] | None = None,
    same_error: bool = False,
) -> Outcome:
    """Assert that both libraries give equal values and derivatives, or that both raise."""
    theirs, ours = (run(library, program, arrays, order, wrt) for library in BOTH)
    if (theirs.error is None) != (ours.error is None):
        raise AssertionError(
            f"torch: {theirs.error or 'no error'}; tensor_core: {ours.error or 'no error'}"
        ) from (ours.error or theirs.error)
    if same_error:
        kinds = [type(e).__name__ for e in (ours.error, theirs.error)]
        assert kinds[0] == kinds[1], f"tensor_core: {ours.error!r}; torch: {theirs.error!r}"
    assert ours.recorded == theirs.recorded, "requires_grad of the outputs"
    for what in ("outputs", "first", "second"):
        pairs = zip(getattr(ours, what), getattr(theirs, what), strict=True)
        for i, (x, y) in enumerate(pairs):
            close(x, y, tolerance, f"{what} {i}")
    tally["programs beside torch"] += 1
    return ours
