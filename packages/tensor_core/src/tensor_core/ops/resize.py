"""Images, sounds and volumes made larger or smaller."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor
from . import resize_core as core
from .pool_adaptive import adaptive_mean
from .resize_core import resample

_DIMENSIONS = {
    **{"nearest": (3, 4, 5), "nearest-exact": (3, 4, 5), "area": (3, 4, 5)},
    **{"linear": (3,), "bilinear": (4,), "bicubic": (4,), "trilinear": (5,)},
}
_ALIGNABLE = ("linear", "bilinear", "bicubic", "trilinear")


def _cases(rng: np.random.Generator) -> Any:
    sound, image = rng.normal(size=(1, 2, 3)), rng.normal(size=(1, 1, 3, 2))
    volume = rng.normal(size=(1, 1, 2, 1, 2))
    yield Case(sound, 5)
    yield Case(sound, None, 1.7, "nearest-exact")
    yield Case(sound, None, 0.7, "linear")
    yield Case(image, (2, 5), mode="bilinear", align_corners=True)
    yield Case(image, None, (1.6, 2.5), "bilinear", False, True)
    yield Case(image, (4, 2), mode="bicubic")
    yield Case(image, (2, 2), mode="area")
    yield Case(volume, (3, 2, 1), mode="trilinear")
    yield Case(rng.normal(size=(1, 1, 5, 4)), (2, 3), mode="bilinear", antialias=True)


@composed(torch="nn.functional.interpolate", cases=_cases)
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """The input resized to ``size``, or by ``scale_factor``, along all dimensions behind (N, C).

    ``mode`` is "nearest", "nearest-exact", "area", or for one, two and three dimensions "linear",
    "bilinear", "bicubic" and "trilinear". With ``align_corners`` the centres of the corner pixels
    stay in place, else their outer corners. ``antialias`` widens the filter on the way down.

    Raises:
        ValueError: not one of size and scale factor, or one that does not fit.
        NotImplementedError: a mode that does not fit the number of dimensions.
        RuntimeError: nothing is left.

    >>> import tensor_core as torch
    >>> torch.nn.functional.interpolate(torch.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    n = input.ndim - 2
    if mode not in _ALIGNABLE and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: "
            + " | ".join(_ALIGNABLE)
        )
    out, scales = _sizes(input, n, size, scale_factor, mode, recompute_scale_factor)
    _check(input, mode, antialias)
    if min([*out, *input.shape[2:]]) < 1:
        raise RuntimeError(
            "Input and output sizes should be greater than 0, but got input "
            f"{tuple(input.shape[2:])} output {tuple(out)}"
        )
    if mode == "area":
        return adaptive_mean("interpolate", n, input, out)
    y = input
    for k in reversed(range(n)):
        y = _resized(y, 2 + k, out[k], scales[k], mode, bool(align_corners), antialias)
    return y.clone() if y is input else y


def _sizes(
    input: Tensor, n: int, size: Any, factor: Any, mode: str, recompute: bool | None
) -> tuple[list[int], list[float | None]]:
    """The sizes wanted, and the scale factors where they are to be kept exactly."""
    if (size is None) == (factor is None):
        which = "either" if size is None else "only one of"
        raise ValueError(f"{which} size or scale_factor should be defined")
    value = factor if size is None else size
    each = list(value) if isinstance(value, Sequence) else [value] * n
    if len(each) != n:
        raise ValueError(
            "Input and output must have the same number of spatial dimensions, but got input with "
            f"spatial dimensions of {list(input.shape[2:])} and output size or factors of {value}"
        )
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        return [int(s) for s in each], [None] * n
    out = [math.floor(float(m) * s) for m, s in zip(input.shape[2:], each, strict=True)]
    keep = not recompute and mode != "area"
    return out, [float(s) if keep else None for s in each]


def _check(input: Tensor, mode: str, antialias: bool) -> None:
    if antialias and not (mode in ("bilinear", "bicubic") and input.ndim == 4):
        raise ValueError(
            "Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D "
            "tensor as input"
        )
    if input.ndim not in _DIMENSIONS.get(mode, ()):
        known = " | ".join(_DIMENSIONS)
        raise NotImplementedError(
            f"Input Error: Got {input.ndim}D input with mode {mode!r}; linear needs 3D, bilinear "
            f"and bicubic 4D, trilinear 5D input, the others any of these; modes: {known}"
        )
    if input._a.dtype.kind not in "fcV":
        raise NotImplementedError(f"interpolate is not implemented for {input.dtype}; use float()")


def _resized(
    x: Tensor, dim: int, out: int, scale: float | None, mode: str, align: bool, antialias: bool
) -> Tensor:
    """One dimension resized."""
    size = x.shape[dim]
    kind = np.float64 if x._a.dtype == np.float64 else np.float32
    if mode.startswith("nearest"):
        index = core.nearest(size, out, scale, mode == "nearest-exact")
        if out == size and (index == np.arange(size)).all():
            return x
        return _repeated(x, dim, index)
    if antialias:
        taps = core.antialiased(size, out, scale, align, kind, mode)
    elif mode == "bicubic":
        taps = core.cubic(size, out, scale, align, kind)
    else:
        taps = core.linear(size, out, scale, align, kind)
    return resample(x, dim, taps)


def _repeated(x: Tensor, dim: int, index: np.ndarray) -> Tensor:
    """Elements by a table; where each comes k times, spread out, so that the way back is a sum."""
    size, out = x.shape[dim], len(index)
    k = out // size
    if k * size == out and (index == np.arange(out) // k).all():
        shape = (*x.shape[: dim + 1], k, *x.shape[dim + 1 :])
        merged = (*x.shape[:dim], out, *x.shape[dim + 1 :])
        return x.unsqueeze(dim + 1).expand(shape).reshape(merged)
    return resample(x, dim, core.Taps(index[:, None], np.ones((out, 1), x._a.dtype)))


def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """``interpolate`` under its old name; warns that it is old.

    >>> import tensor_core as torch
    >>> torch.nn.functional.upsample(torch.ones(1, 1, 2), scale_factor=2).shape
    torch.Size([1, 1, 4])
    """
    _warn("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


def _warn(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """``interpolate`` by the nearest element.

    >>> import tensor_core as torch
    >>> torch.nn.functional.upsample_nearest(torch.ones(1, 1, 2), scale_factor=2).shape
    torch.Size([1, 1, 4])
    """
    _warn("upsample_nearest")
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """``interpolate`` bilinearly, with the corners aligned.

    >>> import tensor_core as torch
    >>> torch.nn.functional.upsample_bilinear(torch.ones(1, 1, 2, 2), scale_factor=2).shape
    torch.Size([1, 1, 4, 4])
    """
    _warn("upsample_bilinear")
    return interpolate(input, size, scale_factor, "bilinear", True)
