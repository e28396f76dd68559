"""Dropout of whole channels, and dropout that keeps mean and variance."""

from __future__ import annotations

import math
import warnings

from .. import random
from .._inplace import in_place
from .._tensor import Tensor, wrap
from .random import _drawn_as_laid_out, dropout_mask

_ALPHA = 1.7580993408473766  # minus the limit of SELU for ever more negative inputs


def _check(p: float) -> None:
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _dropped(
    input: Tensor, p: float, training: bool, inplace: bool, feature: bool, alpha: bool
) -> Tensor:
    """What all have in common: one draw an element or a channel, and what it does."""
    _check(p)
    if feature and input.ndim < 2:
        raise RuntimeError(
            f"Feature dropout requires at least 2 dimensions in the input, not {list(input.shape)}"
        )
    if not training or p == 0 or not input._a.size:
        return input
    if p == 1:
        out = input * 0
    else:
        if feature:
            shape = input._a.shape
            drawn = random.current().bernoulli((*shape[:2], *[1] * (len(shape) - 2)), 1 - p)
        else:
            drawn = _drawn_as_laid_out(input._a, 1 - p)
        keep = wrap(drawn)
        out = _alpha(input, keep, p) if alpha else dropout_mask(input, keep, 1 / (1 - p))
    return in_place(input, lambda x: out) if inplace else out


def _alpha(input: Tensor, keep: Tensor, p: float) -> Tensor:
    """Dropped elements at SELU's limit, all scaled so that mean and variance stay."""
    a = 1 / math.sqrt((_ALPHA * _ALPHA * p + 1) * (1 - p))
    noise = keep.to(input.dtype)
    return input * (noise * a) + ((noise - 1) * (_ALPHA * a) + _ALPHA * a * p)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """While training, zero whole channels with probability ``p`` and scale the rest.

    Shapes: (N, C, L) or (C, L) -> same. Source: Tompson et al. 2015.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.functional.dropout1d(torch.ones(1, 3, 2), 0.5)
    tensor([[[0., 0.],
             [0., 0.],
             [2., 2.]]])
    """
    _check(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Use "
            "dropout2d or dropout3d for images and volumes."
        )
    return _unbatched(input, 2, p, training, inplace)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """While training, zero whole channels with probability ``p`` and scale the rest.

    Shapes: (N, C, H, W) -> same. Source: Tompson et al. 2015.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.functional.dropout2d(torch.ones(1, 3, 1, 2), 0.5).flatten()
    tensor([0., 0., 0., 0., 2., 2.])
    """
    _check(p)
    if input.ndim not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {input.ndim}-D input to dropout2d, whose channels stand in "
            "dimension 1 of 4; use F.dropout() or another of the channel-wise dropouts",
            stacklevel=2,
        )
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D "
            "dropout behavior is desired (N, C, L); use dropout1d for that",
            stacklevel=2,
        )
    return _dropped(input, p, training, inplace, True, False)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """While training, zero whole channels with probability ``p`` and scale the rest.

    Shapes: (N, C, D, H, W) or without N -> same. Source: Tompson et al. 2015.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.functional.dropout3d(torch.ones(1, 3, 1, 1, 2), 0.5).flatten()
    tensor([0., 0., 0., 0., 2., 2.])
    """
    _check(p)
    if input.ndim not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {input.ndim}-D input to dropout3d, whose channels stand in "
            "dimension 1 of 5; use F.dropout() or another of the channel-wise dropouts",
            stacklevel=2,
        )
    return _unbatched(input, 4, p, training, inplace)


def _unbatched(input: Tensor, ndim: int, p: float, training: bool, inplace: bool) -> Tensor:
    """A single sample of ``ndim`` dimensions counts as a batch of one."""
    if input.ndim != ndim or not training or p == 0:
        return _dropped(input, p, training, inplace, True, False)
    out = _dropped(input.unsqueeze(0), p, training, False, True, False).squeeze(0)
    return in_place(input, lambda x: out) if inplace else out


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout to SELU's limit instead of 0, scaled so that mean and variance stay.

    Source: Klambauer et al. 2017, section "new dropout technique".

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.functional.alpha_dropout(torch.zeros(3), 0.5, training=True)
    tensor([-0.7792, -0.7792,  0.7792])
    """
    return _dropped(input, p, training, inplace, False, True)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """``alpha_dropout`` of whole channels. Shapes: (N, C, ...) -> same.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> y = torch.nn.functional.feature_alpha_dropout(torch.zeros(1, 3, 1), 0.5, training=True)
    >>> y.flatten()
    tensor([-0.7792, -0.7792,  0.7792])
    """
    return _dropped(input, p, training, inplace, True, True)


def feature_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Whole channels zeroed with probability ``p``. Shapes: (N, C, ...) -> same.

    >>> import tensor_core as torch
    >>> torch.feature_dropout(torch.ones(1, 3, 1), 1.0, True).flatten()
    tensor([0., 0., 0.])
    """
    return _dropped(input, p, train, False, True, False)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``alpha_dropout`` in place.

    >>> import tensor_core as torch
    >>> torch.alpha_dropout_(torch.ones(2), 1.0, True)
    tensor([0., 0.])
    """
    return alpha_dropout(input, p, train, True)


def feature_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``feature_dropout`` in place.

    >>> import tensor_core as torch
    >>> torch.feature_dropout_(torch.ones(1, 3, 1), 1.0, True).flatten()
    tensor([0., 0., 0.])
    """
    return _dropped(input, p, train, True, True, False)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """``feature_alpha_dropout`` in place.

    >>> import tensor_core as torch
    >>> torch.feature_alpha_dropout_(torch.ones(1, 3, 1), 1.0, True).flatten()
    tensor([0., 0., 0.])
    """
    return feature_alpha_dropout(input, p, train, True)
