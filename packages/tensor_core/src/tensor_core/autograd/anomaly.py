"""A mode in which the backward pass stops at the first gradient that is not a number."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np

from .. import _backward
from .._node import Select
from .._tensor import Tensor

_order = _backward._order
_mode = {"enabled": False, "check_nan": True}


def is_anomaly_enabled() -> bool:
    """Whether the mode is on.

    >>> import tensor_core as torch
    >>> torch.is_anomaly_enabled()
    False
    """
    return _mode["enabled"]


def is_anomaly_check_nan_enabled() -> bool:
    """Whether the mode, when it is on, looks for numbers that are none.

    >>> import tensor_core as torch
    >>> torch.is_anomaly_check_nan_enabled()
    True
    """
    return _mode["check_nan"]


def _set(enabled: bool, check_nan: bool) -> None:
    _mode.update(enabled=enabled, check_nan=check_nan)
    _backward._order = _checked_order if enabled and check_nan else _order


def _checked_order(roots: Any, targets: Any) -> list[Any]:
    """The nodes of the pass, each of which now looks at what it returns."""
    order = _order(roots, targets)
    for node in order:
        if node._seq >= 0 and not isinstance(node, Select) and not hasattr(node, "_checked"):
            node.__class__ = _checking(type(node))  # type: ignore[arg-type]  # classes hash
    return order


@cache
def _checking(kind: type) -> type:
    """A subclass whose nodes raise when a gradient they return holds a NaN."""

    def apply(self: Any, g: Any) -> Any:
        return _looked_at(self, kind.apply(self, g))  # type: ignore[attr-defined]

    def apply_graph(self: Any, g: Any) -> Any:
        return _looked_at(self, kind.apply_graph(self, g))  # type: ignore[attr-defined]

    fields = {"__slots__": (), "apply": apply, "apply_graph": apply_graph, "_checked": True}
    return type(kind.__name__, (kind,), fields)


def _looked_at(node: Any, grads: Any) -> Any:
    for i, g in enumerate(grads):
        array = g._a if isinstance(g, Tensor) else g
        real = isinstance(array, np.ndarray | np.generic) and array.dtype.kind in "fcV"
        if real and np.isnan(array).any():
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
    return grads


class set_detect_anomaly:
    """Switch the mode at once; as a context manager, for the block only.

    Raises, in the backward pass:
        RuntimeError: a gradient is not a number; the message names the operation.

    >>> import tensor_core as torch
    >>> with torch.autograd.set_detect_anomaly(True):
    ...     torch.is_anomaly_enabled()
    True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = dict(_mode)
        _set(bool(mode), bool(check_nan))

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _set(**self._before)


class detect_anomaly:
    """A block in which the backward pass stops at the first gradient that is not a number.

    >>> import tensor_core as torch
    >>> import warnings
    >>> x = torch.tensor(0.0, requires_grad=True)
    >>> with warnings.catch_warnings(), torch.autograd.detect_anomaly():
    ...     (torch.sqrt(x) * 0).backward()
    Traceback (most recent call last):
        ...
    RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan
        self._before = dict(_mode)
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            UserWarning,
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = dict(_mode)
        _set(True, self.check_nan)

    def __exit__(self, *exc: object) -> None:
        _set(**self._before)
