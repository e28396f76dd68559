"""Arithmetic on float16 and bfloat16: computed in float32, rounded once.

NumPy's own arithmetic on halves is slow and rounds at every step, and bfloat16 it does not know.
So an op with half inputs runs on float32 copies and its results are rounded to the half type;
its rule, too, works on float32 copies of the cotangent and of what was saved (in half the
memory), and the engine rounds the gradients to the inputs' types. Views and copies move the bits
as they are.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ._dtypes import HALVES
from ._dtypes import dtype as Dtype
from ._special_plan import SpecialPlan, node_of
from ._tensor import Tensor

F16, F32 = np.dtype(np.float16), np.dtype(np.float32)

# Ops that only move elements: the bits go as they are.
MOVES = frozenset(
    (
        *("cast", "cat", "clone", "copy", "flip", "gather", "index_select", "pad_constant"),
        *("repeat", "repeat_interleave", "replace_view", "roll", "row_major"),
        *("scatter", "stack", "take_along_dim", "tril", "triu"),
    )
)
# Ops that multiply by a number as it is; others round it first, as torch does.
EXACT = frozenset(("floor_divide", "mul", "true_div", "trunc_divide"))
# Ops that refuse numbers too large for the half type.
BOUNDED = frozenset(("clamp", "masked_fill", "pow"))
# Ops that take float32 parameters and statistics beside half values.
MIXED = frozenset(("layer_norm", "rms_norm", "group_norm", "batch_norm", "masked_fill", "fold"))
# Compositions that torch computes at one go, and so rounds once.
ONCE = frozenset(
    (
        *("addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addr", "baddbmm", "celu", "glu"),
        *("binary_cross_entropy", "binary_cross_entropy_with_logits", "gaussian_nll_loss"),
        *("cosine_embedding_loss", "cosine_similarity", "pairwise_distance", "renorm"),
        *("triplet_margin_loss", "affine_grid", "grid_sample", "cov", "corrcoef"),
        *("hardswish", "hypot", "ldexp", "lerp", "logaddexp", "logaddexp2", "logit", "logsigmoid"),
        *("mish", "mse_loss", "ndtr", "pdist", "selu", "sinc", "softmin", "std", "std_mean", "var"),
    )
)


def compute(op: Any, values: list[Any]) -> Any:
    """The forward function on float32 copies, its results rounded to the inputs' half type.

    Raises:
        RuntimeError: half and other floating-point arrays meet in an op that does not mix types.
    """
    if op.view or op.name in MOVES:
        return op.forward(*values)
    kind = _half_type(op, values)
    at = op.names.index("dtype") if "dtype" in op.names else None
    if op.name in BOUNDED:
        _require_fit(op.name, values[: op.n_arrays], kind)
    values = [widened(v) for v in values]
    if at is not None and isinstance(values[at], Dtype):
        kind = values[at].numpy
        if kind in HALVES:
            values[at] = None  # computed in float32, rounded to what was asked for
    if op.promote is not None and not isinstance(values[0], tuple):
        exact = op.name in EXACT
        for i in (*op.mixed, *_alpha(op)):
            values[i] = _number(values[i], None if exact else kind)
    result = op.forward(*values)
    if type(result) is not tuple:
        return narrowed(result, kind)
    n = len(result) - len(op.keeps)  # what the rule keeps for itself stays precise
    return (*(narrowed(r, kind) for r in result[:n]), *result[n:])


def _half_type(op: Any, values: list[Any]) -> np.dtype[Any]:
    """The type results are rounded to."""
    first = values[0]
    arrays = first if isinstance(first, tuple) else values[: op.n_arrays]
    found = {  # by type, whether it is one of numbers alone: arrays come before numbers
        a.dtype: not a.ndim
        for a in sorted(arrays, key=np.ndim)
        if isinstance(a, np.ndarray) and a.dtype.kind in "fV" and (a.ndim or a.dtype in HALVES)
    }
    halves = sorted((d for d in found if d in HALVES), key=found.__getitem__)
    if len(found) > 1 and op.promote is None and op.rules and op.name not in MIXED:
        names = " and ".join(str(d) for d in found)
        raise RuntimeError(
            f"{op.name}: expected all arrays to have the same dtype, but got {names}; "
            "convert one with .to()"
        )
    return halves[0]


def widened(value: Any) -> Any:
    """Half arrays as float32, also inside tuples; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value.astype(F32) if value.dtype in HALVES else value
    if type(value) is tuple:
        return tuple([widened(v) for v in value])
    return value


def _number(value: Any, kind: np.dtype[Any] | None) -> Any:
    """A number or 0-d array of another type in float32, rounded to ``kind`` if one is given."""
    if isinstance(value, np.ndarray):
        if value.ndim or value.dtype.kind not in "fiub":
            return value
        with np.errstate(over="ignore"):
            value = value.astype(F32, copy=False)
            return value if kind is None else value.astype(kind).astype(F32)
    if kind is None or type(value) not in (int, float):
        return value
    with np.errstate(over="ignore"):
        rounded = float(np.asarray(value, F32).astype(kind))
    return value if rounded == value else rounded


def _require_fit(name: str, values: list[Any], kind: np.dtype[Any]) -> None:
    for v in values:
        if isinstance(v, int | float) and np.isfinite(v) and abs(v) > _LARGEST[kind.char]:
            raise RuntimeError(f"{name}: value {v} cannot be converted to {kind} without overflow")


_LARGEST = {"e": 65504.0, "E": (2.0 - 2.0**-7) * 2.0**127}


def _alpha(op: Any) -> tuple[int, ...]:
    """Where the factor of ``add`` and ``sub`` stands."""
    return (op.n_arrays,) if op.names[op.n_arrays :] == ("alpha",) else ()


def narrowed(result: Any, kind: np.dtype[Any]) -> Any:
    """A floating-point result rounded to ``kind``; integers and truths as they are."""
    a = np.asarray(result)
    if a.dtype.kind != "f" or a.dtype == kind:
        return a
    with np.errstate(over="ignore", invalid="ignore"):
        return to_half(a, kind) if kind in HALVES else a.astype(kind)


def to_half(a: np.ndarray, kind: np.dtype[Any]) -> np.ndarray:
    """An array rounded to a half type; through float32, as torch rounds everything wider."""
    if kind == F16 and a.dtype.kind in "iuf" and a.dtype != F32:
        a = a.astype(F32)
    return a.astype(kind)


def at_once(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A composition of ops in float32, its results rounded; recorded, like the rounding."""
    kinds = [a.dtype for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
    kind = next(d for d in kinds if d.numpy in HALVES)
    if any(d.is_floating_point and d.itemsize > 2 for d in kinds):
        return function(*args, **kwargs)  # of several types: as wide as its parts make it
    result = function(
        *[_widened_tensors(a) for a in args], **{k: _widened_tensors(v) for k, v in kwargs.items()}
    )
    several = isinstance(result, tuple)
    rounded = [
        r.to(kind) if r.is_floating_point() else r for r in (result if several else [result])
    ]
    return (
        (type(result)._make(rounded) if hasattr(result, "_make") else tuple(rounded))
        if (several)
        else rounded[0]
    )


def adapt(op: Any, out: Any) -> None:
    """Make the rule of a recorded call work in float32."""
    node = node_of(out)
    if node is not None:
        node.plan = SpecialPlan(node.plan, _pull(node.plan.pull))


def _pull(pull: Any) -> Any:
    def in_float32(g: Any, saved: Any) -> Any:
        widen = _widened_tensors if _on_tensors(g) else widened
        return pull(widen(g), tuple([widen(v) for v in saved]))

    return in_float32


def _on_tensors(g: Any) -> bool:
    return isinstance(g[0] if isinstance(g, tuple) else g, Tensor)


def _widened_tensors(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.float() if value._a.dtype in HALVES else value
    if type(value) is tuple:
        return tuple([_widened_tensors(v) for v in value])
    return value
