"""What a convolution accepts; everything else is refused by name, with torch's kind of error."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._tensor import Tensor
from .conv_core import Geometry
from .windows import Sizes, sizes_of, spans


def geometry(name: str, n: int, stride: Any, padding: Any, dilation: Any, groups: int) -> Geometry:
    """The arguments as numbers, one a spatial dimension.

    Raises:
        RuntimeError: a stride, dilation or group count below 1, or a padding below 0.

    >>> geometry("conv2d", 2, 1, (0, 1), 1, 1).padding
    (0, 1)
    """
    how = Geometry(
        sizes_of(name, "stride", stride, n),
        sizes_of(name, "padding", padding, n),
        sizes_of(name, "dilation", dilation, n),
        int(groups),
    )
    for what, values, least in (
        ("groups", (how.groups,), 1),
        ("stride", how.stride, 1),
        ("dilation", how.dilation, 1),
        ("padding", how.padding, 0),
    ):
        if min(values) < least:
            kind = "negative" if least == 0 else "non-positive"
            raise RuntimeError(f"{name}: {kind} {what} is not supported: {what}={values}")
    return how


def require_tensors(name: str, **arguments: Any) -> None:
    """Everything given is a tensor.

    Raises:
        TypeError: something else was given.
    """
    for what, value in arguments.items():
        if not (isinstance(value, Tensor) or (what == "bias" and value is None)):
            raise TypeError(
                f"{name}(): argument {what!r} must be Tensor, not {type(value).__name__}"
            )


def check_input(name: str, x: np.ndarray, n: int) -> bool:
    """Whether the input is a batch; a single sample has one dimension less.

    Raises:
        RuntimeError: it is neither.

    >>> check_input("conv1d", np.zeros((2, 3, 4)), 1)
    True
    """
    if x.ndim not in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input "
            f"of size: {list(x.shape)}"
        )
    return x.ndim == n + 2


def check_types(name: str, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None) -> None:
    """One type for all.

    Raises:
        RuntimeError: the types differ.
    """
    for what, other in (("weight", w), ("bias", bias)):
        if other is not None and other.dtype != x.dtype:
            raise RuntimeError(
                f"{name}: Input type ({x.dtype}) and {what} type ({other.dtype}) should be the same"
            )


def check_shapes(
    name: str, x: np.ndarray, w: np.ndarray, bias: np.ndarray | None, groups: int, transposed: bool
) -> None:
    """The channels of the input, the kernels and the bias fit together.

    Raises:
        RuntimeError: they do not.
    """
    shape = list(w.shape)
    if w.ndim != x.ndim:
        raise RuntimeError(
            f"{name}: expected a weight of {x.ndim} dimensions (channels, channels a group, "
            f"*kernel), but got weight of size {shape}"
        )
    if w.shape[0] < groups or w.shape[0] % groups:
        raise RuntimeError(
            f"{name}: Given groups={groups}, expected weight to be divisible by {groups} and at "
            f"least {groups} at dimension 0, but got weight of size {shape} instead"
        )
    channels = w.shape[0] if transposed else w.shape[1] * groups
    if x.shape[1] != channels:
        raise RuntimeError(
            f"{name}: Given groups={groups}, weight of size {shape}, expected input"
            f"{list(x.shape)} to have {channels} channels, but got {x.shape[1]} channels instead"
        )
    made = w.shape[1] * groups if transposed else w.shape[0]
    if bias is not None and bias.shape != (made,):
        raise RuntimeError(
            f"{name}: Given weight of size {shape}, expected bias to be 1-dimensional with {made} "
            f"elements, but got bias of size {list(bias.shape)} instead"
        )


def check_reach(name: str, sizes: Sizes, kernel: Sizes, how: Geometry) -> None:
    """The kernel fits into the padded input.

    Raises:
        RuntimeError: it is larger.
    """
    reach = spans(kernel, how.dilation)
    big = tuple(n + 2 * p for n, p in zip(sizes, how.padding, strict=True))
    if any(r > n for r, n in zip(reach, big, strict=True)):
        raise RuntimeError(
            f"{name}: Calculated padded input size per channel: {_by(big)}. Kernel size: "
            f"{_by(reach)}. Kernel size can't be greater than actual input size"
        )


def check_output_padding(name: str, extra: Sizes, how: Geometry) -> None:
    """What is added to a transposed convolution's output stays below its stride or dilation.

    Raises:
        RuntimeError: it does not, or is negative.
    """
    for e, s, d in zip(extra, how.stride, how.dilation, strict=True):
        if not 0 <= e < max(s, d):
            raise RuntimeError(
                f"{name}: output padding must be smaller than either stride or dilation, but got "
                f"output_padding={extra}, stride={how.stride}, dilation={how.dilation}"
            )


def _by(sizes: Sizes) -> str:
    return f"({' x '.join(map(str, sizes))})"
