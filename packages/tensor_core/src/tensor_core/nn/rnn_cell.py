"""One step of RNN, LSTM and GRU, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from .._creation import empty, zeros
from .._tensor import Tensor
from . import init
from .module import Module
from .parameter import Parameter


class RNNCellBase(Module):
    """The weights of one step: ``num_chunks`` gates of ``hidden_size`` rows each."""

    weight_ih: Tensor  # (num_chunks * hidden_size, input_size)
    weight_hh: Tensor  # (num_chunks * hidden_size, hidden_size)
    bias_ih: Tensor | None  # (num_chunks * hidden_size,)
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        for name, columns in (("weight_ih", input_size), ("weight_hh", hidden_size)):
            setattr(self, name, Parameter(empty((rows, columns), device=device, dtype=dtype)))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(empty(rows, device=device, dtype=dtype)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all weights uniform in ±1/sqrt(hidden_size)."""
        stdv = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -stdv, stdv)

    def extra_repr(self) -> str:
        """Sizes, and every option that is not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            text += f", nonlinearity={self.nonlinearity}"
        return text

    def _check(self, value: Tensor, what: str) -> None:
        if value.dim() not in (1, 2):
            raise ValueError(
                f"{self._get_name()}: Expected {what} to be 1D or 2D, got {value.dim()}D instead"
            )

    def _batch(self, input: Tensor, hx: Tensor | None) -> tuple[Tensor, Tensor]:
        """Input and state with a batch dimension, the state zeros if there is none."""
        self._check(input, "input")
        if hx is not None:
            self._check(hx, "hidden")
        x = input if input.dim() == 2 else input.unsqueeze(0)
        if hx is None:
            hx = zeros((x.shape[0], self.hidden_size), dtype=x.dtype)
        elif input.dim() == 1:
            hx = hx.unsqueeze(0)
        return x, hx

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh


class RNNCell(RNNCellBase):
    """``tanh(W_ih x + b_ih + W_hh h + b_hh)``, or relu. Shapes: (B, I), (B, H) -> (B, H).

    >>> import tensor_core as torch
    >>> torch.nn.RNNCell(3, 4)(torch.zeros(2, 3)).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        """The next state."""
        x, h = self._batch(input, hx)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        cell = ops.rnn_tanh_cell if self.nonlinearity == "tanh" else ops.rnn_relu_cell
        h = cell(x, h, *self._weights())
        return h if input.dim() == 2 else h.squeeze(0)


class LSTMCell(RNNCellBase):
    """One step of long short-term memory. Shapes: (B, I), ((B, H), (B, H)) -> ((B, H), (B, H)).

    >>> import tensor_core as torch
    >>> h, c = torch.nn.LSTMCell(3, 4)(torch.zeros(2, 3))
    >>> h.shape, c.shape
    (torch.Size([2, 4]), torch.Size([2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        """The next state and the next cell."""
        self._check(input, "input")
        for k, value in enumerate(hx or ()):
            self._check(value, f"hx[{k}]")
        x, h = self._batch(input, None if hx is None else hx[0])
        _, c = self._batch(input, None if hx is None else hx[1])
        h, c = ops.lstm_cell(x, (h, c), *self._weights())
        return (h, c) if input.dim() == 2 else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit. Shapes: (B, I), (B, H) -> (B, H).

    >>> import tensor_core as torch
    >>> torch.nn.GRUCell(3, 4)(torch.zeros(3)).shape
    torch.Size([4])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        """The next state."""
        x, h = self._batch(input, hx)
        h = ops.gru_cell(x, h, *self._weights())
        return h if input.dim() == 2 else h.squeeze(0)
