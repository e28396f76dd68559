"""The transforms themselves. A complex result with a gradient follows the engine's convention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import _dtypes
from .._tensor import Tensor
from ._ops import transform_op


def _wide(input: Tensor) -> Tensor:
    """Floating-point numbers, which a transform needs."""
    if input._a.dtype.kind in "fcV":
        return input
    return input.to(_dtypes.get_default_dtype())


def _norm(norm: Any) -> str:
    if norm not in (None, "backward", "forward", "ortho"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    return norm or "backward"


def _one(name: str, doc: str, example: tuple[str, str]) -> Callable[..., Any]:
    def function(
        input: Tensor, n: int | None = None, dim: int = -1, norm: Any = None, *, out: Any = None
    ) -> Tensor:
        if n is not None and n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
        _check(name, input)
        return transform_op(_wide(input), name, n, dim, _norm(norm))

    function.__name__ = name
    function.__doc__ = f"""{doc}

    >>> import tensor_core as torch
    >>> {example[0]}
    {example[1]}
    """
    return function


def _check(name: str, input: Tensor) -> None:
    if name in ("rfft", "rfft2", "rfftn", "ihfft") and input._a.dtype.kind == "c":
        raise RuntimeError(f"{name} expects a real input tensor, but got {input.dtype}")


_EXAMPLES = {
    "fft": ("torch.fft.fft(torch.tensor([1.0, 0.0])).real", "tensor([1., 1.])"),
    "ifft": ("torch.fft.ifft(torch.tensor([1.0, 1.0])).real", "tensor([1., 0.])"),
    "rfft": ("torch.fft.rfft(torch.ones(4)).real", "tensor([4., 0., 0.])"),
    "irfft": ("torch.fft.irfft(torch.tensor([4.0, 0.0, 0.0]))", "tensor([1., 1., 1., 1.])"),
    "hfft": ("torch.fft.hfft(torch.tensor([1.0, 0.0]))", "tensor([1., 1.])"),
    "ihfft": ("torch.fft.ihfft(torch.ones(2)).real", "tensor([1., 0.])"),
}  # fmt: skip

fft = _one("fft", "The transform of one dimension. Shapes: (..., n) -> same.", _EXAMPLES["fft"])
ifft = _one("ifft", "What :func:`fft` transformed, back.", _EXAMPLES["ifft"])
rfft = _one(
    "rfft", "The half of the transform that real numbers have. Shapes: (..., n) -> (..., n/2 + 1).",
    _EXAMPLES["rfft"],
)  # fmt: skip
irfft = _one("irfft", "What :func:`rfft` transformed, back: real numbers.", _EXAMPLES["irfft"])
hfft = _one("hfft", "The real transform of a signal that is symmetric.", _EXAMPLES["hfft"])
ihfft = _one("ihfft", "What :func:`hfft` transformed, back.", _EXAMPLES["ihfft"])


def _several(name: str, doc: str, default: Any) -> Callable[..., Any]:
    def function(
        input: Tensor, s: Any = None, dim: Any = default, norm: Any = None, *, out: Any = None
    ) -> Tensor:
        _check(name, input)
        dims = _dims(input, s, dim)
        sizes = [None] * len(dims) if s is None else [None if n == -1 else n for n in s]
        kind, half = name.rstrip("2n"), name.startswith(("rfft", "irfft"))
        whole = kind.replace("rfft", "fft")
        y, mode = _wide(input), _norm(norm)
        steps = list(zip(dims, sizes, strict=True))
        order = steps[::-1] if not name.startswith("irfft") else steps
        for d, n in order:
            last = half and d == dims[-1]
            y = transform_op(y, kind if last else whole, n, d, mode)
        return y

    function.__name__ = name
    function.__doc__ = f"""{doc}

    >>> import tensor_core as torch
    >>> torch.fft.{name}(torch.zeros(4, 4)).abs().sum()
    tensor(0.)
    """
    return function


def _dims(input: Tensor, s: Any, dim: Any) -> list[int]:
    if dim is None:
        count = input._a.ndim if s is None else len(s)
        return list(range(input._a.ndim - count, input._a.ndim))
    return [d % input._a.ndim for d in ((dim,) if isinstance(dim, int) else dim)]


fft2 = _several("fft2", "The transform of two dimensions.", (-2, -1))
ifft2 = _several("ifft2", "What :func:`fft2` transformed, back.", (-2, -1))
rfft2 = _several("rfft2", "The half of the transform that two real dimensions have.", (-2, -1))
irfft2 = _several("irfft2", "What :func:`rfft2` transformed, back.", (-2, -1))
fftn = _several("fftn", "The transform of several dimensions (all without ``dim``).", None)
ifftn = _several("ifftn", "What :func:`fftn` transformed, back.", None)
rfftn = _several("rfftn", "The half of the transform that real dimensions have.", None)
irfftn = _several("irfftn", "What :func:`rfftn` transformed, back.", None)
