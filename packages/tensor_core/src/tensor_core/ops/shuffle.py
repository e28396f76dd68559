"""Elements moved between channels and space: views under another order, copied."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case, composed
from .._tensor import Tensor


def _image(name: str, input: Tensor) -> tuple[Any, int, int, int]:
    if input.ndim < 3:
        raise RuntimeError(
            f"{name} expects input to have at least 3 dimensions, but got input with "
            f"{input.ndim} dimension(s)"
        )
    return (tuple(input.shape[:-3]), *input.shape[-3:])


def _shuffle_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(1, 8, 2, 1)), 2)


@composed(torch="pixel_shuffle", cases=_shuffle_cases)
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels laid out as pixels: (..., C * r², H, W) -> (..., C, H * r, W * r).

    Source: Shi et al. 2016. Raises ``RuntimeError`` where the channels do not divide.

    >>> import tensor_core as torch
    >>> torch.pixel_shuffle(torch.arange(4).reshape(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    lead, c, h, w = _image("pixel_shuffle", input)
    r = int(upscale_factor)
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if c % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square "
            f"of upscale_factor, but input.size(-3)={c} is not divisible by {r * r}"
        )
    k = len(lead)
    split = input.reshape(*lead, c // (r * r), r, r, h, w)
    order = (*range(k), k, k + 3, k + 1, k + 4, k + 2)  # (..., C, H, r, W, r)
    return split.permute(order).reshape(*lead, c // (r * r), h * r, w * r)


def _unshuffle_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(1, 1, 4, 2)), 2)


@composed(torch="pixel_unshuffle", cases=_unshuffle_cases)
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Pixels laid out as channels: (..., C, H * r, W * r) -> (..., C * r², H, W).

    Raises ``RuntimeError`` where height or width do not divide.

    >>> import tensor_core as torch
    >>> torch.pixel_unshuffle(torch.arange(4).reshape(1, 2, 2), 2).flatten()
    tensor([0, 1, 2, 3])
    """
    lead, c, h, w = _image("pixel_unshuffle", input)
    r = int(downscale_factor)
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    if h % r or w % r:
        raise RuntimeError(
            f"pixel_unshuffle expects height and width to be divisible by downscale_factor, but "
            f"{h} x {w} is not divisible by {r}"
        )
    k = len(lead)
    split = input.reshape(*lead, c, h // r, r, w // r, r)
    order = (*range(k), k, k + 2, k + 4, k + 1, k + 3)  # (..., C, r, r, H, W)
    return split.permute(order).reshape(*lead, c * r * r, h // r, w // r)


def _channel_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 6, 1, 2)), 3)


@composed(torch="channel_shuffle", cases=_channel_cases)
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels of all groups taken in turn. Shapes: (N, C, ...) -> same.

    Source: Zhang et al. 2018 (ShuffleNet). Raises ``RuntimeError`` where C does not divide.

    >>> import tensor_core as torch
    >>> torch.channel_shuffle(torch.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    if input.ndim < 3:
        raise RuntimeError(
            f"channel_shuffle expects input with > 2 dims, but got input with sizes "
            f"{list(input.shape)}"
        )
    if groups <= 0:
        raise RuntimeError(
            f"Number of groups to divide channels in must be positive. Value of groups:{groups}"
        )
    n, c, *rest = input.shape
    if c % groups:
        raise RuntimeError(
            f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups."
        )
    split = input.reshape(n, groups, c // groups, *rest)
    return split.transpose(1, 2).reshape(n, c, *rest)
