"""One step of each recurrent layer, under torch's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .._card import Case, Cases, composed
from .._tensor import Tensor
from .recurrent import rnn_layer
from .recurrent_gru import gru_layer
from .recurrent_lstm import lstm_layer


def _cases(gates: int, states: Callable[[Any], Any] = lambda h: h) -> Cases:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        x, w, r = (rng.normal(size=s) for s in ((1, 1), (gates * 2, 1), (gates * 2, 2)))
        biases = [rng.normal(size=gates * 2) for _ in range(2)]
        yield Case(x, states(rng.normal(size=(2, 1, 2))), w, r, *biases).with_(max_order=1)

    return cases


def _check(x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor) -> tuple[int]:
    """The batch as one time step, after checking that all sizes fit."""
    n, size = x._a.shape
    if size != w_ih._a.shape[1]:
        raise RuntimeError(
            f"input has inconsistent input_size: got {size} expected {w_ih._a.shape[1]}"
        )
    if h._a.shape[1] != w_hh._a.shape[1]:
        raise RuntimeError(
            f"hidden has inconsistent hidden_size: got {h._a.shape[1]}, expected {w_hh._a.shape[1]}"
        )
    if h._a.shape[0] != n:
        raise RuntimeError(f"Input batch size {n} doesn't match hidden batch size {h._a.shape[0]}")
    for t in (h, w_ih, w_hh):
        if t._a.dtype != x._a.dtype:
            raise RuntimeError(f"expected one dtype, but got {x.dtype} and {t.dtype}")
    return (n,)


def _first(h: Any) -> Any:
    return h[0]


@composed(torch="rnn_tanh_cell", cases=_cases(1, _first))
def rnn_tanh_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor,
    b_ih: Tensor | None = None, b_hh: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``tanh(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)``. Shapes: (B, I), (B, H) -> (B, H).

    >>> import tensor_core as torch
    >>> one = torch.ones(1, 1)
    >>> torch.rnn_tanh_cell(one, one, one, -one)
    tensor([[0.]])
    """
    sizes = _check(input, hx, w_ih, w_hh)
    return rnn_layer(input, hx, w_ih, w_hh, b_ih, b_hh, "tanh", sizes)[1]


@composed(torch="rnn_relu_cell", cases=_cases(1, _first), kinks="where a state is 0")
def rnn_relu_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor,
    b_ih: Tensor | None = None, b_hh: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """``relu(x @ w_ih.T + b_ih + h @ w_hh.T + b_hh)``. Shapes: (B, I), (B, H) -> (B, H).

    >>> import tensor_core as torch
    >>> one = torch.ones(1, 1)
    >>> torch.rnn_relu_cell(one, one, one, one)
    tensor([[2.]])
    """
    sizes = _check(input, hx, w_ih, w_hh)
    return rnn_layer(input, hx, w_ih, w_hh, b_ih, b_hh, "relu", sizes)[1]


@composed(torch="lstm_cell", cases=_cases(4, list))
def lstm_cell(
    input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor,
    b_ih: Tensor | None = None, b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One step of long short-term memory: the next (h, c). Shapes: (B, I), twice (B, H) -> same.

    >>> import tensor_core as torch
    >>> one, w = torch.ones(1, 1), torch.zeros(4, 1)
    >>> torch.lstm_cell(one, (one, 2 * one), w, w)[1]
    tensor([[1.]])
    """
    h, c = hx
    sizes = _check(input, h, w_ih, w_hh)
    _check(input, c, w_ih, w_hh)
    _, h, c = lstm_layer(input, h, c, w_ih, w_hh, b_ih, b_hh, None, sizes)
    return h, c


@composed(torch="gru_cell", cases=_cases(3, _first))
def gru_cell(
    input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor,
    b_ih: Tensor | None = None, b_hh: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """One step of a gated recurrent unit. Shapes: (B, I), (B, H) -> (B, H).

    >>> import tensor_core as torch
    >>> one, w = torch.ones(1, 1), torch.zeros(3, 1)
    >>> torch.gru_cell(one, one, w, w)
    tensor([[0.5000]])
    """
    sizes = _check(input, hx, w_ih, w_hh)
    return gru_layer(input, hx, w_ih, w_hh, b_ih, b_hh, sizes)[1]
