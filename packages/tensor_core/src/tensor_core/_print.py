"""How a tensor prints: torch's layout, digits and line breaks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import _dtypes, _grad_names
from ._tensor import Tensor


class _Options:
    precision = 4
    threshold: float = 1000
    edgeitems = 3
    linewidth = 80
    sci_mode: bool | None = None


options = _Options()

_PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_NAMES = ("precision", "threshold", "edgeitems", "linewidth")


def set_printoptions(
    precision: int | None = None, threshold: float | None = None, edgeitems: int | None = None,
    linewidth: int | None = None, profile: str | None = None, sci_mode: bool | None = None,
) -> None:  # fmt: skip
    """Set how tensors print; what is not given stays, except ``sci_mode``, as in torch.

    >>> import tensor_core as torch
    >>> torch.set_printoptions(precision=2)
    >>> torch.tensor([1 / 3, 2 / 3])
    tensor([0.33, 0.67])
    >>> torch.set_printoptions(profile="default")
    """
    given = zip(_NAMES, (precision, threshold, edgeitems, linewidth), strict=True)
    chosen = dict(_PROFILES.get(profile or "", {}))
    chosen.update((name, value) for name, value in given if value is not None)
    for name, value in chosen.items():
        setattr(options, name, value)
    options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """How tensors print now, as ``set_printoptions`` takes it.

    >>> import tensor_core as torch
    >>> torch.get_printoptions()["precision"]
    4
    """
    return {name: getattr(options, name) for name in (*_NAMES, "sci_mode")}


class _Numbers:
    """The common width and style of all numbers shown."""

    def __init__(self, a: np.ndarray) -> None:
        self.floating = a.dtype.kind in "fV"
        self.int_mode = True
        self.scientific = False
        self.width = 1
        flat = a.reshape(-1)
        if self.floating:
            flat = flat[np.isfinite(flat) & (flat != 0)]  # the others do not widen the column
            if flat.size:
                self._choose(np.abs(flat.astype(np.float64)))
        self.width = max([len(self._write(v)) for v in flat.tolist()], default=1)

    def _choose(self, values: np.ndarray) -> None:
        low, high = float(values.min()), float(values.max())
        self.int_mode = bool((values == np.ceil(values)).all())
        self.scientific = high / low > 1000.0 or high > 1e8 or low < 1e-4
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


class _Complex:
    """The same for complex numbers: a style for each part."""

    def __init__(self, a: np.ndarray) -> None:
        self._real = _Numbers(np.ascontiguousarray(a.real))
        self._imag = _Numbers(np.ascontiguousarray(a.imag))
        self.width = self._real.width + self._imag.width + 1

    def write(self, value: complex) -> str:
        """A number whose real part has the common width."""
        imag = self._imag.write(value.imag).lstrip() + "j"
        return self._real.write(value.real) + ("" if imag[0] in "+-" else "+") + imag


def _row(a: np.ndarray, indent: int, numbers: Any, summarize: bool) -> str:
    edge = options.edgeitems
    write = numbers.write
    per_line = max(1, (options.linewidth - indent) // (numbers.width + 2))
    if summarize and not edge:
        items = ["..."]
    elif summarize and a.shape[0] > 2 * edge:
        items = [*map(write, a[:edge].tolist()), " ...", *map(write, a[-edge:].tolist())]
    else:
        items = [write(v) for v in a.tolist()]
    lines = [", ".join(items[i : i + per_line]) for i in range(0, len(items), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _rows(a: np.ndarray, indent: int, numbers: Any, summarize: bool) -> str:
    if a.ndim == 0:
        return numbers.write(a.item())
    if a.ndim == 1:
        return _row(a, indent, numbers, summarize)
    edge, n = options.edgeitems, a.shape[0]
    cut = summarize and n > 2 * edge
    shown = [*range(edge), *range(n - edge, n)] if cut else range(n)
    parts = [_rows(a[i], indent + 1, numbers, summarize) for i in shown]
    if cut:
        parts.insert(edge, "...")
    return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(parts) + "]"


def _shown(a: np.ndarray) -> np.ndarray:
    """The elements that a summary shows: both edges of every dimension."""
    edge = options.edgeitems
    if not edge and a.ndim > 1:
        return a[:0]
    for axis, n in enumerate(a.shape):
        if edge and n > 2 * edge:
            a = np.take(a, [*range(edge), *range(n - edge, n)], axis=axis)
    return a


def _contents(a: np.ndarray, indent: int) -> str:
    if a.size == 0:
        return "[]"
    if a.dtype.kind == "V":  # bfloat16, which NumPy does not compute with
        a = a.astype(np.float32)
    summarize = a.size > options.threshold
    sample = _shown(a) if summarize else a
    numbers = (_Complex if a.dtype.kind == "c" else _Numbers)(sample)
    return _rows(a, indent, numbers, summarize)


def tensor_text(t: Tensor, contents: str | None = None) -> str:
    """What ``repr`` gives; ``contents`` stands in the place of the numbers."""
    from .nn.parameter import Buffer, Parameter

    plain = type(t) in (Tensor, Parameter, Buffer)
    prefix = "tensor(" if plain else f"{type(t).__name__}("
    text = prefix + (_contents(t._a, len(prefix)) if contents is None else contents)
    text = _with_suffixes(text, _suffixes(t), len(prefix)) + ")"
    return f"Parameter({text})" if isinstance(t, Parameter) and not plain else text


def _suffixes(t: Tensor) -> list[str]:
    """What is said of a tensor beside its numbers."""
    found = []
    size, d, default = t._a.size, t.dtype, _dtypes.get_default_dtype()
    if (not size and t._a.ndim != 1) or (size and not options.edgeitems):
        found.append(f"size={tuple(t._a.shape)}")
    usual = _dtypes.complex128 if default is _dtypes.float64 else _dtypes.complex64
    # of what numbers show themselves, nothing is said
    if d is not default and not (size and d in (usual, _dtypes.int64, _dtypes.bool)):
        found.append(f"dtype={d}")
    if t.grad_fn is not None:
        found.append(f"grad_fn=<{_grad_names.of(t)}>")
    elif t.requires_grad:
        found.append("requires_grad=True")
    return found


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    length = len(text) - text.rfind("\n") + 1  # torch reserves two columns more than there are
    for s in suffixes:
        if length + len(s) + 2 > options.linewidth:
            text += ",\n" + " " * indent + s
            length = indent + len(s)
        else:
            text += ", " + s
            length += len(s) + 2
    return text
