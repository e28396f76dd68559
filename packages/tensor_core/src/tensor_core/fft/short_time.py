"""The short-time transform: of every window of a signal, and back by overlapping and adding.

Griffin and Lim (1984), "Signal estimation from modified short-time Fourier transform".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from .._tensor import Tensor, wrap
from .transforms import fft, ifft, irfft, rfft


def _weights(window: Tensor | None, win_length: int, n_fft: int, kind: Any) -> Tensor:
    """The window, with zeros on both sides where it is shorter than the transform."""
    if window is None:
        window = wrap(np.ones(win_length, kind))
    if window._a.shape != (win_length,):
        raise RuntimeError(
            f"stft: expected a 1D window tensor of size equal to win_length={win_length}, but got "
            f"window with size {list(window._a.shape)}"
        )
    left = (n_fft - win_length) // 2
    return ops.pad(window, (left, n_fft - win_length - left)) if win_length < n_fft else window


def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect",
    normalized: bool = False, onesided: bool | None = None, return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """The transforms of overlapping windows. Shapes: (..., n) -> (..., frequencies, windows).

    Raises:
        RuntimeError: ``return_complex`` is not given for a real signal, or sizes do not fit.

    >>> import tensor_core as torch
    >>> torch.stft(torch.ones(8), 4, return_complex=True).shape
    torch.Size([3, 9])
    """
    real = input._a.dtype.kind != "c"
    if return_complex is None and real:
        raise RuntimeError("stft requires the return_complex parameter be given for real inputs")
    hop = n_fft // 4 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    if not n_fft > 0 or hop <= 0 or not 0 < length <= n_fft:
        raise RuntimeError(
            f"stft: n_fft={n_fft}, hop_length={hop} and win_length={length} must be positive, and "
            "win_length at most n_fft"
        )
    weights = _weights(window, length, n_fft, input._a.real.dtype)
    x = input.reshape(1, *input._a.shape) if input._a.ndim == 1 else input
    if center:
        x = ops.pad(x, (n_fft // 2, n_fft // 2), pad_mode)
    if n_fft > x._a.shape[-1]:
        raise RuntimeError(f"stft: expected 0 < n_fft <= {x._a.shape[-1]}, but got n_fft={n_fft}")
    frames = x.unfold(-1, n_fft, hop) * weights  # (batch, windows, n_fft)
    half = real if onesided is None else onesided
    made = (rfft if half else fft)(frames, norm="ortho" if normalized else None).mT
    made = made.reshape(made._a.shape[1:]) if input._a.ndim == 1 else made
    return made if return_complex or not real else ops.view_as_real(made)


def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, normalized: bool = False,
    onesided: bool | None = None, length: int | None = None, return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """What :func:`stft` transformed, back. Shapes: (..., frequencies, windows) -> (..., n).

    Raises:
        RuntimeError: the windows leave a part of the signal uncovered.

    >>> import tensor_core as torch
    >>> x = torch.arange(8.0)
    >>> torch.istft(torch.stft(x, 4, return_complex=True), 4, length=8).round()
    tensor([0., 1., 2., 3., 4., 5., 6., 7.])
    """
    if input._a.dtype.kind != "c":
        raise RuntimeError("istft requires a complex-valued input tensor matching the stft output")
    hop = n_fft // 4 if hop_length is None else hop_length
    size = n_fft if win_length is None else win_length
    weights = _weights(window, size, n_fft, input._a.real.dtype)
    x = input.reshape(1, *input._a.shape) if input._a.ndim == 2 else input
    half = x._a.shape[-2] != n_fft if onesided is None else onesided
    norm = "ortho" if normalized else None
    frames = (irfft if half and not return_complex else ifft)(x.mT, n_fft, norm=norm)
    frames = frames if return_complex else ops.real(frames)
    total, cover = (_overlapped(f, hop) for f in (
        frames * weights, (weights * weights).expand(frames._a.shape).real))  # fmt: skip
    start = n_fft // 2 if center else 0
    end = total._a.shape[-1] - (start if length is None else 0)
    end = end if length is None else min(start + length, end)
    total, cover = total[..., start:end], cover[..., start:end]
    if cover._a.size and cover._a.min() < 1e-11:
        raise RuntimeError("istft: window overlap add min: the windows leave parts uncovered")
    y = total / cover
    if length is not None and end - start < length:
        y = ops.pad(y, (0, length - (end - start)))
    return y.reshape(y._a.shape[1:]) if input._a.ndim == 2 else y


def _overlapped(frames: Tensor, hop: int) -> Tensor:
    """Frames laid ``hop`` apart and added. Shapes: (batch, windows, n) -> (batch, m)."""
    batch, count, n = frames._a.shape
    places = np.arange(count)[:, None] * hop + np.arange(n)
    zero = wrap(np.zeros((batch, (count - 1) * hop + n), frames._a.dtype))
    return ops.index_add(zero, 1, wrap(places.reshape(-1)), frames.reshape(batch, count * n))
