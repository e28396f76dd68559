"""Activations made of straight pieces, as layers."""

from __future__ import annotations

import warnings
from typing import Any

from .._tensor import Tensor
from . import functional as F
from .module import Module


def inplace_text(inplace: bool) -> str:
    """The end of a repr that tells of working in place."""
    return ", inplace=True" if inplace else ""


class Threshold(Module):
    """x above ``threshold``, else ``value``.

    >>> import tensor_core as torch
    >>> torch.nn.Threshold(0.5, -1.0)(torch.tensor([0.0, 2.0]))
    tensor([-1.,  2.])
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False) -> None:
        super().__init__()
        self.threshold = threshold
        self.value = value
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.threshold(input, self.threshold, self.value, self.inplace)

    def extra_repr(self) -> str:
        """Both numbers, and whether it works in place."""
        return f"threshold={self.threshold}, value={self.value}{inplace_text(self.inplace)}"


class RReLU(Module):
    """x where positive, else a multiple of it, drawn in training from [lower, upper].

    Source: Xu et al. 2015.

    >>> import tensor_core as torch
    >>> torch.nn.RReLU(0.25, 0.75).eval()(torch.tensor([-4.0, 2.0]))
    tensor([-2.,  2.])
    """

    def __init__(
        self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False
    ) -> None:
        super().__init__()
        self.lower = lower
        self.upper = upper
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.rrelu(input, self.lower, self.upper, self.training, self.inplace)

    def extra_repr(self) -> str:
        """Both limits, and whether it works in place."""
        return f"lower={self.lower}, upper={self.upper}{inplace_text(self.inplace)}"


class Hardtanh(Module):
    """x limited to [min_val, max_val].

    >>> import tensor_core as torch
    >>> torch.nn.Hardtanh()(torch.tensor([-3.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """

    def __init__(
        self,
        min_val: float = -1.0,
        max_val: float = 1.0,
        inplace: bool = False,
        min_value: float | None = None,
        max_value: float | None = None,
    ) -> None:
        super().__init__()
        for old, name in ((min_value, "min"), (max_value, "max")):
            if old is not None:
                warnings.warn(
                    f"keyword argument `{name}_value` is deprecated and rename to `{name}_val`",
                    FutureWarning,
                    stacklevel=2,
                )
        self.min_val = min_val if min_value is None else min_value
        self.max_val = max_val if max_value is None else max_value
        self.inplace = inplace
        if self.max_val <= self.min_val:
            raise AssertionError("max_val must be larger than min_val")

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.hardtanh(input, self.min_val, self.max_val, self.inplace)

    def extra_repr(self) -> str:
        """Both limits, and whether it works in place."""
        return f"min_val={self.min_val}, max_val={self.max_val}{inplace_text(self.inplace)}"


class ReLU6(Hardtanh):
    """x limited to [0, 6]. Source: Krizhevsky 2010.

    >>> import tensor_core as torch
    >>> torch.nn.ReLU6()(torch.tensor([-1.0, 7.0]))
    tensor([0., 6.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__(0.0, 6.0, inplace)

    def extra_repr(self) -> str:
        """Whether it works in place."""
        return "inplace=True" if self.inplace else ""


class Hardsigmoid(Module):
    """relu6(x + 3) / 6. Source: Howard et al. 2019.

    >>> import tensor_core as torch
    >>> torch.nn.Hardsigmoid()(torch.zeros(1))
    tensor([0.5000])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.hardsigmoid(input, self.inplace)


class Hardswish(Module):
    """x * relu6(x + 3) / 6. Source: Howard et al. 2019.

    >>> import tensor_core as torch
    >>> torch.nn.Hardswish()(torch.tensor([-4.0, 4.0]))
    tensor([-0., 4.])
    """

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.hardswish(input, self.inplace)


class _Shrink(Module):
    """An activation around 0 whose width is ``lambd``."""

    def __init__(self, lambd: float = 0.5) -> None:
        super().__init__()
        self.lambd = lambd

    def extra_repr(self) -> str:
        """The width."""
        return str(self.lambd)


class Hardshrink(_Shrink):
    """x outside [-lambd, lambd], else 0.

    >>> import tensor_core as torch
    >>> torch.nn.Hardshrink()(torch.tensor([0.3, 2.0]))
    tensor([0., 2.])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.hardshrink(input, self.lambd)


class Softshrink(_Shrink):
    """x moved towards 0 by ``lambd``, and 0 where it would pass it.

    >>> import tensor_core as torch
    >>> torch.nn.Softshrink()(torch.tensor([0.3, 2.0]))
    tensor([0.0000, 1.5000])
    """

    def forward(self, input: Tensor) -> Any:
        """The activation of every element."""
        return F.softshrink(input, self.lambd)
