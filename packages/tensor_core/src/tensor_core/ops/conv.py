"""Convolutions of one, two and three dimensions, and transposed ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from . import conv_core as core
from .conv_checks import (
    check_input,
    check_output_padding,
    check_reach,
    check_shapes,
    check_types,
    geometry,
    require_tensors,
)
from .conv_core import Geometry
from .conv_ops import conv, conv_to_input
from .padding_constant import pad_constant
from .windows import sizes_of, spans


def convolve(
    name: str,
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> Tensor:
    """The convolution of ``n`` spatial dimensions, with everything checked."""
    require_tensors(name, input=input, weight=weight, bias=bias)
    mode = padding if isinstance(padding, str) else None
    how = geometry(name, n, stride, 0 if mode else padding, dilation, groups)
    batched = check_input(name, input._a, n)
    x = input if batched else input.unsqueeze(0)
    raw = None if bias is None else bias._a
    check_shapes(name, x._a, weight._a, raw, how.groups, transposed=False)
    check_types(name, x._a, weight._a, raw)
    if mode:
        x, how = _bordered(mode, x, weight.shape[2:], how)
    check_reach(name, x._a.shape[2:], weight._a.shape[2:], how)
    y = conv(x, weight, bias, *how)
    return y if batched else y.squeeze(0)


def _bordered(mode: str, x: Tensor, kernel: Any, how: Geometry) -> tuple[Tensor, Geometry]:
    """The padding that a word asks for; where it is uneven, "same" has more at the far end."""
    if mode not in ("same", "valid"):
        raise RuntimeError(f"Invalid padding string: {mode!r}; 'same' and 'valid' are known")
    if mode == "valid":
        return x, how
    if set(how.stride) != {1}:
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [r - 1 for r in spans(tuple(kernel), how.dilation)]
    odd = [t % 2 for t in total]
    if any(odd):
        x = pad_constant(x, tuple(v for o in reversed(odd) for v in (0, o)), 0.0)
    return x, how._replace(padding=tuple(t // 2 for t in total))


def convolve_transposed(
    name: str,
    n: int,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: int,
    dilation: Any,
) -> Tensor:
    """The transposed convolution of ``n`` spatial dimensions, with everything checked."""
    require_tensors(name, input=input, weight=weight, bias=bias)
    how = geometry(name, n, stride, padding, dilation, groups)
    extra = sizes_of(name, "output_padding", output_padding, n)
    batched = check_input(name, input._a, n)
    u = input if batched else input.unsqueeze(0)
    raw = None if bias is None else bias._a
    check_shapes(name, u._a, weight._a, raw, how.groups, transposed=True)
    check_types(name, u._a, weight._a, raw)
    check_output_padding(name, extra, how)
    sizes = core.transposed_sizes(u._a.shape[2:], weight._a.shape[2:], how, extra)
    if min(sizes) < 1:
        raise RuntimeError(
            f"{name}: given input size {list(input.shape)} and weight size {list(weight.shape)}, "
            f"calculated output size {sizes} is too small; use less padding"
        )
    y = conv_to_input(u, weight, sizes, *how)
    if bias is not None:
        y = y + bias.reshape(-1, *[1] * n)
    return y if batched else y.squeeze(0)


def _public_cases(n: int) -> Any:
    def cases(rng: np.random.Generator) -> Any:
        if n == 1:
            x, w = rng.normal(size=(2, 2, 4)), rng.normal(size=(2, 1, 2))
            yield Case(x, w, rng.normal(size=2), 1, "same", 1, 2)
        if n == 2:
            yield Case(rng.normal(size=(1, 4, 3)), rng.normal(size=(2, 1, 2, 1)), None, (2, 1), 1)
        if n == 3:
            x, w = rng.normal(size=(1, 1, 2, 2, 3)), rng.normal(size=(1, 1, 2, 1, 2))
            yield Case(x, w, rng.normal(size=1), 1, (0, 1, 0))

    return cases


def _transposed_cases(n: int) -> Any:
    def cases(rng: np.random.Generator) -> Any:
        sizes, kernel = ((3,), (1, 2), (2, 1, 1))[n - 1], ((3,), (2, 1), (1, 2, 1))[n - 1]
        x, w = rng.normal(size=(1, 2, *sizes)), rng.normal(size=(2, 1, *kernel))
        yield Case(x, w, rng.normal(size=2), 2, 0, 1, 2)
        if n == 1:
            yield Case(x[0], w, None, 1, 1, 0, 1, 2)

    return cases


@composed(torch="conv1d", cases=_public_cases(1))
def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The correlation of each window of 1 dimension with learned kernels.

    Shapes: input (N, C, L) or without N; weight (O, C / groups, *kernel); bias (O,)
    -> (N, O, *windows). ``padding`` is a border of zeros, or "same" or "valid".

    Raises:
        RuntimeError: shapes, types or groups do not fit together.

    >>> import tensor_core as torch
    >>> torch.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2)).shape
    torch.Size([1, 1, 2])
    """
    return convolve("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


@composed(torch="conv2d", cases=_public_cases(2))
def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The correlation of each window of 2 dimensions with learned kernels.

    Shapes: input (N, C, H, W) or without N; weight (O, C / groups, *kernel); bias (O,)
    -> (N, O, *windows). ``padding`` is a border of zeros, or "same" or "valid".

    Raises:
        RuntimeError: shapes, types or groups do not fit together.

    >>> import tensor_core as torch
    >>> torch.conv2d(torch.ones(1, 1, 3, 3), torch.ones(1, 1, 2, 2)).shape
    torch.Size([1, 1, 2, 2])
    """
    return convolve("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


@composed(torch="conv3d", cases=_public_cases(3))
def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """The correlation of each window of 3 dimensions with learned kernels.

    Shapes: input (N, C, D, H, W) or without N; weight (O, C / groups, *kernel); bias (O,)
    -> (N, O, *windows). ``padding`` is a border of zeros, or "same" or "valid".

    Raises:
        RuntimeError: shapes, types or groups do not fit together.

    >>> import tensor_core as torch
    >>> torch.conv3d(torch.ones(1, 1, 3, 3, 3), torch.ones(1, 1, 2, 2, 2)).shape
    torch.Size([1, 1, 2, 2, 2])
    """
    return convolve("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


@composed(torch="conv_transpose1d", cases=_transposed_cases(1))
def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Kernels of 1 dimension added up, each at its window, scaled by the input.

    Shapes: input (N, C, L) or without N; weight (C, O / groups, *kernel); bias (O,)
    -> (N, O, *sizes). ``padding`` crops the result, ``output_padding`` adds to its far end.

    Raises:
        RuntimeError: shapes, types or groups do not fit together.

    >>> import tensor_core as torch
    >>> x, w = torch.ones(1, 1, 2), torch.ones(1, 1, 2)
    >>> torch.conv_transpose1d(x, w, stride=2).shape
    torch.Size([1, 1, 4])
    """
    return convolve_transposed(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


@composed(torch="conv_transpose2d", cases=_transposed_cases(2))
def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Kernels of 2 dimensions added up, each at its window, scaled by the input.

    Shapes: input (N, C, H, W) or without N; weight (C, O / groups, *kernel); bias (O,)
    -> (N, O, *sizes). ``padding`` crops the result, ``output_padding`` adds to its far end.

    Raises:
        RuntimeError: shapes, types or groups do not fit together.

    >>> import tensor_core as torch
    >>> x, w = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 2, 2)
    >>> torch.conv_transpose2d(x, w, stride=2).shape
    torch.Size([1, 1, 4, 4])
    """
    return convolve_transposed(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


@composed(torch="conv_transpose3d", cases=_transposed_cases(3))
def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Tensor:
    """Kernels of 3 dimensions added up, each at its window, scaled by the input.

    Shapes: input (N, C, D, H, W) or without N; weight (C, O / groups, *kernel); bias (O,)
    -> (N, O, *sizes). ``padding`` crops the result, ``output_padding`` adds to its far end.

    Raises:
        RuntimeError: shapes, types or groups do not fit together.

    >>> import tensor_core as torch
    >>> x, w = torch.ones(1, 1, 2, 2, 2), torch.ones(1, 1, 2, 2, 2)
    >>> torch.conv_transpose3d(x, w, stride=2).shape
    torch.Size([1, 1, 4, 4, 4])
    """
    return convolve_transposed(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip
