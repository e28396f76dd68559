"""One layer of gated recurrent units over a whole sequence, in one direction, fused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._define import op
from .._products import product
from .._tensor import Tensor
from .contract import linear
from .recurrent import (
    Array,
    layer_cases,
    projected,
    states_before,
    time_steps,
    unrolled,
    weight_cotangents,
)


def _composed(
    x: Tensor, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor | None,
    bias_hh: Tensor | None, batch_sizes: tuple[int, ...], reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    def step(a: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        x_r, x_z, x_n = a.chunk(3, 1)
        h_r, h_z, h_n = linear(h, weight_hh, bias_hh).chunk(3, 1)
        new = (x_n + (x_r + h_r).sigmoid() * h_n).tanh()
        return (new + (x_z + h_z).sigmoid() * (h - new),)

    return unrolled(linear(x, weight_ih, bias_ih), (h0,), step, batch_sizes, reverse)


def _cases(rng: np.random.Generator) -> Iterator[Any]:
    return layer_cases(rng, 3)


@op(name="gru_layer", keeps=("gates", "inner"), fuses=_composed, cases=_cases)
def gru_layer(
    x: Any, h0: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any, /,
    batch_sizes: tuple[int, ...], reverse: bool = False,
) -> Any:  # fmt: skip
    """``h = (1 - z) * n + z * h`` with gates r, z and a candidate n of x and h (Cho et al. 2014).

    The reset gate multiplies the recurrent product, its bias included.

    Shapes: x (N, I), h0 (B, H), weights (3 H, I), (3 H, H), gates in the order r, z, n -> all h
    (N, H), the last (B, H).

    >>> import tensor_core as torch
    >>> from tensor_core.ops.recurrent_gru import gru_layer
    >>> w = torch.zeros(3, 1)
    >>> out, h = gru_layer(torch.ones(2, 1), torch.ones(1, 1), w, w, None, None, (1, 1))
    >>> out.tolist()
    [[0.5], [0.25]]
    """
    gates = projected(x, weight_ih, bias_ih)  # (N, 3 H)
    size = h0.shape[1]
    inner, out = (np.empty((len(x), size), gates.dtype) for _ in range(2))
    h, w = h0.copy(), np.ascontiguousarray(weight_hh.T)
    for rows, n in time_steps(batch_sizes, reverse):
        recurrent = h[:n] @ w
        if bias_hh is not None:
            recurrent += bias_hh
        inner[rows] = recurrent[:, 2 * size :]
        _step(gates[rows], recurrent, h[:n])
        out[rows] = h[:n]
    return out, h, gates, inner


def _step(gates: Array, recurrent: Array, h: Array) -> None:
    """Turn the input's share of the gates (n, 3 H) into the gates, and ``h`` into the next h."""
    size = h.shape[1]
    rz, new = gates[:, : 2 * size], gates[:, 2 * size :]
    rz += recurrent[:, : 2 * size]
    rz *= 0.5  # sigmoid(a) = (1 + tanh(a / 2)) / 2
    np.tanh(rz, out=rz)
    rz *= 0.5
    rz += 0.5
    new += rz[:, :size] * recurrent[:, 2 * size :]
    np.tanh(new, out=new)
    h -= new
    h *= rz[:, size:]
    h += new


@gru_layer.vjp
def _(
    g: Any, x: Any, h0: Any, weight_ih: Any, weight_hh: Any, gates: Any, inner: Any, y: Any,
    batch_sizes: Any, reverse: Any, needs: Any,
) -> Any:  # fmt: skip
    size = h0.shape[1]
    dh = g[1].copy()
    before = states_before(y[0], h0, batch_sizes, reverse)
    dx_gates, dh_gates = np.empty_like(gates), np.empty_like(gates)  # (N, 3 H)
    for rows, n in time_steps(batch_sizes, not reverse):
        now = dh[:n]
        now += g[0][rows]
        _step_back(now, gates[rows], inner[rows], before[rows], dx_gates[rows], dh_gates[rows])
        now *= gates[rows, size : 2 * size]
        now += dh_gates[rows] @ weight_hh
    dx, dw, db = weight_cotangents(dx_gates, x, weight_ih, (needs[0], needs[2], needs[4]))
    dr = product(dh_gates.T, before) if needs[3] else None
    return dx, dh, dw, dr, db, dh_gates.sum(0) if needs[5] else None


def _step_back(
    dh: Array, gates: Array, inner: Array, before: Array, dx_gates: Array, dh_gates: Array
) -> None:
    """Fill the cotangents of both shares of the gates, (n, 3 H), given that of the new h."""
    size = dh.shape[1]
    r, z, new = (gates[:, k * size : (k + 1) * size] for k in range(3))
    at_r, at_z, at_new = (dx_gates[:, k * size : (k + 1) * size] for k in range(3))
    kept = dh * z
    np.subtract(dh, kept, out=at_new)
    at_new *= 1 - new * new
    np.subtract(before, new, out=at_z)
    at_z *= kept
    at_z *= 1 - z
    np.multiply(at_new, inner, out=at_r)
    at_r *= r * (1 - r)
    dh_gates[:, : 2 * size] = dx_gates[:, : 2 * size]
    np.multiply(at_new, r, out=dh_gates[:, 2 * size :])
