"""What the functions of matrices share: checks of shape and type, and the error they raise."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._tensor import Tensor


class LinAlgError(RuntimeError):
    """A decomposition or solution that does not exist, such as the inverse of a singular matrix.

    >>> import tensor_core as torch
    >>> try:
    ...     torch.linalg.inv(torch.zeros(2, 2))
    ... except torch.linalg.LinAlgError as error:
    ...     print("singular")
    singular
    """


def hermitian(x: Any) -> Any:
    """The conjugate transpose of matrices: arrays or Tensors."""
    turned = np.swapaxes(x, -1, -2)
    return turned.conj() if _kind(x) == "c" else turned


def _kind(x: Any) -> str:
    return (x._a if isinstance(x, Tensor) else x).dtype.kind


def kind_of(x: Any) -> np.dtype[Any]:
    """The NumPy type of an array or Tensor."""
    return x._a.dtype if isinstance(x, Tensor) else x.dtype


def matrices(name: str, t: Any, square: bool = False) -> Tensor:
    """``t`` itself, if it is a batch of floating-point matrices.

    Raises:
        RuntimeError: it is not.
    """
    if not isinstance(t, Tensor):
        raise TypeError(f"{name}(): argument must be Tensor, not {type(t).__name__}")
    a = t._a
    if a.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor A must have at least 2 dimensions, but it has {a.ndim}."
        )
    if square and a.shape[-1] != a.shape[-2]:
        raise RuntimeError(
            f"{name}: A must be batches of square matrices, but they are {a.shape[-2]} by "
            f"{a.shape[-1]} matrices"
        )
    if a.dtype.kind not in "fcV":
        raise RuntimeError(
            f"{name}: Expected a floating point or complex tensor as input. Got {t.dtype}"
        )
    if a.dtype == np.float16:
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {t.dtype}")
    return t


def eye_like(x: Any) -> np.ndarray:
    """The identity of the size of x's last dimension, in its type."""
    return np.eye(x.shape[-1], dtype=kind_of(x))


def diagonal_of(x: Any) -> Any:
    """The diagonals of the last two dimensions."""
    n = min(x.shape[-2:])
    return x[..., np.arange(n), np.arange(n)]


def with_diagonal(d: Any) -> Any:
    """Square matrices with ``d`` on the diagonal. Shapes: (..., n) -> (..., n, n)."""
    return d[..., :, None] * np.eye(d.shape[-1], dtype=kind_of(d))


def over(above: Any, below: Any) -> Any:
    """``above / below``, but 0 where both are 0: a zero gap that no cotangent meets is no harm."""
    a, b = (x._a if isinstance(x, Tensor) else x for x in (above, below))
    nothing = (a == 0) & (b == 0)
    return above / (np.where(nothing, np.ones((), b.dtype), below) if nothing.any() else below)
