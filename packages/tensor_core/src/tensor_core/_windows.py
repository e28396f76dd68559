"""Windows that taper a signal towards its ends (Harris 1978, "On the use of windows")."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._tensor import Tensor
from .ops.random import _type, finish


def _window(name: str, shape: Callable[[np.ndarray, np.ndarray], np.ndarray], words: str) -> Any:
    def function(
        window_length: int, periodic: bool = True, *, dtype: Any = None, layout: Any = None,
        device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
    ) -> Tensor:  # fmt: skip
        return _made(name, window_length, periodic, shape, dtype, device, requires_grad)

    function.__name__ = name
    function.__doc__ = f"""{words} of a length; ``periodic`` leaves the last value out.

    >>> import tensor_core as torch
    >>> torch.{name}(5).shape
    torch.Size([5])
    """
    return function


def _made(
    name: str, n: int, periodic: bool, shape: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    kind = _type(dtype)
    if kind.kind not in "fV":
        raise RuntimeError(f"{name} expects floating point dtypes, got: {kind}")
    if n < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={n}")
    if n < 2:
        return finish(np.ones(n, kind), requires_grad, device)
    last = n if periodic else n - 1
    k = np.arange(n)
    return finish(np.asarray(shape(k, 2 * np.pi * k / last)).astype(kind), requires_grad, device)


hann_window = _window("hann_window", lambda k, t: 0.5 - 0.5 * np.cos(t), "Hann's raised cosine")
blackman_window = _window(
    "blackman_window",
    lambda k, t: 0.42 - 0.5 * np.cos(t) + 0.08 * np.cos(2 * t),
    "Blackman's sum of two cosines",
)
bartlett_window = _window(
    "bartlett_window",
    lambda k, t: 1 - np.abs(t / np.pi - 1),
    "Bartlett's triangle",
)


def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype: Any = None, layout: Any = None, device: Any = None, pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Hamming's raised cosine of a length: ``alpha - beta * cos``.

    >>> import tensor_core as torch
    >>> torch.hamming_window(4)
    tensor([0.0800, 0.5400, 1.0000, 0.5400])
    """
    return _made(
        "hamming_window", window_length, periodic, lambda k, t: alpha - beta * np.cos(t), dtype,
        device, requires_grad,
    )  # fmt: skip


def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *, dtype: Any = None,
    layout: Any = None, device: Any = None, pin_memory: bool = False, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Kaiser's window of a length, by the modified Bessel function of order 0.

    >>> import tensor_core as torch
    >>> torch.kaiser_window(3, periodic=False)
    tensor([5.2773e-05, 1.0000e+00, 5.2773e-05])
    """

    def shape(k: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.i0(beta * np.sqrt(np.maximum(1 - (t / np.pi - 1) ** 2, 0))) / np.i0(beta)

    return _made(
        "kaiser_window", window_length, periodic, shape, dtype, device, requires_grad
    )  # fmt: skip
