"""Steps: functions whose derivative is zero wherever there is one."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from ._cases import shown


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


def away_from_half(rng: np.random.Generator) -> Any:
    """Values well between the multiples of one half."""
    yield Case(rng.integers(-4, 4, (2, 3)) / 2 + rng.uniform(0.1, 0.4, (2, 3)))


floor = _flat(
    "floor", np.floor, "The largest whole number not above ``x``.", "tensor([-2.,  0.,  2.])"
)


ceil = _flat(
    "ceil", np.ceil, "The smallest whole number not below ``x``.", "tensor([-1.,  1.,  2.])"
)


round = _flat(
    "round", np.round, "The nearest whole number, halves to even.", "tensor([-2.,  0.,  2.])"
)


trunc = _flat("trunc", np.trunc, "The whole part, towards zero.", "tensor([-1.,  0.,  2.])")


sign = _flat("sign", np.sign, "-1, 0 or 1.", "tensor([-1.,  1.,  1.])")
