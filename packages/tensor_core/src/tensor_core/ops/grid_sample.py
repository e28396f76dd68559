"""Images sampled at any places: by a grid of coordinates, which an affine map may make."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor, wrap
from .bounds import clamp
from .choosing import where
from .gather import gather
from .rounding import floor, round

_MODES = ("bilinear", "nearest", "bicubic")
_BORDERS = ("zeros", "border", "reflection")


def _affine_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 2, 3)), (2, 1, 2, 3), True)
    yield Case(rng.normal(size=(1, 3, 4)), (1, 1, 2, 1, 2), False)


@composed(torch="nn.functional.affine_grid", cases=_affine_cases)
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The places to sample for an affine map of an image or a volume.

    Shapes: theta (N, 2, 3) and size (N, C, H, W) -> (N, H, W, 2), or one dimension more. Places
    are in [-1, 1]: the corner pixels' centres with ``align_corners``, else their outer corners.
    Source: Jaderberg et al. 2015.

    Raises:
        ValueError: theta is not floating point, or not of the shape that the size asks for.

    >>> import tensor_core as torch
    >>> theta = torch.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> torch.nn.functional.affine_grid(theta, (1, 1, 1, 2), align_corners=False)[0, 0, :, 0]
    tensor([-0.5000,  0.5000])
    """
    sizes = [int(n) for n in size]
    n = len(sizes) - 2
    if theta._a.dtype.kind not in "fc":
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if n not in (2, 3):
        raise NotImplementedError(
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, "
            f"respectively. Got size {sizes}."
        )
    if theta.shape != (sizes[0], n, n + 1):
        raise ValueError(
            f"Expected a batch of {n}D affine matrices of shape {sizes[0]}x{n}x{n + 1} for size "
            f"{sizes}. Got {list(theta.shape)}."
        )
    if min(sizes) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {sizes}")
    lines = [_line(k, bool(align_corners), theta._a.dtype) for k in sizes[2:]]
    axes = np.meshgrid(*lines, indexing="ij")[::-1]  # x, y and z
    base = np.stack([*axes, np.ones_like(axes[0])], -1).reshape(-1, n + 1)
    return (wrap(base) @ theta.transpose(1, 2)).reshape(sizes[0], *sizes[2:], n)


def _line(k: int, align: bool, kind: Any) -> np.ndarray:
    """Where ``k`` pixels have their centres in [-1, 1]."""
    if k == 1:
        return np.zeros(1, kind)
    line = np.linspace(-1, 1, k, dtype=kind)
    return line if align else line * kind.type((k - 1) / k)


def _sample_cases(rng: np.random.Generator) -> Any:
    image = rng.normal(size=(1, 1, 2, 3))
    places = np.array([[[[-0.4, 0.2], [0.5, -0.9]]]])  # between pixels, and one outside
    yield Case(image, places, "bilinear", "zeros", False)
    yield Case(image, places[:, :, 1:], "bicubic", "border", True).with_(max_order=1)
    yield Case(image, places[:, :, 1:], "bilinear", "reflection", False).with_(max_order=1)
    yield Case(image, places, "nearest", "zeros", False).with_(wrt=(0,))


@composed(
    torch="nn.functional.grid_sample", cases=_sample_cases, kinks="between pixels, at borders"
)
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The input at the places of a grid, between its pixels too.

    Shapes: (N, C, H, W) and (N, H', W', 2) -> (N, C, H', W'), or one dimension more. The grid's
    last dimension holds x, y (and z) in [-1, 1]; outside there is what ``padding_mode`` says:
    "zeros", the "border"'s value or a "reflection". Source: Jaderberg et al. 2015.

    Raises:
        ValueError: an unknown mode.
        RuntimeError: shapes or types that do not fit, or a mode that has no such dimensions.

    >>> import tensor_core as torch
    >>> x, middle = torch.tensor([[[[1.0, 3.0]]]]), torch.zeros(1, 1, 1, 2)
    >>> torch.nn.functional.grid_sample(x, middle, align_corners=False)
    tensor([[[[2.]]]])
    """
    _check(input, grid, mode, padding_mode)
    align = bool(align_corners)
    n = input.ndim - 2
    sizes = input._a.shape[2:]
    places = [
        _pixels(grid[..., n - 1 - d], sizes[d], align) for d in range(n)
    ]  # the grid's last dimension has x, the last of the image's, first
    if mode == "bicubic":
        taps = [_cubic(p) for p in places]
    else:
        outside = [_folded(p, k, padding_mode, align) for p, k in zip(places, sizes, strict=True)]
        taps = [_linear(p) if mode == "bilinear" else _nearest(p) for p in outside]
    flat = input.reshape(*input._a.shape[:2], math.prod(sizes))
    border = padding_mode if mode == "bicubic" else "zeros"
    total = None
    for corner in product(*taps):
        term = _term(flat, list(corner), sizes, border, align)
        total = term if total is None else total + term
    assert total is not None
    return total.reshape(*input._a.shape[:2], *grid._a.shape[1:-1])


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    for what, value, known in (("mode", mode, _MODES), ("padding_mode", padding_mode, _BORDERS)):
        if value not in known:
            raise ValueError(
                f"nn.functional.grid_sample(): expected {what} to be one of {known}, but got: "
                f"{value!r}"
            )
    n = input.ndim - 2
    fits = n in (2, 3) and grid.ndim == input.ndim and grid.shape[-1] == n
    if not fits or grid.shape[0] != input.shape[0] or 0 in input.shape[2:]:
        raise RuntimeError(
            "grid_sampler(): expected an input (N, C, *sizes) of 4 or 5 dimensions and a grid "
            f"(N, *wanted, dimensions), but got {list(input.shape)} and {list(grid.shape)}"
        )
    if input._a.dtype != grid._a.dtype:
        raise RuntimeError(
            "grid_sampler(): expected input and grid to have same dtype, but input has "
            f"{input.dtype} and grid has {grid.dtype}"
        )
    if mode == "bicubic" and n == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def _pixels(place: Tensor, size: int, align: bool) -> Tensor:
    """[-1, 1] in pixels: 0 is the first pixel's centre."""
    return (place + 1) * ((size - 1) / 2) if align else ((place + 1) * size - 1) / 2


def _folded(p: Tensor, size: int, border: str, align: bool) -> Tensor:
    """A place outside brought inside, as the border says."""
    if border == "zeros":
        return p
    if border == "reflection":
        low, high = (0.0, size - 1.0) if align else (-0.5, size - 0.5)
        span = high - low
        if span == 0:
            p = p * 0
        else:
            away = abs(p - low)
            turns = wrap(np.floor(away._a / span))  # how often it was reflected
            rest = away - turns * span
            p = where(wrap(turns._a % 2 == 0), rest + low, high - rest)
    return clamp(p, 0, size - 1)


Tap = tuple[np.ndarray, Any]  # the pixel along one dimension, and its weight


def _nearest(p: Tensor) -> list[Tap]:
    return [(round(p.detach())._a, None)]


def _linear(p: Tensor) -> list[Tap]:
    low = floor(p.detach())
    part = p - low
    return [(low._a, 1 - part), (low._a + 1, part)]


def _cubic(p: Tensor) -> list[Tap]:
    """Keys' kernel with a = -0.75 (Keys 1981)."""
    low, a = floor(p.detach()), -0.75
    part = p - low

    def near(x: Tensor) -> Tensor:
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x: Tensor) -> Tensor:
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a

    weights = [far(part + 1), near(part), near(1 - part), far(2 - part)]
    return [(low._a + k - 1, w) for k, w in enumerate(weights)]


def _term(flat: Tensor, corner: list[Tap], sizes: Any, border: str, align: bool) -> Tensor:
    """The input at one neighbour of every place, by its weight. Shape: (N, C, places)."""
    n, c = flat._a.shape[:2]
    index = np.zeros(corner[0][0].shape, np.int64)
    inside = np.ones(index.shape, bool)
    weight = None
    for (pixel, part), size in zip(corner, sizes, strict=True):
        pixel = _folded(wrap(pixel), size, border, align)._a
        inside &= (pixel >= 0) & (pixel <= size - 1)
        with np.errstate(invalid="ignore"):
            whole = np.nan_to_num(np.clip(pixel, 0, size - 1)).astype(np.int64)
        index = index * size + whole
        weight = part if weight is None or part is None else weight * part
    spread = np.broadcast_to(index.reshape(n, 1, -1), (n, c, index[0].size))
    values = gather(flat, 2, wrap(np.ascontiguousarray(spread)))
    known = wrap(np.broadcast_to(inside.reshape(n, 1, -1), spread.shape))
    values = where(known, values, wrap(np.zeros((), flat._a.dtype)))
    return values if weight is None else values * weight.reshape(n, 1, -1)
