"""Poisson and binomial numbers, one for each element of the tensors that describe them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import random
from .._rejection import Stream
from .._rejection import binomial as _binomial
from .._rejection import poisson as _poisson
from .._tensor import Tensor, wrap


def _real(name: str, t: Tensor) -> None:
    if t._a.dtype.kind not in "fV":
        raise NotImplementedError(f'"{name}" not implemented for {t.dtype}')


def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """How many events happen, of the rates that the elements give.

    Raises:
        RuntimeError: a rate is negative.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.poisson(torch.tensor([0.0, 3.0, 100.0]))
    tensor([ 0.,  6., 96.])
    """
    _real("poisson_cpu", input)
    if input._a.size and not (input._a >= 0).all():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    with Stream(random.current(generator)) as uniform:
        drawn = [_poisson(rate, uniform) for rate in input._a.reshape(-1).tolist()]
    return wrap(np.array(drawn, input._a.dtype).reshape(input._a.shape))


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """How many of ``count`` trials succeed with probability ``prob``. Shapes broadcast.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.binomial(torch.tensor([10.0, 100.0]), torch.tensor([0.5, 0.3]))
    tensor([ 7., 31.])
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
