"""Further distributions: Cauchy, geometric, log-normal, Poisson and binomial numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import random
from .._inplace import in_place
from .._rejection import Stream
from .._rejection import binomial as _binomial
from .._rejection import poisson as _poisson
from .._tensor import Tensor, wrap
from .index import copy

_EPS = float(np.finfo(np.float64).eps)


def by_memory(shape_of: np.ndarray) -> tuple[int, ...]:
    """The dimensions in the order in which torch walks through an array: largest stride first."""
    strides = [abs(s) for s in shape_of.strides]
    return tuple(sorted(range(shape_of.ndim), key=lambda d: -strides[d]))


def in_memory_order(like: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """Numbers drawn one after the other, laid out as torch writes them into ``like``."""
    order = by_memory(like)
    laid = drawn.reshape([like.shape[d] for d in order])
    return laid.transpose(np.argsort(order)) if like.ndim else laid


def _filled(t: Tensor, drawn: np.ndarray) -> Tensor:
    laid = in_memory_order(t._a, drawn)
    return in_place(t, copy, wrap(laid.astype(t._a.dtype)))


def _real(name: str, t: Tensor) -> None:
    if t._a.dtype.kind not in "fV":
        raise NotImplementedError(f'"{name}" not implemented for {t.dtype}')


def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Fill with numbers of the Cauchy distribution.

    Raises:
        RuntimeError: ``sigma`` is not positive.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).cauchy_()
    tensor([-0.2215,  0.9023])
    """
    _real("cauchy_cpu", self)
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    u = random.current(generator).uniform(self._a.size, np.float64)
    u = np.clip(u, _EPS, 1 - _EPS)
    return _filled(self, median + sigma * np.tan(math.pi * (u - 0.5)))


def geometric_(self: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fill with the number of the first success of trials that succeed with probability ``p``.

    Raises:
        RuntimeError: ``p`` is not in (0, 1).

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(3).geometric_(0.5)
    tensor([2., 1., 4.])
    """
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    u = random.current(generator).uniform(self._a.size, np.float64)
    return _filled(self, np.ceil(np.log(u) / math.log1p(-p)))


def log_normal_(
    self: Tensor, mean: float = 1.0, std: float = 2.0, *, generator: Any = None
) -> Tensor:
    """Fill with exponentials of normal numbers.

    Raises:
        RuntimeError: ``std`` is not positive.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).log_normal_(0, 1)
    tensor([4.6693, 0.7457])
    """
    _real("log_normal_cpu", self)
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    drawn = random.current(generator).single_normals(self._a.size)
    return _filled(self, np.exp(drawn * std + mean))


def _walk(a: np.ndarray) -> np.ndarray:
    """The elements in the order in which torch meets them."""
    return a.transpose(by_memory(a)).reshape(-1)


def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """How many events happen, of the rates that the elements give.

    Raises:
        RuntimeError: a rate is negative.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.poisson(torch.tensor([0.0, 3.0, 100.0]))
    tensor([ 0.,  3., 99.])
    """
    _real("poisson_cpu", input)
    if input._a.size and not (input._a >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    with Stream(random.current(generator)) as uniform:
        drawn = [_poisson(rate, uniform) for rate in _walk(input._a).tolist()]
    made = in_memory_order(input._a, np.array(drawn, input._a.dtype))
    return wrap(made)


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """How many of ``count`` trials succeed with probability ``prob``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.binomial(torch.tensor([10.0, 100.0]), torch.tensor([0.5, 0.3]))
    tensor([ 5., 25.])
    """
    _real("binomial_cpu", count)
    if count._a.dtype != prob._a.dtype:
        raise RuntimeError(
            f"binomial: count is {count.dtype} and prob {prob.dtype}; they must have one type"
        )
    counts, probs = np.broadcast_arrays(count._a, prob._a)
    with Stream(random.current(generator)) as uniform:
        pairs = zip(counts.reshape(-1).tolist(), probs.reshape(-1).tolist(), strict=True)
        drawn = [_binomial(n, p, uniform) for n, p in pairs]
    return wrap(np.array(drawn, count._a.dtype).reshape(counts.shape))
