"""One layer of long short-term memory over a whole sequence, in one direction, fused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._products import product
from .._tensor import Tensor
from .contract import linear
from .recurrent import (
    Array,
    layer_cases,
    on_cache_lines,
    states_before,
    time_steps,
    unrolled,
    weight_cotangents,
)


def _composed(
    x: Tensor, h0: Tensor, c0: Tensor, weight_ih: Tensor, weight_hh: Tensor,
    bias_ih: Tensor | None, bias_hh: Tensor | None, weight_hr: Tensor | None,
    batch_sizes: tuple[int, ...], reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    def step(a: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, ...]:
        i, f, new, o = (a + linear(h, weight_hh, bias_hh)).chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * new.tanh()
        h = o.sigmoid() * c.tanh()
        return (h if weight_hr is None else linear(h, weight_hr)), c

    return unrolled(linear(x, weight_ih, bias_ih), (h0, c0), step, batch_sizes, reverse)


def _cases(rng: np.random.Generator) -> Iterator[Case]:
    for case in layer_cases(rng, 4):
        x, h0, *rest, sizes, reverse = case.args
        c0 = rng.normal(size=h0.shape)
        yield Case(x, h0, c0, *rest, None, sizes, reverse).with_(max_order=case.max_order)
    x, c0, w = rng.normal(size=(3, 1)), rng.normal(size=(2, 2)), rng.normal(size=(8, 1))
    h0, r, p = rng.normal(size=(2, 1)), rng.normal(size=(8, 1)), rng.normal(size=(1, 2))
    yield Case(x, h0, c0, w, r, None, None, p, (2, 1), True).with_(max_order=1)


@op(name="lstm_layer", keeps=("gates", "squashed", "cells"), fuses=_composed, cases=_cases)
def lstm_layer(
    x: Any, h0: Any, c0: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any,
    weight_hr: Any, /, batch_sizes: tuple[int, ...], reverse: bool = False,
) -> Any:  # fmt: skip
    """``c = f * c + i * g``, ``h = o * tanh(c)``, with gates of x and h (Hochreiter, Schmidhuber
    1997; forget gate: Gers et al. 2000; projection ``h @ weight_hr.T``: Sak et al. 2014).

    Shapes: x (N, I), h0 (B, P), c0 (B, H), weights (4 H, I), (4 H, P), (P, H), gates in the order
    i, f, g, o -> all h (N, P), the last h (B, P), the last c (B, H). P is H without projection.

    >>> import tensor_core as torch
    >>> from tensor_core.ops.recurrent_lstm import lstm_layer
    >>> zero, w = torch.zeros(1, 1), torch.zeros(4, 1)
    >>> out, h, c = lstm_layer(torch.ones(3, 1), zero, zero + 8, w, w, None, None, None, (1, 1, 1))
    >>> c
    tensor([[1.]])
    """
    size = c0.shape[1]
    gates = np.matmul(x, _by_gate(weight_ih, size))  # (4, N, H)
    bias = sum(_by_gate(b[:, None], size) for b in (bias_ih, bias_hh) if b is not None)
    h, c, w = h0.copy(), c0.copy(), _by_gate(weight_hh, size)
    out = np.empty((len(x), h0.shape[1]), gates.dtype)
    cells, squashed = (np.empty((len(x), size), gates.dtype) for _ in range(2))
    for rows, n in time_steps(batch_sizes, reverse):
        cells[rows] = c[:n]
        _step(gates[:, rows], np.matmul(h[:n], w), bias, c[:n], squashed[rows])
        new = gates[_OUTPUT, rows] * squashed[rows]
        out[rows] = h[:n] = new if weight_hr is None else new @ weight_hr.T
    return out, h, c, gates, squashed, cells


# The gates as they are kept: the three that are sigmoids lie together.
_ORDER = (0, 1, 3, 2)  # i, f, o, g
_INPUT, _FORGET, _OUTPUT, _NEW = range(4)


def _by_gate(weight: Array, size: int) -> Array:
    """A weight (4 H, K) by gates, (4, K, H), halved for those that are sigmoids."""
    w = on_cache_lines(weight.reshape(4, size, -1)[list(_ORDER)].swapaxes(1, 2))  # (4, K, H)
    w[:_NEW] *= 0.5
    return w


def _step(gates: Array, recurrent: Array, bias: Any, cell: Array, squash: Array) -> None:
    """Turn the input's share of the gates (4, n, H) into the gates, ``cell`` into the next one.

    ``squash`` becomes its tanh. Shapes: (n, H).
    """
    gates += recurrent
    gates += bias
    np.tanh(gates, out=gates)
    sigmoids = gates[:_NEW]  # sigmoid(a) = (1 + tanh(a / 2)) / 2, and the weights were halved
    sigmoids *= 0.5
    sigmoids += 0.5
    cell *= gates[_FORGET]
    cell += gates[_INPUT] * gates[_NEW]
    np.tanh(cell, out=squash)


@lstm_layer.vjp
def _(
    g: Any, x: Any, h0: Any, weight_ih: Any, weight_hh: Any, weight_hr: Any, gates: Any,
    squashed: Any, cells: Any, y: Any, batch_sizes: Any, reverse: Any, needs: Any,
) -> Any:  # fmt: skip
    size = cells.shape[1]
    dh, dc = g[1].copy(), g[2].copy()
    w = on_cache_lines(weight_hh.reshape(4, size, -1))  # (4, H, P)
    da = np.empty((len(x), 4 * size), gates.dtype)  # before the gates' non-linearities
    hidden = gates[_OUTPUT] * squashed if weight_hr is not None and needs[7] else None
    d_out = np.empty((len(x), h0.shape[1]), gates.dtype) if hidden is not None else None
    steps = time_steps(batch_sizes, not reverse)
    together = max(1, _IN_CACHE // max(1, 4 * size * len(h0)))  # steps whose factors stay in cache
    for k in range(0, len(steps), together):
        block = steps[k : k + together]
        start, stop = min(r.start for r, _ in block), max(r.stop for r, _ in block)
        factors, through = _factors(gates[:, start:stop], squashed[start:stop], cells[start:stop])
        for rows, n in block:
            dh[:n] += g[0][rows]
            if d_out is not None:
                d_out[rows] = dh[:n]
            d_hidden = dh[:n] if weight_hr is None else dh[:n] @ weight_hr
            at, into = slice(rows.start - start, rows.stop - start), _gates_first(da[rows])
            _step_back(d_hidden, dc[:n], factors[:, at], through[at], into)
            dc[:n] *= gates[_FORGET, rows]
            np.matmul(into, w).sum(0, out=dh[:n])
    dx, dw, db = weight_cotangents(da, x, weight_ih, (needs[0], needs[3], needs[5] or needs[6]))
    before = states_before(y[0], h0, batch_sizes, reverse) if needs[4] else None
    dr = product(da.T, before) if needs[4] else None
    dp = product(d_out.T, hidden) if d_out is not None else None
    return dx, dh, dc, dw, dr, db, db, dp


def _gates_first(da: Array) -> Array:
    """A view by gates, in the weights' order. Shapes: (n, 4 H) -> (4, n, H)."""
    return da.reshape(len(da), 4, -1).swapaxes(0, 1)


_IN_CACHE = 1 << 17  # numbers


def _factors(gates: Array, squash: Array, cell: Array) -> tuple[Array, Array]:
    """What the cotangents of a step are multiplied by, for several steps at once.

    The first, (4, n, H), leads from the new cell (from h for the output gate) to before the gates'
    non-linearities, the second, (n, H), from h to the new cell. ``cell`` is the cell before the
    step, ``squash`` the tanh of the one after it. Shapes: (n, H).
    """
    factors = gates * gates  # gates - gates**2 of a sigmoid, 1 - gates**2 of a tanh
    np.subtract(gates[:_NEW], factors[:_NEW], out=factors[:_NEW])
    np.subtract(1, factors[_NEW], out=factors[_NEW])
    factors[_INPUT] *= gates[_NEW]
    factors[_FORGET] *= cell
    factors[_OUTPUT] *= squash
    factors[_NEW] *= gates[_INPUT]
    through = squash * squash
    np.subtract(1, through, out=through)
    through *= gates[_OUTPUT]
    return factors, through


def _step_back(dh: Array, dc: Array, factors: Array, through: Array, into: Array) -> None:
    """Complete ``dc``, the new cell's cotangent, and fill ``into``, (4, n, H) by i, f, g, o."""
    dc += through * dh
    np.multiply(factors[:_OUTPUT], dc, out=into[:_OUTPUT])  # i and f come first in both orders
    np.multiply(factors[_NEW], dc, out=into[2])
    np.multiply(factors[_OUTPUT], dh, out=into[3])
