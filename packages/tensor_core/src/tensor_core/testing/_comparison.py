"""``assert_close``: numbers, tensors, and sequences and mappings of them, within tolerances."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._tensor import Tensor, wrap
from . import _mismatch

# rtol and atol by type; 0 and 0 for integers and bools
TOLERANCES = {
    "float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7), "complex64": (1.3e-6, 1e-5), "complex128": (1e-7, 1e-7),
}  # fmt: skip
_OLD_TOLERANCES = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}

Message = str | Callable[[str], str] | None


@dataclass(frozen=True)
class _Options:
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_dtype: bool
    check_stride: bool
    allow_subclasses: bool

    def tolerances(self, *types: str) -> tuple[float, float]:
        """What was asked for, or the wider of the defaults of the types."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        pairs = [TOLERANCES.get(t, (0.0, 0.0)) for t in types]
        return max(p[0] for p in pairs), max(p[1] for p in pairs)


def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None,
    atol: float | None = None, equal_nan: bool = False, check_device: bool = True,
    check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False,
    msg: Message = None,
) -> None:  # fmt: skip
    """Assert ``|actual - expected| <= atol + rtol * |expected|`` everywhere, and equal types.

    Without tolerances those of the element type hold. Sequences and mappings are compared item
    by item.

    Raises:
        AssertionError: they are not close; ``msg`` replaces what is said, or is called with it.
        ValueError: one tolerance is given without the other.
        TypeError: the values cannot be compared.

    >>> import tensor_core as torch
    >>> torch.testing.assert_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]))
    """
    if (rtol is None) != (atol is None):
        missing = "atol" if atol is None else "rtol"
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
        )
    options = _Options(rtol, atol, equal_nan, check_dtype, check_stride, allow_subclasses)
    try:
        _compare(actual, expected, options, "")
    except AssertionError as error:
        said = str(error)
        text = said if msg is None else msg(said) if callable(msg) else msg
        raise AssertionError(text) from None


def _compare(actual: Any, expected: Any, options: _Options, where: str) -> None:
    """Descend into containers; ``where`` is the path so far, as ``[1]['a']``."""
    pair = (actual, expected)
    if _all(pair, Sequence) and not any(isinstance(v, str) for v in pair):
        if len(actual) != len(expected):
            _fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", where)
        for i, items in enumerate(zip(actual, expected, strict=True)):
            _compare(*items, options, f"{where}[{i}]")
    elif _all(pair, Mapping):
        _same_keys(actual, expected, where)
        for key in expected:
            _compare(actual[key], expected[key], options, f"{where}[{key!r}]")
    else:
        _leaves(actual, expected, options, where)


def _same_keys(actual: Mapping[Any, Any], expected: Mapping[Any, Any], where: str) -> None:
    if actual.keys() != expected.keys():
        missing, additional = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        lines = ["The keys of the mappings do not match:"]
        if missing:
            lines.append(f"Missing keys in the actual mapping: {sorted(missing)}")
        if additional:
            lines.append(f"Additional keys in the actual mapping: {sorted(additional)}")
        _fail("\n".join(lines), where)


def _leaves(actual: Any, expected: Any, options: _Options, where: str) -> None:
    pair = (actual, expected)
    if actual is None or expected is None:
        if actual is not expected:
            _fail(f"None mismatch: {actual} is not {expected}", where)
    elif _all(pair, bool | np.bool_):
        if bool(actual) is not bool(expected):
            _fail(f"Booleans mismatch: {bool(actual)} is not {bool(expected)}", where)
    elif _all(pair, numbers.Number):
        _numbers(actual, expected, options, where)
    elif _all(pair, Tensor) or _all(pair, np.ndarray):
        if not (options.allow_subclasses or type(actual) is type(expected)):
            _unknown(actual, expected)
        a, b = (v if isinstance(v, Tensor) else wrap(v) for v in pair)
        _tensors(a, b, options, where)
    else:
        _unknown(actual, expected)


def _all(pair: tuple[Any, Any], kind: Any) -> bool:
    return all(isinstance(v, kind) for v in pair)


def _unknown(actual: Any, expected: Any) -> None:
    raise TypeError(
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
    )


def _fail(message: str, where: str) -> None:
    raise AssertionError(
        f"{message}\n\nThe failure occurred for item {where}" if where else message
    )


def _numbers(actual: Any, expected: Any, options: _Options, where: str) -> None:
    if options.check_dtype and type(actual) is not type(expected):
        _fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", where)
    rtol, atol = options.tolerances(_type_name(actual), _type_name(expected))
    if actual == expected or (options.equal_nan and actual != actual and expected != expected):
        return
    distance = abs(actual - expected)
    if distance == float("inf") or not distance <= atol + rtol * abs(expected):
        _fail(_mismatch.scalars(actual, expected, rtol, atol), where)


def _type_name(number: Any) -> str:
    if isinstance(number, numbers.Integral):
        return "int64"
    return "float64" if isinstance(number, numbers.Real) else "complex128"


def _tensors(actual: Tensor, expected: Tensor, options: _Options, where: str) -> None:
    _same_attribute("shape", actual.shape, expected.shape, where)
    if options.check_dtype:
        _same_attribute("dtype", actual.dtype, expected.dtype, where)
    if options.check_stride:
        _same_attribute("stride()", actual.stride(), expected.stride(), where)
    rtol, atol = options.tolerances(actual.dtype.name, expected.dtype.name)
    a, b = actual._a, expected._a
    if a.dtype != b.dtype:
        kind = np.promote_types(a.dtype, b.dtype)
        a, b = a.astype(kind), b.astype(kind)
    close = wrap(a).isclose(wrap(b), rtol, atol, options.equal_nan)._a
    if close.all():
        return
    if not a.ndim:
        _fail(_mismatch.scalars(a.item(), b.item(), rtol, atol), where)
    _fail(_mismatch.arrays(a, b, close, rtol, atol), where)


def _same_attribute(name: str, actual: Any, expected: Any, where: str) -> None:
    if actual != expected:
        _fail(f"The values for attribute {name!r} do not match: {actual} != {expected}.", where)


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None,
    equal_nan: bool = True, msg: str = "",
) -> None:  # fmt: skip
    """The older :func:`assert_close`: looser, of any types, NaN equal to NaN.

    Raises:
        AssertionError: the values are not close.

    >>> import tensor_core as torch
    >>> torch.testing.assert_allclose(torch.tensor([1.0]), [1.00001])
    """
    from .._creation import tensor

    a, b = (v if isinstance(v, Tensor) else tensor(v) for v in (actual, expected))
    if rtol is None and atol is None:
        pairs = [_OLD_TOLERANCES.get(t.dtype.name, (0.0, 0.0)) for t in (a, b)]
        rtol, atol = max(p[0] for p in pairs), max(p[1] for p in pairs)
    assert_close(
        a, b, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None
    )
