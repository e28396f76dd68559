"""Pooling's linear ops, in any number of dimensions: each one's derivative is another of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from . import pool_core as core
from ._cases import distinct
from .keys import raw
from .pool_core import Windows


def _cases(rng: np.random.Generator) -> Any:
    how = Windows((2, 3), (1, 2), (1, 0), (1, 1), (4, 2))  # overlapping, with a border
    yield Case(rng.normal(size=(2, 3, 5)), how)
    yield Case(rng.normal(size=(1, 5)), Windows((2,), (2,), (0,), (1,), (3,)))  # one beyond the end


@op(name="pool_sum", cases=_cases)
def pool_sum(x: Any, /, how: Windows) -> Any:
    """The sum of each window.

    >>> import tensor_core as torch
    >>> torch.nn.functional.avg_pool1d(torch.arange(4.0).reshape(1, 4), 2)
    tensor([[0.5000, 2.5000]])
    """
    return core.sums(x, how)


@pool_sum.vjp
def _(g: Any, x_shape: Any, how: Windows) -> Any:
    return pool_spread.plain(g, x_shape[len(x_shape) - len(how.out) :], how)


def _spread_cases(rng: np.random.Generator) -> Any:
    how = Windows((2, 3), (1, 2), (1, 0), (1, 1), (4, 2))
    yield Case(rng.normal(size=(2, 4, 2)), (3, 5), how)


@op(name="pool_spread", cases=_spread_cases)
def pool_spread(g_: Any, /, sizes: Any, how: Windows) -> Any:
    """Each window's number added to all its elements.

    >>> import tensor_core as torch
    >>> x = torch.zeros(1, 3, requires_grad=True)
    >>> torch.nn.functional.avg_pool1d(x, 2, stride=1).sum().backward(); x.grad
    tensor([[0.5000, 1.0000, 0.5000]])
    """
    return core.spread(g_, tuple(sizes), how)


@pool_spread.vjp
def _(g: Any, how: Windows) -> Any:
    return pool_sum.plain(g, how)


def _max_cases(rng: np.random.Generator) -> Any:
    for case in _cases(rng):
        yield Case(distinct(rng, case.args[0].shape), case.args[1])
    yield Case(distinct(rng, (1, 2, 6)), Windows((2,), (2,), (1,), (3,), (3,)))  # dilated


@op(name="pool_max", cases=_max_cases, kinks="ties: the first")
def pool_max(x: Any, /, how: Windows) -> Any:
    """The largest element of each window.

    >>> import tensor_core as torch
    >>> torch.max_pool1d(torch.tensor([[1.0, 3.0, 2.0, 0.0]]), 2)
    tensor([[3., 2.]])
    """
    return core.largest(x, how)


@pool_max.vjp
def _(g: Any, x: Any, how: Windows) -> Any:
    # not from the output: that may be changed in place, by a ReLU say
    number = core.numbers(raw(x), core.largest(raw(x), how), how)
    return pool_put.plain(g, number, x.shape[len(x.shape) - len(how.out) :], how)


def _numbers(rng: np.random.Generator) -> tuple[Windows, np.ndarray]:
    return Windows((2,), (1,), (0,), (1,), (3,)), rng.integers(0, 2, (2, 3)).astype(np.uint8)


def _put_cases(rng: np.random.Generator) -> Any:
    how, number = _numbers(rng)
    yield Case(rng.normal(size=(2, 3)), number, (4,), how)
    yield Case(rng.normal(size=(2, 3)), number, (6,), how._replace(stride=(2,)))


@op(name="pool_put", cases=_put_cases)
def pool_put(g_: Any, number: Any, /, sizes: Any, how: Windows) -> Any:
    """Each window's number added to one of its elements.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1.0, 3.0, 2.0]], requires_grad=True)
    >>> torch.max_pool1d(x, 2, stride=1).sum().backward(); x.grad
    tensor([[0., 2., 0.]])
    """
    return core.put(g_, number, tuple(sizes), how)


@pool_put.vjp("g_")
def _(g: Any, number: Any, how: Windows) -> Any:
    return pool_pick.plain(g, number, how)


def _pick_cases(rng: np.random.Generator) -> Any:
    how, number = _numbers(rng)
    yield Case(rng.normal(size=(2, 4)), number, how)


@op(name="pool_pick", cases=_pick_cases)
def pool_pick(x: Any, number: Any, /, how: Windows) -> Any:
    """The element of each window at its own kernel position.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1.0, 3.0, 2.0, 0.0]])
    >>> torch.nn.functional.max_pool1d(x, 2, return_indices=True)
    (tensor([[3., 2.]]), tensor([[1, 2]]))
    """
    return core.pick(x, number, how)


@pool_pick.vjp("x")
def _(g: Any, number: Any, x_shape: Any, how: Windows) -> Any:
    return pool_put.plain(g, number, x_shape[len(x_shape) - len(how.out) :], how)
