"""Three bilinear ops that are each other's derivatives, to any order.

The convolution of input and kernel, and its derivatives with respect to either; the transposed
convolution is one of them. Any number of dimensions; arguments are tuples, already checked.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._tensor import Tensor
from . import conv_core as core
from .conv_core import Geometry


def _wide(*arrays: Any) -> tuple[Any, ...]:
    """16-bit numbers in 32 bits: sums of many products need them."""
    return tuple(a.astype(np.float32) if a is not None and _is_short(a) else a for a in arrays)


def _is_short(a: np.ndarray) -> bool:
    return a.dtype.itemsize == 2 and a.dtype.kind not in "iub"


def _conj(a: Any) -> Any:
    """The conjugate, without a copy of real numbers."""
    raw = a._a if isinstance(a, Tensor) else a
    return np.conjugate(a) if raw.dtype.kind == "c" else a


def _how(stride: Any, padding: Any, dilation: Any, groups: int) -> Geometry:
    return Geometry(tuple(stride), tuple(padding), tuple(dilation), groups)


# -- the three bilinear ops ----------------------------------------------------------------------


def _conv_cases(rng: np.random.Generator) -> Any:
    x, w = rng.normal(size=(2, 4, 5)), rng.normal(size=(4, 2, 3))
    yield Case(x, w, rng.normal(size=4), (2,), (1,), (1,), 2)
    x, w = rng.normal(size=(1, 2, 3, 4)), rng.normal(size=(3, 2, 2, 3))
    yield Case(x, w, None, (1, 1), (0, 1), (1, 1), 1)


@op(name="conv", cases=_conv_cases)
def conv(
    x: Any, weight: Any, bias: Any, /, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """The correlation of a batch with kernels, plus a bias a channel, in any number of dimensions.

    >>> import tensor_core as torch
    >>> x, w = torch.arange(4.0).reshape(1, 1, 4), torch.tensor([[[1.0, -1.0]]])
    >>> torch.conv1d(x, w, torch.tensor([10.0]))
    tensor([[[9., 9., 9.]]])
    """
    how = _how(stride, padding, dilation, groups)
    xw, ww, bw = _wide(x, weight, bias)
    y = core.forward(xw, ww, bw, how)
    return y.astype(x.dtype, copy=False)


@conv.vjp("x")
def _(
    g: Any, weight: Any, x_shape: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    sizes = x_shape[2:]
    return conv_to_input.plain(g, _conj(weight), sizes, stride, padding, dilation, groups)


@conv.vjp("weight")
def _(
    g: Any, x: Any, weight_shape: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    kernel = weight_shape[2:]
    return conv_to_weight.plain(g, _conj(x), kernel, stride, padding, dilation, groups)


@conv.vjp("bias")
def _(g: Any) -> Any:
    return g.sum((0, *range(2, g.ndim)))


def _to_input_cases(rng: np.random.Generator) -> Any:
    u, w = rng.normal(size=(2, 4, 3)), rng.normal(size=(4, 2, 3))
    yield Case(u, w, (5,), (2,), (1,), (1,), 2)
    u, w = rng.normal(size=(1, 2, 2)), rng.normal(size=(2, 1, 2))
    yield Case(u, w, (5,), (1,), (0,), (2,), 1)  # one window more than there are would fit
    u, w = rng.normal(size=(1, 2, 2, 3)), rng.normal(size=(2, 3, 2, 2))
    yield Case(u, w, (1, 4), (1, 1), (1, 0), (1, 1), 1)


@op(name="conv_to_input", cases=_to_input_cases)
def conv_to_input(
    u: Any, weight: Any, /, sizes: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """What a convolution's output says about its input: the transposed convolution.

    >>> import tensor_core as torch
    >>> x, w = torch.ones(1, 1, 2), torch.tensor([[[1.0, 10.0]]])
    >>> torch.conv_transpose1d(x, w)
    tensor([[[ 1., 11., 10.]]])
    """
    how = _how(stride, padding, dilation, groups)
    uw, ww = _wide(u, weight)
    y = core.to_input(uw, ww, tuple(sizes), how)
    return y.astype(u.dtype, copy=False)


@conv_to_input.vjp("u")
def _(
    g: Any, weight: Any, u_shape: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    full = conv.plain(g, _conj(weight), None, stride, padding, dilation, groups)
    return _trimmed(full, u_shape)


@conv_to_input.vjp("weight")
def _(
    g: Any, u: Any, weight_shape: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    kernel = weight_shape[2:]
    return conv_to_weight.plain(_conj(u), g, kernel, stride, padding, dilation, groups)


def _to_weight_cases(rng: np.random.Generator) -> Any:
    u, x = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 5))
    yield Case(u, x, (3,), (2,), (1,), (1,), 2)
    u, x = rng.normal(size=(1, 3, 2, 4)), rng.normal(size=(1, 2, 3, 4))
    yield Case(u, x, (2, 3), (1, 1), (0, 1), (1, 1), 1)


@op(name="conv_to_weight", cases=_to_weight_cases)
def conv_to_weight(
    u: Any, x: Any, /, kernel: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """What a convolution's output says about its kernels: the derivative for the weight.

    >>> import tensor_core as torch
    >>> w = torch.zeros(1, 1, 2, requires_grad=True)
    >>> torch.conv1d(torch.arange(4.0).reshape(1, 1, 4), w).sum().backward(); w.grad
    tensor([[[3., 6.]]])
    """
    how = _how(stride, padding, dilation, groups)
    uw, xw = _wide(u, x)
    y = core.to_weight(uw, xw, tuple(kernel), how)
    return y.astype(u.dtype, copy=False)


@conv_to_weight.vjp("u")
def _(g: Any, x: Any, u_shape: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    full = conv.plain(_conj(x), g, None, stride, padding, dilation, groups)
    return _trimmed(full, u_shape)


@conv_to_weight.vjp("x")
def _(g: Any, u: Any, x_shape: Any, stride: Any, padding: Any, dilation: Any, groups: Any) -> Any:
    return conv_to_input.plain(_conj(u), g, x_shape[2:], stride, padding, dilation, groups)


def _trimmed(full: Any, shape: Any) -> Any:
    """The windows that were used: output padding may have made room for more."""
    return full if full.shape == shape else full[tuple(slice(n) for n in shape)]
