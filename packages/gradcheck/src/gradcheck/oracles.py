"""Other authorities on the gradient: torch, and the complex step."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck.engines import get_engine
from gradcheck.engines.base import Misuse, floating
from gradcheck.forward import Array
from gradcheck.subject import Subject


def torch_function(named: Any) -> Callable[..., Any]:
    """A torch function by dotted name below ``torch.``; a callable is returned as it is.

    Raises ValueError when torch has no such name and ImportError without torch.
    """
    if callable(named):
        return named
    import torch

    found: Any = torch
    for part in str(named).removeprefix("torch.").split("."):
        found = getattr(found, part, None)
        if found is None:
            raise ValueError(f"torch has no {named!r}; give torch_f a dotted name or a callable")
    return found


def torch_rows(
    subject: Subject, named: Any, cotangents: Array
) -> tuple[Array, dict[int, Array]] | str:
    """Torch's outputs (flat) and gradients in float64, or a sentence that says why not.

    Inputs that torch cannot differentiate have no entry.
    """
    engine = get_engine("torch")
    wide = [p.astype(np.float64) if floating(p) else p for p in subject.primals]
    try:
        function = torch_function(named)
        other = [y for y in engine.value(function, wide) if floating(y)]
    except Misuse as fault:
        return f"torch's {fault.message}"  # its f, or its rule
    except Exception as error:
        return f"torch raises {type(error).__name__}: {error}"
    if [y.shape for y in other] != [subject.outputs[i].shape for i in subject.floating]:
        return "torch returns outputs of other shapes"
    rows = {}
    for i in subject.wrt:
        try:
            rows[i] = _one_row(engine, function, wide, i, cotangents, subject)
        except RuntimeError:
            continue
    flat = np.concatenate([np.ravel(y) for y in other]) if other else np.zeros(0)
    return flat, rows


def _one_row(
    engine: Any, f: Any, wide: list[Array], i: int, cotangents: Array, subject: Subject
) -> Array:
    """Torch's gradient with respect to one input, for every cotangent."""
    outputs, pull = engine.vjp(f, wide, [i])
    rows = []
    for g in cotangents:
        grad = pull(subject.split(g, outputs))[i]
        rows.append(np.zeros(wide[i].size) if grad is None else np.ravel(grad).copy())
    return np.array(rows).reshape(len(cotangents), -1)


def complex_rows(
    f: Callable[..., Any],
    primals: Sequence[Array],
    primal: int,
    cotangents: Array,
    elements: Sequence[int] | None = None,
) -> Array | None:
    """Gradients by the complex step, exact to rounding where ``f`` is analytic; else None.

    For all elements of a primal or chosen ones. None, too, where ``f`` takes no complex numbers or
    returns real ones for them. Squire and Trapp, "Using Complex Variables to Estimate Derivatives
    of Real Functions", SIAM Review 40, 1998.

    >>> x = np.array([1.0, 2.0])
    >>> complex_rows(np.sin, [x], 0, np.eye(2)).diagonal() - np.cos(x)
    array([0., 0.])
    """
    base = [p.astype(complex) if floating(p) else p for p in primals]
    flat = base[primal].reshape(-1)
    chosen = range(flat.size) if elements is None else elements
    try:
        columns = [_complex_step(f, base, flat, e) for e in chosen]
    except Exception:
        return None
    if not columns:
        return None
    rows = cotangents @ np.array(columns).T
    return rows if np.isfinite(rows).all() else None


def _complex_step(f: Callable[..., Any], base: list[Array], flat: Array, element: int) -> Array:
    """The derivatives of all outputs for one element; raises TypeError for real outputs."""
    h = 2.0**-200
    kept = flat[element]
    flat[element] = kept + 1j * h
    try:
        raw = f(*base)
    finally:
        flat[element] = kept
    parts = [np.asarray(y) for y in (raw if isinstance(raw, tuple | list) else (raw,))]
    if any(y.dtype.kind == "f" for y in parts):
        raise TypeError("the imaginary part is lost")
    return np.concatenate([np.ravel(y) for y in parts if y.dtype.kind == "c"]).imag / h
