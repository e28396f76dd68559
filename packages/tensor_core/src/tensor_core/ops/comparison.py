"""Comparisons, logic and bits: results without a derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from ._cases import shown


def _compared(rng: np.random.Generator) -> Any:
    yield Case(np.array([0.0, 1.0, -2.0]), np.array([0.0, 2.0, -3.0]))
    yield Case(np.array([[1], [2]]), np.array([1.0, 2.0]))


def _bit_cases(rng: np.random.Generator) -> Any:
    yield Case(np.array([5, 3, 0]), np.array([1, 2, 3]))


def _bit_case(rng: np.random.Generator) -> Any:
    yield Case(np.array([5, -3, 0]))
    yield Case(np.array([True, False]))


def _special(rng: np.random.Generator) -> Any:
    yield Case(np.array([0.0, 1.5, np.inf, -np.inf, np.nan]))


def _logical(name: str, function: Any, doc: str, result: str, promote: str | None = "same") -> Any:
    def forward(x: Any, other: Any, /) -> Any:
        return function(x, other)

    call = f"{name}(torch.tensor([0, 2, 3]), torch.tensor([3, 2, 0]))"
    forward.__doc__ = shown(doc, call, f"tensor([{result}])")
    cases = _bit_cases if name.startswith("bitwise") else _compared
    return op(name=name, torch=name, promote=promote, cases=cases)(forward)


eq = _logical("eq", np.equal, "Whether two elements are equal.", "False,  True, False")


ne = _logical("ne", np.not_equal, "Whether two elements differ.", " True, False,  True")


lt = _logical("lt", np.less, "Whether ``x`` is less than ``other``.", " True, False, False")


le = _logical("le", np.less_equal, "Whether ``x`` is at most ``other``.", " True,  True, False")


gt = _logical("gt", np.greater, "Whether ``x`` is greater than ``other``.", "False, False,  True")


ge = _logical("ge", np.greater_equal, "Whether ``x`` is at least ``other``.", "False,  True,  True")


logical_and = _logical(
    "logical_and", np.logical_and, "Whether both are true.", "False,  True, False", None
)


logical_or = _logical(
    "logical_or", np.logical_or, "Whether either is true.", "True, True, True", None
)


logical_xor = _logical(
    "logical_xor", np.logical_xor, "Whether exactly one is true.", " True, False,  True", None
)


bitwise_and = _logical("bitwise_and", np.bitwise_and, "Bits set in both.", "0, 2, 0")


bitwise_or = _logical("bitwise_or", np.bitwise_or, "Bits set in either.", "3, 2, 3")


bitwise_xor = _logical("bitwise_xor", np.bitwise_xor, "Bits set in exactly one.", "3, 0, 3")


bitwise_left_shift = _logical("bitwise_left_shift", np.left_shift, "Bits moved up.", "0, 8, 3")


bitwise_right_shift = _logical("bitwise_right_shift", np.right_shift, "Bits moved down.", "0, 0, 3")


def _test(name: str, function: Any, doc: str, x: str, result: str) -> Any:
    def forward(x: Any, /) -> Any:
        return function(x)

    forward.__doc__ = shown(doc, f"{name}(torch.tensor([{x}]))", f"tensor([{result}])")
    return op(name=name, torch=name, cases=_bit_case if name == "bitwise_not" else _special)(
        forward
    )


isnan = _test(
    "isnan",
    np.isnan,
    "Whether an element is not a number.",
    "0.0, torch.nan, torch.inf",
    "False,  True, False",
)


isinf = _test(
    "isinf",
    np.isinf,
    "Whether an element is infinite.",
    "0.0, torch.nan, torch.inf",
    "False, False,  True",
)


isfinite = _test(
    "isfinite",
    np.isfinite,
    "Whether an element is neither infinite nor NaN.",
    "0.0, torch.nan, torch.inf",
    " True, False, False",
)


logical_not = _test(
    "logical_not",
    np.logical_not,
    "Whether an element is zero or False.",
    "0, 1, 2",
    " True, False, False",
)


bitwise_not = _test(
    "bitwise_not", np.invert, "Every bit flipped; for bool, the opposite.", "0, 2, -1", "-1, -3,  0"
)
