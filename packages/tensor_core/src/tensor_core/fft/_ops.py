"""One op for every transform of one dimension: each is a linear map, and so is its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._op import Op

_FUNCTIONS: dict[str, Any] = {
    "fft": np.fft.fft, "ifft": np.fft.ifft, "rfft": np.fft.rfft, "irfft": np.fft.irfft,
    "hfft": np.fft.hfft, "ihfft": np.fft.ihfft,
}  # fmt: skip
_OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}
_COMPLEX_PARTNER = {"fft": "ifft", "ifft": "fft"}


def _transform(x: Any, /, kind: str, n: Any, dim: int, norm: str) -> Any:
    """One of NumPy's transforms along a dimension, in the precision of its input."""
    y = _FUNCTIONS[kind](x, n, dim, norm)
    single = x.dtype in (np.float32, np.complex64)
    if single and y.dtype in (np.float64, np.complex128):
        y = y.astype(np.complex64 if y.dtype.kind == "c" else np.float32)
    return y


transform_op = Op(_transform, name="fft_transform")


@transform_op.vjp
def _(g: Any, x: Any, y: Any, kind: Any, n: Any, dim: Any, norm: Any) -> Any:
    axis = dim % x.ndim
    size = x.shape[axis] if n is None else n
    if kind in _COMPLEX_PARTNER:
        back = transform_op.plain(g, _COMPLEX_PARTNER[kind], None, axis, _OPPOSITE[norm])
        return _fitted(back, x, axis)
    if kind == "rfft":  # the transform of the half given, filled up with zeros
        full = _fitted_to(g, size, axis)
        back = transform_op.plain(full, "ifft", None, axis, _OPPOSITE[norm])
        return _fitted(back.real, x, axis)
    if kind == "irfft":
        length = y.shape[axis]
        back = transform_op.plain(g, "rfft", None, axis, _OPPOSITE[norm])
        return _fitted(back * _twice(back, length, axis), x, axis)
    raise RuntimeError(f"torch.fft.{kind}: its derivative is not supported; use fft or rfft")


def _twice(g: Any, length: int, axis: int) -> np.ndarray:
    """Each frequency of a half stands for two, but 0 and, of an even length, the last."""
    m = g.shape[axis]
    weight = np.full(m, 2.0)
    weight[0] = 1
    if length % 2 == 0:
        weight[-1] = 1
    shape = [1] * g.ndim
    shape[axis] = m
    return weight.reshape(shape).astype(np.float32 if _single(g) else np.float64)


def _single(g: Any) -> bool:
    return getattr(g, "_a", g).dtype in (np.float32, np.complex64)


def _fitted(g: Any, x: Any, axis: int) -> Any:
    """The cotangent cut or filled up to the input's length; real where that is."""
    out = _fitted_to(g, x.shape[axis], axis)
    kinds = [getattr(t, "_a", t).dtype.kind for t in (x, out)]
    return out.real if kinds == ["f", "c"] else out


def _fitted_to(g: Any, size: int, axis: int) -> Any:
    have = g.shape[axis]
    if have >= size:
        return g[(slice(None),) * axis + (slice(0, size),)]
    shape = list(g.shape)
    shape[axis] = size - have
    return np.concatenate([g, np.zeros(shape, getattr(g, "_a", g).dtype)], axis)
