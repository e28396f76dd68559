"""Gradients for a batch of cotangents: one pass each, the results stacked."""

from __future__ import annotations

from typing import Any

from .._tensor import Tensor


def batched(
    outputs: list[Tensor],
    inputs: list[Tensor],
    cotangents: Any,
    keep: Any,
    options: tuple[Any, ...],
) -> tuple[Tensor | None, ...]:
    """``grad`` for each of the cotangents, which have one more dimension in front.

    Raises:
        RuntimeError: a cotangent is not of its output's shape behind the first dimension.
        ValueError: the first dimensions differ.
    """
    from .._backward import grad
    from ..ops import stack

    given = [cotangents] if isinstance(cotangents, Tensor) else list(cotangents or ())
    for y, g in zip(outputs, given, strict=False):
        if g is None or not g._a.ndim or g._a.shape[1:] != y._a.shape:
            raise RuntimeError(
                "If `is_grads_batched=True`, we interpret the first dimension of each grad_output "
                f"as the batch dimension: an output of shape {tuple(y._a.shape)} wants (B, "
                f"*{tuple(y._a.shape)}), not {None if g is None else tuple(g._a.shape)}"
            )
    sizes = {g._a.shape[0] for g in given}
    if len(sizes) != 1:
        raise ValueError(f"grad: one first dimension is expected of all cotangents, not {sizes}")
    (size,) = sizes
    found = []
    for i in range(size):
        retain = True if i < size - 1 else keep
        found.append(grad(outputs, inputs, [g[i] for g in given], retain, *options))
    rows = zip(*found, strict=True)
    return tuple(None if row[0] is None else stack(list(row)) for row in rows)
