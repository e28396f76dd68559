"""Limiting gradients: their total norm, or each value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable

import numpy as np

from ... import _threads
from ..._backward import listed
from ..._tensor import Tensor, wrap
from ...kernels import active, backend

_SMALL = 1 << 13  # elements: below, a call costs more than a copy
_PIECE = 1 << 18  # elements a thread takes at once: a megabyte of float32
_WORTH_THREADS = 1 << 20  # elements in all

Tensors = Tensor | Iterable[Tensor]


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all elements of all tensors together, as a 0-d tensor.

    ``norm_type`` may be ``inf``. Raises ``RuntimeError`` for a norm that is not finite if asked.

    >>> import tensor_core as torch
    >>> get_total_norm([torch.tensor([3.0]), torch.tensor([[4.0]])])
    tensor(5.)
    """
    arrays = [t._a for t in listed(tensors)]
    norm = _norm(arrays, float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. Pass error_if_nonfinite=False to scale by it anyway."
        )
    return wrap(np.array(norm, arrays[0].dtype if arrays else np.float32))


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale every gradient in place by ``max_norm / total_norm`` where that is below 1."""
    scale = min(float(max_norm) / (float(total_norm.item()) + 1e-6), 1.0)
    if scale == 1.0:
        return

    def shrink(piece: np.ndarray) -> None:
        piece *= scale

    grads = _grads(parameters)
    for grad in grads:
        grad._bump()
    _for_each(_pieces([grad._a for grad in grads]), shrink)


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale the gradients so that their total norm is at most ``max_norm``; returns it as it was.

    Source: Pascanu et al. 2013.

    >>> import tensor_core as torch
    >>> w = torch.zeros(2, requires_grad=True)
    >>> w.grad = torch.tensor([3.0, 4.0])
    >>> clip_grad_norm_([w], 1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    parameters = listed(parameters)
    norm = get_total_norm(_grads(parameters), norm_type, error_if_nonfinite)
    clip_grads_with_norm_(parameters, max_norm, norm)
    return norm


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The old name of ``clip_grad_norm_``; it warns."""
    warnings.warn(
        "torch.nn.utils.clip_grad_norm is now deprecated in favor of "
        "torch.nn.utils.clip_grad_norm_.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limit every gradient's values to ±``clip_value``, in place.

    >>> import tensor_core as torch
    >>> w = torch.zeros(2, requires_grad=True)
    >>> w.grad = torch.tensor([3.0, -0.5])
    >>> clip_grad_value_(w, 1.0); w.grad
    tensor([ 1.0000, -0.5000])
    """
    limit = float(clip_value)
    for grad in _grads(parameters):
        np.clip(grad._a, -limit, limit, out=grad._a)
        grad._bump()


def _grads(parameters: Tensors) -> list[Tensor]:
    return [grad for p in listed(parameters) if (grad := p.grad) is not None]


def _norm(arrays: list[np.ndarray], order: float) -> float:
    if order == 2.0:
        return math.sqrt(_sum_squares(arrays))
    if order == math.inf:
        return max((float(np.abs(a).max()) for a in arrays if a.size), default=0.0)
    if order == 0.0:
        return float(sum(np.count_nonzero(a) > 0 for a in arrays))
    total = sum(float((np.abs(a).astype(np.float64) ** order).sum()) for a in arrays)
    return float(total ** (1.0 / order))


def _sum_squares(arrays: list[np.ndarray]) -> float:
    sums: list[float] = []  # appending is safe from several threads; the order is not fixed ...

    def add(piece: np.ndarray) -> None:
        sums.append(active.sum_squares(piece))

    small = [a for a in arrays if a.size <= _SMALL]
    pieces = [np.ascontiguousarray(a).reshape(-1) for a in arrays if a.size > _SMALL]
    if small:
        pieces.append(np.concatenate(small, axis=None))
    _for_each(_pieces(pieces), add)
    return math.fsum(sums)  # ... so add them up exactly: the same norm at every run


def _for_each(pieces: list[np.ndarray], work: Callable[[np.ndarray], None]) -> None:
    """In threads where that pays: enough elements, and kernels outside the interpreter."""
    if backend() == "numba" and sum(piece.size for piece in pieces) >= _WORTH_THREADS:
        _threads.parallel_for(pieces, work)
    else:
        for piece in pieces:
            work(piece)


def _pieces(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The arrays, long contiguous ones cut up."""
    pieces = []
    for a in arrays:
        if a.size <= _PIECE or not a.flags.c_contiguous:
            pieces.append(a)
        else:
            flat = a.reshape(-1)
            pieces += [flat[i : i + _PIECE] for i in range(0, flat.size, _PIECE)]
    return pieces
