"""Windows as columns, and columns added up to an image again: each is the other's derivative."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._tensor import Tensor
from .windows import Sizes, at, cropped, out_sizes, padded, positions, sizes_of, windows


def _columns_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 1, 3, 4)), (2, 3), (1, 2), (1, 1), (1, 1))


@op(name="columns", cases=_columns_cases)
def columns(x: Any, /, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Every window as a column. Shapes: (N, C, *sizes) -> (N, C * positions, windows).

    >>> import tensor_core as torch
    >>> x = torch.arange(4.0).reshape(1, 1, 1, 4)
    >>> torch.nn.functional.unfold(x, (1, 2))
    tensor([[[0., 1., 2.],
             [1., 2., 3.]]])
    """
    out = out_sizes(x.shape[2:], kernel, stride, padding, dilation)
    view = windows(padded(x, padding, padding), kernel, stride, dilation, out)
    y = view.reshape(len(x), x.shape[1] * math.prod(kernel), math.prod(out))
    return y.copy() if np.may_share_memory(y, view) else y


@columns.vjp
def _(g: Any, x_shape: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    return image.plain(g, x_shape[2:], kernel, stride, padding, dilation)


def _image_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(1, 6, 8)), (3, 4), (2, 3), (1, 2), (1, 1), (1, 1))


@op(name="image", cases=_image_cases)
def image(u: Any, /, sizes: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """Columns added up where their windows stand.

    Shapes: (N, C * positions, windows) -> (N, C, *sizes).

    >>> import tensor_core as torch
    >>> columns = torch.ones(1, 2, 3)
    >>> torch.nn.functional.fold(columns, (1, 4), (1, 2))
    tensor([[[[1., 2., 2., 1.]]]])
    """
    out = out_sizes(sizes, kernel, stride, padding, dilation)
    channels = u.shape[1] // math.prod(kernel)
    parts = u.reshape(len(u), channels, *kernel, *out)
    room = (n + 2 * p for n, p in zip(sizes, padding, strict=True))
    y = np.zeros((len(u), channels, *room), u.dtype)
    for place in positions(kernel):
        target = at(y, place, stride, dilation, out)
        target += parts[(slice(None), slice(None), *place)]
    return np.ascontiguousarray(cropped(y, padding, tuple(sizes)))


@image.vjp
def _(g: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    return columns.plain(g, kernel, stride, padding, dilation)


def _pairs(name: str, kernel: Any, dilation: Any, padding: Any, stride: Any) -> tuple[Sizes, ...]:
    """Kernel, stride, padding and dilation, two numbers each."""
    words = ("kernel_size", "stride", "padding", "dilation")
    values = (kernel, stride, padding, dilation)
    found = tuple(sizes_of(name, w, v, 2) for w, v in zip(words, values, strict=True))
    for word, value, least in zip(words, found, (1, 1, 0, 1), strict=True):
        if min(value) < least:
            raise RuntimeError(f"{name}: {word} should be at least {least}, but got {value}")
    return found


def _unfold_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(1, 2, 3, 3)), 2, 1, 1, (1, 2))
    yield Case(rng.normal(size=(2, 3, 3)), (2, 1), 2)


@composed(torch="nn.functional.unfold", cases=_unfold_cases)
def unfold_image(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """Every window of an image as a column.

    Shapes: (N, C, H, W) or without N -> (N, C * kernel positions, windows).

    Raises:
        RuntimeError: no window fits, or the input is no image.
        NotImplementedError: numbers that are not floating point.

    >>> import tensor_core as torch
    >>> torch.nn.functional.unfold(torch.zeros(1, 3, 4, 5), 2).shape
    torch.Size([1, 12, 12])
    """
    how = _pairs("unfold", kernel_size, dilation, padding, stride)
    if input.ndim not in (3, 4):
        kind = IndexError if input.ndim < 3 else RuntimeError
        raise kind(
            f"unfold: Expected 3D or 4D (batch mode) tensor for input, but got {list(input.shape)}"
        )
    if input._a.dtype.kind not in "fcV":
        raise NotImplementedError(f"unfold is not implemented for {input.dtype}; use float()")
    out = out_sizes(input.shape[-2:], *how)
    if min(out) < 1:
        raise RuntimeError(
            f"unfold: Given input with spatial size {tuple(input.shape[-2:])}, kernel_size="
            f"{how[0]}, dilation={how[3]}, padding={how[2]}, no window fits: {out}"
        )
    y = columns(input if input.ndim == 4 else input.unsqueeze(0), *how)
    return y if input.ndim == 4 else y.squeeze(0)


def _fold_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(1, 4, 6)), (3, 4), 2)
    yield Case(rng.normal(size=(4, 3)), (3, 3), (2, 1), 1, (0, 1), (2, 2))


@composed(torch="nn.functional.fold", cases=_fold_cases)
def fold_image(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """Columns added up to an image; where windows overlap, their values add.

    Shapes: (N, C * kernel positions, windows) or without N -> (N, C, *output_size).

    Raises:
        RuntimeError: the columns are not as many, or not as long, as the sizes say.

    >>> import tensor_core as torch
    >>> torch.nn.functional.fold(torch.zeros(1, 12, 12), (4, 5), 2).shape
    torch.Size([1, 3, 4, 5])
    """
    how = _pairs("fold", kernel_size, dilation, padding, stride)
    sizes = sizes_of("fold", "output_size", output_size, 2)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"fold: Expected 2D or 3D (batch mode) tensor for input, but got {list(input.shape)}"
        )
    if input._a.dtype.kind not in "fcV":
        raise NotImplementedError(f"fold is not implemented for {input.dtype}; use float()")
    out = out_sizes(sizes, *how)
    per, count = math.prod(how[0]), math.prod(out)
    if min(out) < 1 or input.shape[-2] % per or input.shape[-1] != count:
        raise RuntimeError(
            f"fold: Given output_size={sizes}, kernel_size={how[0]}, dilation={how[3]}, padding="
            f"{how[2]}, stride={how[1]}, expected a multiple of {per} rows and {count} columns, "
            f"but got input of size {list(input.shape)}"
        )
    y = image(input if input.ndim == 3 else input.unsqueeze(0), sizes, *how)
    return y if input.ndim == 3 else y.squeeze(0)
