"""Types an op does not take, refused with torch's kind of error."""

from __future__ import annotations

from typing import Any

import numpy as np

_NAMES = {
    "bool": "Bool", "uint8": "Byte", "int8": "Char", "int16": "Short", "int32": "Int",
    "int64": "Long", "float16": "Half", "bfloat16": "BFloat16", "float32": "Float",
    "float64": "Double", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip


def numbers(name: str, *operands: Any) -> None:
    """Let pass tensors alone.

    Raises:
        TypeError: an operand is a Python number.
    """
    for place, x in enumerate(operands, 1):
        if isinstance(x, int | float | complex):
            raise TypeError(
                f"{name}(): argument {place} must be Tensor, not {type(x).__name__}; "
                "make it one with torch.tensor()"
            )


def tensors_alone(card: Any) -> Any:
    """A binary op that refuses numbers also where the engine brings types together first."""
    card.check = lambda operands: numbers(card.name, *operands)
    return card


def only(kinds: str, name: str, *operands: Any) -> None:
    """Let pass operands of these NumPy kinds (``"f"``, ``"iu"`` ...).

    Raises:
        NotImplementedError: one is of another type.
    """
    for x in operands:
        a = getattr(x, "_a", x)
        if isinstance(a, np.ndarray) and a.dtype.kind not in kinds:
            shown = _NAMES.get(a.dtype.name, a.dtype.name)
            raise NotImplementedError(f'"{name}" not implemented for {shown!r}')
