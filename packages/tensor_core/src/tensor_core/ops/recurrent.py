"""One layer of a recurrent network over a whole sequence, in one direction, and its derivative.

Sequences lie time step after time step in the rows of a matrix, (N, I), and ``batch_sizes`` says
how many rows each step has; they never grow from step to step, as in a packed sequence. The
state, (B, H), is updated in its first rows. That serves both directions: forwards a row keeps its
last state once its sequence is over, and in reverse it holds its first until its sequence begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._products import product
from .._tensor import Tensor
from .contract import linear
from .join import cat

Array = np.ndarray


def time_steps(batch_sizes: tuple[int, ...], reverse: bool) -> list[tuple[slice, int]]:
    """The rows of each time step and their number, in the order of computation.

    >>> time_steps((2, 1), reverse=True)
    [(slice(2, 3, None), 1), (slice(0, 2, None), 2)]
    """
    ends = np.cumsum(batch_sizes).tolist()
    steps = [(slice(end - n, end), n) for end, n in zip(ends, batch_sizes, strict=True)]
    return steps[::-1] if reverse else steps


def states_before(
    states: Array, first: Array, batch_sizes: tuple[int, ...], reverse: bool
) -> Array:
    """What each row's state was before its step. Shapes: (N, H), (B, H) -> (N, H).

    >>> states_before(np.array([[1.0], [2.0]]), np.zeros((1, 1)), (1, 1), False).tolist()
    [[0.0], [1.0]]
    """
    before, now = np.empty_like(states), first.copy()
    for rows, n in time_steps(batch_sizes, reverse):
        before[rows] = now[:n]
        now[:n] = states[rows]
    return before


def on_cache_lines(a: Array) -> Array:
    """A contiguous copy that starts on a cache line.

    OpenBLAS multiplies small matrices up to twice as fast if the right one does.
    """
    line = 64  # bytes
    room = np.empty(a.size + line // a.itemsize, a.dtype)
    start = -room.ctypes.data % line // a.itemsize
    copy = room[start : start + a.size].reshape(a.shape)
    copy[...] = a
    return copy


def projected(x: Array, weight: Array, *biases: Array | None) -> Array:
    """``x @ weight.T`` and the biases, for all time steps at once. Shapes: (N, I) -> (N, G)."""
    y = product(x, weight.T)
    for bias in biases:
        if bias is not None:
            y += bias
    return y


def weight_cotangents(
    g: Array, x: Array, weight: Array, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """Cotangents of x, the weight and the bias of ``x @ weight.T + bias``, where needed."""
    return (
        product(g, weight) if needs[0] else None,
        product(g.T, x) if needs[1] else None,
        g.sum(0) if needs[2] else None,
    )


def unrolled(
    gates: Tensor,
    states: tuple[Tensor, ...],
    step: Callable[..., tuple[Tensor, ...]],
    batch_sizes: tuple[int, ...],
    reverse: bool,
) -> tuple[Tensor, ...]:
    """The same recurrence step by step, of ops: the first states in time, then the last states."""
    outs = []
    for rows, n in time_steps(batch_sizes, reverse):
        new = step(gates[rows], *(s[:n] for s in states))
        outs.append(new[0])
        states = tuple(
            a if n == len(s) else cat((a, s[n:])) for a, s in zip(new, states, strict=True)
        )
    return (cat(outs[::-1] if reverse else outs), *states)


def layer_cases(rng: np.random.Generator, gates: int, more: Any = None) -> Iterator[Case]:
    """Equal lengths and unequal ones, both directions, with biases and without."""
    variants = ((2, (1, 1), False, True), (2, (2, 1), True, None), (1, (2, 1), False, True))
    for size, sizes, reverse, bias in variants:
        biases = [bias and rng.normal(size=gates * size) for _ in range(2)]
        yield Case(
            rng.normal(size=(sum(sizes), 1)),
            rng.normal(size=(sizes[0], size)),
            rng.normal(size=(gates * size, 1)),
            rng.normal(size=(gates * size, size)),
            *biases,
            *(() if more is None else (more,)),
            sizes,
            reverse,
        ).with_(max_order=3 - size)


def _rnn_composed(
    x: Tensor, h0: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor | None,
    bias_hh: Tensor | None, nonlinearity: str, batch_sizes: tuple[int, ...], reverse: bool,
) -> tuple[Tensor, ...]:  # fmt: skip
    def step(a: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        a = a + linear(h, weight_hh, bias_hh)
        return (a.tanh() if nonlinearity == "tanh" else a.relu(),)

    return unrolled(linear(x, weight_ih, bias_ih), (h0,), step, batch_sizes, reverse)


def _rnn_cases(rng: np.random.Generator) -> Iterator[Case]:
    yield from layer_cases(rng, 1, "tanh")
    yield from layer_cases(rng, 1, "relu")


@op(name="rnn_layer", fuses=_rnn_composed, cases=_rnn_cases, kinks="relu: where a state is 0")
def rnn_layer(
    x: Any, h0: Any, weight_ih: Any, weight_hh: Any, bias_ih: Any, bias_hh: Any, /,
    nonlinearity: str, batch_sizes: tuple[int, ...], reverse: bool = False,
) -> Any:  # fmt: skip
    """``h = f(x @ weight_ih.T + h @ weight_hh.T + biases)`` step by step (Elman 1990).

    Shapes: x (N, I), h0 (B, H), weights (H, I) and (H, H) -> all states (N, H), the last (B, H).

    >>> import tensor_core as torch
    >>> from tensor_core.ops.recurrent import rnn_layer
    >>> one = torch.ones(1, 1)
    >>> h, last = rnn_layer(torch.ones(3, 1), torch.zeros(1, 1), one, one, None, None, "relu",
    ...                     (1, 1, 1))
    >>> h.tolist(), last.tolist()
    ([[1.0], [2.0], [3.0]], [[3.0]])
    """
    out = projected(x, weight_ih, bias_ih, bias_hh)  # (N, H)
    h, w = h0.copy(), on_cache_lines(weight_hh.T)
    for rows, n in time_steps(batch_sizes, reverse):
        a = out[rows]
        a += h[:n] @ w
        np.tanh(a, out=a) if nonlinearity == "tanh" else np.maximum(a, 0, out=a)
        h[:n] = a
    return out, h


@rnn_layer.vjp
def _(
    g: Any, x: Any, h0: Any, weight_ih: Any, weight_hh: Any, y: Any, nonlinearity: Any,
    batch_sizes: Any, reverse: Any, needs: Any,
) -> Any:  # fmt: skip
    out, dh = y[0], g[1].copy()
    slope = 1 - out * out if nonlinearity == "tanh" else (out > 0).astype(out.dtype)
    da = np.empty_like(out)  # (N, H), before the non-linearity
    w = on_cache_lines(weight_hh)
    for rows, n in time_steps(batch_sizes, not reverse):
        dh[:n] += g[0][rows]
        np.multiply(dh[:n], slope[rows], out=da[rows])
        np.matmul(da[rows], w, out=dh[:n])
    dx, dw, db = weight_cotangents(da, x, weight_ih, (needs[0], needs[2], needs[4] or needs[5]))
    before = states_before(out, h0, batch_sizes, reverse) if needs[3] else None
    dr = product(da.T, before) if needs[3] else None
    return dx, dh, dw, dr, db, db
