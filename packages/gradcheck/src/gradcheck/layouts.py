"""The same numbers laid out differently in memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from gradcheck.forward import Array

if TYPE_CHECKING:
    from gradcheck.subject import Subject


def apply(name: str, array: Array) -> Array:
    """An array of equal values laid out as ``name`` says.

    >>> apply("reversed", np.arange(3.0)).strides
    (-8,)
    """
    return _LAYOUTS[name](array)


def _fortran(array: Array) -> Array:
    return array.copy(order="F")


def _strided(array: Array) -> Array:
    if array.ndim == 0:
        return array.copy()
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)
    wide[..., ::2] = array
    return wide[..., ::2]


def _reversed(array: Array) -> Array:
    if array.ndim == 0:
        return array.copy()
    return array[..., ::-1].copy()[..., ::-1]


def _read_only(array: Array) -> Array:
    fixed = array.copy()
    fixed.flags.writeable = False
    return fixed


def _broadcast(array: Array) -> Array:
    if array.ndim == 0 or array.shape[0] < 2:
        return array.copy()
    return np.broadcast_to(array[:1].copy(), array.shape)


def _scattered(array: Array) -> Array:
    """With gaps, backwards, and the axes in another order in memory."""
    if array.ndim == 0:
        return array.copy()
    turned = array.T
    wide = np.zeros((*turned.shape[:-1], 2 * turned.shape[-1]), array.dtype)
    wide[..., ::-2] = turned
    return wide[..., ::-2].T


_LAYOUTS = {
    "fortran": _fortran,
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
    "broadcast": _broadcast,
}
NAMES = tuple(_LAYOUTS)
_LAYOUTS["scattered"] = _scattered  # several of the above at once


def values_for(name: str, primals: Sequence[Array]) -> list[Array]:
    """The values a layout is tried on: constant along the first axis for ``broadcast``."""
    if name != "broadcast":
        return list(primals)
    return [np.array(_broadcast(p), order="C") if p.dtype.kind == "f" else p for p in primals]


CONTIGUOUS = "right only when contiguous"
STATE = "it keeps state, changes its arguments, or is random"


def why_it_fails(message: str) -> str:
    """What a rule that raises for a layout does wrong, by what it raises.

    >>> why_it_fails("ValueError: output array is read-only")
    'it writes into what it is given'
    """
    return "it writes into what it is given" if "read-only" in message else CONTIGUOUS


def accepted(subject: "Subject", primals: Sequence[Array]) -> bool:
    """Whether the function itself takes inputs laid out like this."""
    try:
        subject.engine.value(subject.f, primals)
    except Exception:
        return False
    return True
