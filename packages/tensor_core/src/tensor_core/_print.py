"""How a tensor prints: torch's layout, digits and line breaks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _dtypes
from ._tensor import Tensor


class _Options:
    precision = 4
    threshold = 1000
    edgeitems = 3
    linewidth = 80
    sci_mode: bool | None = None


options = _Options()


def set_printoptions(
    precision: int | None = None, threshold: int | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Set how tensors print; what is not given stays, except ``sci_mode``, as in torch.

    >>> import tensor_core as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1 / 3, 2 / 3])
    tensor([0.33, 0.67])
    >>> torch.set_printoptions(profile="default")
    """
    if profile == "default":
        options.precision, options.threshold, options.edgeitems = 4, 1000, 3
    elif profile == "short":
        options.precision, options.threshold, options.edgeitems = 2, 1000, 2
    elif profile == "full":
        options.precision, options.threshold, options.edgeitems = 4, 10**12, 3
    for name in ("precision", "threshold", "edgeitems", "linewidth"):
        if (value := locals()[name]) is not None:
            setattr(options, name, value)
    options.sci_mode = sci_mode


class _Numbers:
    """The common width and style of all numbers shown."""

    def __init__(self, a: np.ndarray) -> None:
        self.floating = a.dtype.kind in "fV"
        self.int_mode = True
        self.scientific = False
        self.width = 1
        flat = a.reshape(-1)
        if not self.floating:
            self.width = max([len(str(v)) for v in flat.tolist()], default=1)
            return
        if flat.dtype.kind == "V":  # bfloat16, which NumPy does not compute with
            flat = flat.astype(np.float32)
        usual = flat[np.isfinite(flat) & (flat != 0)]
        if usual.size:
            self._choose(np.abs(usual.astype(np.float64)))
        # As in torch, zeros, infinities and NaN do not widen the column.
        self.width = max([len(self._write(v)) for v in usual.tolist()], default=1)

    def _choose(self, values: np.ndarray) -> None:
        low, high = float(values.min()), float(values.max())
        self.int_mode = bool((values == np.ceil(values)).all())
        if self.int_mode:
            self.scientific = high / low > 1000.0 or high > 1e8
        else:
            self.scientific = high / low > 1000.0 or high > 1e8 or low < 1e-4
        if self.int_mode and not high / low > 1000.0 and high <= 1e8:
            self.scientific = False
        if options.sci_mode is not None:
            self.scientific = options.sci_mode

    def _write(self, value: Any) -> str:
        if not self.floating:
            return str(value)
        if self.scientific:
            return f"{value:.{options.precision}e}"
        if self.int_mode:
            text = f"{value:.0f}"
            return text + "." if math.isfinite(value) else text
        return f"{value:.{options.precision}f}"

    def write(self, value: Any) -> str:
        """A number at the common width."""
        return self._write(value).rjust(self.width)


def _complex_text(a: np.ndarray) -> tuple[Any, int]:
    real = _Numbers(np.ascontiguousarray(a.real))
    imag = _Numbers(np.ascontiguousarray(a.imag))

    def write(v: complex) -> str:
        sign = "-" if math.copysign(1, v.imag) < 0 else "+"
        return f"{real.write(v.real)}{sign}{imag._write(abs(v.imag))}j"

    return write, real.width + imag.width + 1


def _rows(a: np.ndarray, indent: int, write: Any, width: int, summarize: bool) -> str:
    edge = options.edgeitems
    if a.ndim == 0:
        return write(a.item())
    if a.ndim == 1:
        per_line = max(1, (options.linewidth - indent) // (width + 2))
        if summarize and a.shape[0] > 2 * edge:
            items = (
                [write(v) for v in a[:edge].tolist()]
                + [" ..."]
                + [write(v) for v in a[-edge:].tolist()]
            )
        else:
            items = [write(v) for v in a.tolist()]
        lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    if summarize and a.shape[0] > 2 * edge:
        parts = [_rows(a[i], indent + 1, write, width, summarize) for i in range(edge)]
        parts.append("...")
        parts += [
            _rows(a[i], indent + 1, write, width, summarize)
            for i in range(a.shape[0] - edge, a.shape[0])
        ]
    else:
        parts = [_rows(x, indent + 1, write, width, summarize) for x in a]
    return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _shown(a: np.ndarray) -> np.ndarray:
    """The elements that a summary shows: both edges of every dimension."""
    edge = options.edgeitems
    for axis, n in enumerate(a.shape):
        if n > 2 * edge:
            a = np.take(a, [*range(edge), *range(n - edge, n)], axis=axis)
    return a


def tensor_text(t: Tensor) -> str:
    """What ``repr`` gives."""
    a = t._a
    prefix = "tensor("
    summarize = a.size > options.threshold
    suffixes = []
    if a.size == 0:
        text = "[]"
        if a.ndim != 1:
            suffixes.append(f"size={tuple(a.shape)}")
    else:
        sample = _shown(a) if summarize else a
        if a.dtype.kind == "c":
            write, width = _complex_text(sample)
        else:
            numbers = _Numbers(sample)
            write, width = numbers.write, numbers.width
        text = _rows(a, len(prefix), write, width, summarize)
    d = t.dtype
    default = _dtypes.get_default_dtype()
    shown = (default.to_complex(), _dtypes.int64, _dtypes.bool)  # one sees what they are
    if d is not default and (a.size == 0 or d not in shown):
        suffixes.append(f"dtype={d}")
    if t.grad_fn is not None:
        suffixes.append(f"grad_fn=<{t.grad_fn.name()}>")
    elif t.requires_grad:
        suffixes.append("requires_grad=True")
    return prefix + _with_suffixes(text, suffixes, len(prefix)) + ")"


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    # torch reserves two columns more than the last line has.
    length = len(text) - text.rfind("\n") + 1 + (indent if "\n" not in text else 0)
    for s in suffixes:
        if length + len(s) + 2 > options.linewidth:
            text += ",\n" + " " * indent + s
            length = indent + len(s)
        else:
            text += ", " + s
            length += len(s) + 2
    return text
