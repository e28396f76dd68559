"""Steps: functions whose derivative is zero wherever there is one."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from ._cases import shown
from ._refuse import only


def _flat(name: str, function: Any, doc: str, result: str) -> Any:
    def forward(x: Any, /) -> Any:
        if x.dtype.kind == "b" or (x.dtype.kind in "iu" and name != "sign"):
            return x.copy()
        if x.dtype.kind == "c":
            raise RuntimeError(f"{name} is not supported for complex tensors")
        return function(x)

    forward.__doc__ = shown(doc, f"{name}(torch.tensor([-1.7, 0.5, 2.0]))", result)
    made = op(name=name, torch=name, cases=away_from_half, kinks="constant between jumps")(forward)
    made.vjp(lambda g: g * 0)
    return made


def _sign(x: Any) -> Any:
    """NumPy's, but for 0 where torch says 0: at NaN."""
    y = np.sign(x)
    return np.where(x != x, np.zeros((), x.dtype), y) if x.dtype.kind == "f" else y


def away_from_half(rng: np.random.Generator) -> Any:
    """Values well between the multiples of one half."""
    yield Case(rng.integers(-4, 4, (2, 3)) / 2 + rng.uniform(0.1, 0.4, (2, 3)))


floor = _flat(
    "floor", np.floor, "The largest whole number not above ``x``.", "tensor([-2.,  0.,  2.])"
)


ceil = _flat(
    "ceil", np.ceil, "The smallest whole number not below ``x``.", "tensor([-1.,  1.,  2.])"
)


def _rounded(rng: np.random.Generator) -> Any:
    yield from away_from_half(rng)
    yield Case(np.array([123.4, -577.8]), decimals=-2)


@op(torch="round", cases=_rounded, kinks="constant between jumps")
def round(x: Any, /, decimals: int = 0) -> Any:
    """The nearest whole number (or multiple of a power of ten), halves to even.

    >>> import tensor_core as torch
    >>> torch.round(torch.tensor([-1.7, 0.5, 2.0])), torch.round(torch.tensor(1.26), decimals=1)
    (tensor([-2.,  0.,  2.]), tensor(1.3000))
    """
    only("iufV" if decimals == 0 else "fV", "round_cpu", x)
    if decimals == 0:
        return x.copy() if x.dtype.kind in "iu" else np.rint(x)
    ten = x.dtype.type(10.0 ** builtins.abs(decimals))
    if decimals > 0:
        return np.rint(x * ten) / ten
    return np.rint(x / ten) * ten


round.vjp(lambda g: g * 0)


trunc = _flat("trunc", np.trunc, "The whole part, towards zero.", "tensor([-1.,  0.,  2.])")


sign = _flat("sign", _sign, "-1, 0 or 1.", "tensor([-1.,  1.,  1.])")
