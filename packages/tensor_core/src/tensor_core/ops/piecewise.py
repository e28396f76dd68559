"""Activations made of straight pieces: what they give at a corner is torch's choice of slope."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._inplace import in_place
from .._tensor import Tensor
from .choosing import where_op

Rng = np.random.Generator


def between(*corners: float) -> Any:
    """Cases whose values keep a distance from the corners."""

    def cases(rng: Rng) -> Any:
        for shape in ((3,), (4, 5), (), (0, 2)):
            x = np.asarray(rng.uniform(-5, 5, size=shape))
            for corner in corners:
                x = np.where(np.abs(x - corner) < 0.1, corner + 0.2, x)
            yield Case(x)

    return cases


@op(name="hardtanh", cases=between(-1, 1), kinks="at the limits: slope 0")
def clipped(x: Any, /, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """``x`` limited to an interval; flat at its ends, where ``clamp`` still has slope 1.

    >>> import tensor_core as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5, 3.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """
    return np.clip(x, min_val, max_val)


@clipped.vjp
def _(g: Any, x: Any, min_val: Any, max_val: Any) -> Any:
    return g * ((x > min_val) & (x < max_val))


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """``x`` limited to [min_val, max_val].

    Raises:
        ValueError: the limits are the wrong way round.

    >>> import tensor_core as torch
    >>> torch.nn.functional.hardtanh(torch.tensor([-3.0, 0.5]), -2, 2)
    tensor([-2.0000,  0.5000])
    """
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if inplace:
        return in_place(input, clipped, min_val, max_val)
    return clipped(input, min_val, max_val)


@composed(torch="nn.functional.relu6", cases=between(0, 6), kinks="x = 0 and x = 6: slope 0")
def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """``x`` limited to [0, 6] (Krizhevsky 2010).

    >>> import tensor_core as torch
    >>> torch.nn.functional.relu6(torch.tensor([-1.0, 3.0, 7.0]))
    tensor([0., 3., 6.])
    """
    return hardtanh(input, 0, 6, inplace)


@op(name="hardsigmoid", cases=between(-3, 3), kinks="x = -3 and x = 3: slope 0")
def _hardsigmoid(x: Any, /) -> Any:
    """``relu6(x + 3) / 6``, straight where the sigmoid curves.

    >>> import tensor_core as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return np.clip(x + 3, 0, 6) / 6


@_hardsigmoid.vjp
def _(g: Any, x: Any) -> Any:
    return g * ((x > -3) & (x < 3)) / 6


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """``relu6(x + 3) / 6`` (Howard et al. 2019).

    >>> import tensor_core as torch
    >>> torch.nn.functional.hardsigmoid(torch.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return in_place(input, _hardsigmoid) if inplace else _hardsigmoid(input)


@op(name="hardswish", cases=between(-3, 3), kinks="x = -3: slope 0; x = 3: slope 3/2")
def _hardswish(x: Any, /) -> Any:
    """``x * hardsigmoid(x)``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-4.0, 0.0, 4.0]))
    tensor([-0., 0., 4.])
    """
    return x * np.clip(x + 3, 0, 6) / 6


@_hardswish.vjp
def _(g: Any, x: Any) -> Any:
    return np.where(x <= -3, g * 0, np.where(x < 3, g * (x / 3 + 0.5), g))


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """``x * relu6(x + 3) / 6`` (Howard et al. 2019).

    >>> import tensor_core as torch
    >>> torch.nn.functional.hardswish(torch.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000, 0.6667, 4.0000])
    """
    return in_place(input, _hardswish) if inplace else _hardswish(input)


@composed(torch="nn.functional.hardshrink", cases=between(-0.5, 0.5), kinks="x = ±lambd: slope 0")
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` outside [-lambd, lambd], else 0.

    >>> import tensor_core as torch
    >>> torch.nn.functional.hardshrink(torch.tensor([-1.0, 0.3, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return where_op((input >= -lambd) & (input <= lambd), 0.0, input)


@composed(torch="nn.functional.softshrink", cases=between(-0.5, 0.5), kinks="x = ±lambd: slope 0")
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """``x`` moved towards 0 by ``lambd``, and 0 where it would pass it.

    Raises:
        RuntimeError: ``lambd`` is negative.

    >>> import tensor_core as torch
    >>> torch.nn.functional.softshrink(torch.tensor([-1.0, 0.3, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    below = where_op(input < -lambd, input + lambd, input.detach() * 0)  # NaN stays
    return where_op(input > lambd, input - lambd, below)


def _threshold_cases(rng: Rng) -> Any:
    for case in between(0.1)(rng):
        yield Case(*case.args, 0.1, -2.0)


@composed(
    torch="nn.functional.threshold", cases=_threshold_cases, kinks="at the threshold: slope 0"
)
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """``x`` above ``threshold``, else ``value``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.threshold(torch.tensor([0.0, 2.0]), 1.0, 20.0)
    tensor([20.,  2.])
    """

    def compute(x: Tensor) -> Any:
        return where_op(x <= threshold, type(threshold)(value), x)

    return in_place(input, compute) if inplace else compute(input)


_threshold = threshold  # an argument below has the name


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """``threshold`` in place.

    >>> import tensor_core as torch
    >>> torch.threshold_(torch.tensor([0.0, 2.0]), 1.0, 20.0)
    tensor([20.,  2.])
    """
    return _threshold(input, threshold, value, inplace=True)
