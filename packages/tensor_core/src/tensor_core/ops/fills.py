"""Draws into a tensor, element by element in the order of its memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import random
from .._dtypes import DIFFERENTIABLE
from .._inplace import in_place
from .._sampling import in_memory_order
from .._tensor import Tensor, wrap
from .index import copy

_EPS = float(np.finfo(np.float64).eps)
_NO_UPPER = object()  # random_(5) and random_(5, None) differ


def _filled(t: Tensor, drawn: np.ndarray) -> Tensor:
    laid = in_memory_order(t._a, drawn)
    return in_place(t, copy, wrap(laid.astype(t._a.dtype, copy=False)))


def _floating(name: str, t: Tensor) -> np.dtype[Any]:
    if t._a.dtype.kind not in DIFFERENTIABLE:
        raise NotImplementedError(f"{name}: the tensor must be floating point, not {t.dtype}")
    return t._a.dtype


def uniform_(
    self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None, **kw: Any
) -> Tensor:
    """Fill with numbers in [from, to).

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).uniform_(-1, 1)
    tensor([-0.0075,  0.5364])
    """
    low = kw.pop("from", from_)
    kind = _floating("uniform_", self)
    return _filled(self, random.current(generator).uniform(self._a.shape, kind, low, to))


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with normal numbers; where memory is not contiguous, drawn one by one.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).normal_(std=0.1)
    tensor([ 0.1541, -0.0293])
    """
    kind = _floating("normal_", self)
    source = random.current(generator)
    if self._a.flags.c_contiguous or self._a.size < 16 or kind.kind == "c":
        return _filled(self, source.normal(self._a.shape, kind, mean, std))
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")
    return _filled(self, source.single_normals(self._a.size) * std + mean)


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with exponentially distributed numbers of rate ``lambd``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).exponential_()
    tensor([3.5083, 1.2304])
    """
    kind = _floating("exponential_", self)
    return _filled(self, random.current(generator).exponential(self._a.shape, kind, lambd))


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with 1 (probability ``p``) and 0.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(4).bernoulli_(0.5)
    tensor([0., 0., 1., 0.])
    """
    source = random.current(generator)
    if isinstance(p, Tensor):
        drawn = source.bernoulli(self._a.shape, p._a)
        return in_place(self, copy, wrap(drawn.astype(self._a.dtype)))
    return _filled(self, source.bernoulli(self._a.shape, p))


def random_(
    self: Tensor, from_: int = 0, to: Any = _NO_UPPER, *, generator: Any = None, **kw: Any
) -> Tensor:
    """Fill with integers: in [from, to), in [0, from), or in all the non-negative range.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(4).random_(6)
    tensor([2., 3., 5., 0.])
    """
    low: int = kw.pop("from", from_)
    if to is _NO_UPPER:
        low, to = (0, low) if low else (0, None)
    drawn = random.current(generator).random_(self._a.shape, int(low), to, self._a.dtype)
    return _filled(self, drawn)


def cauchy_(
    self: Tensor, median: float = 0.0, sigma: float = 1.0, *, generator: Any = None
) -> Tensor:
    """Fill with numbers of the Cauchy distribution.

    Raises:
        RuntimeError: ``sigma`` is not positive.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).cauchy_()
    tensor([10.5977,  0.7648])
    """
    _floating("cauchy_", self)
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
    tensor([1., 1., 2.])
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
    tensor([4.6692, 0.7457])
    """
    _floating("log_normal_", self)
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    drawn = random.current(generator).single_normals(self._a.size)
    return _filled(self, np.exp(drawn * std + mean))
