"""Networks that read a sequence step by step: RNN, LSTM and GRU."""

from __future__ import annotations

from typing import Any

from .._creation import zeros
from .._tensor import Tensor
from .rnn_base import RNNBase


class RNN(RNNBase):
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)`` step by step, or with relu (Elman 1990).

    ``layer(input, hx)`` returns all states of the last layer and the last state of every layer.
    Shapes: (T, B, I) -> (T, B, D * H) and (layers * D, B, H), with D directions.

    >>> import tensor_core as torch
    >>> out, h = torch.nn.RNN(3, 4, num_layers=2)(torch.zeros(5, 2, 3))
    >>> out.shape, h.shape
    (torch.Size([5, 2, 4]), torch.Size([2, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        _no_projection(proj_size)
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        mode = f"RNN_{nonlinearity.upper()}"
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device=device, dtype=dtype,
        )  # fmt: skip
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with a state h and a cell c.

    ``layer(input, (h, c))`` returns all states h of the last layer, and the last (h, c) of every
    layer. With ``proj_size``, h is projected to P numbers (Sak et al. 2014). Shapes: (T, B, I)
    -> (T, B, D * P), and (layers * D, B, P), (layers * D, B, H), with D directions.

    >>> import tensor_core as torch
    >>> out, (h, c) = torch.nn.LSTM(3, 4, bidirectional=True)(torch.zeros(5, 2, 3))
    >>> out.shape, c.shape
    (torch.Size([5, 2, 8]), torch.Size([2, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            proj_size, device, dtype,
        )  # fmt: skip

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the cell c for a batched input, (layers * directions, B, H)."""
        return (*self.get_expected_hidden_size(input, batch_sizes)[:2], self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input, state and cell fit this layer."""
        self.check_input(input, batch_sizes)
        sizes = (
            self.get_expected_hidden_size(input, batch_sizes),
            self.get_expected_cell_size(input, batch_sizes),
        )
        for k, size in enumerate(sizes):
            self.check_hidden_size(hidden[k], size, f"Expected hidden[{k}] size {{}}, got {{}}")

    def _first_states(
        self, input: Tensor, hx: Any, batched: bool, batch_sizes: Tensor | None = None
    ) -> Any:
        if hx is None:
            shape = self.get_expected_cell_size(input, batch_sizes)
            state = super()._first_states(input, None, batched, batch_sizes)
            return state, zeros(shape, dtype=input.dtype)
        wanted = 3 if batched else 2
        if hx[0].dim() != wanted or hx[1].dim() != wanted:
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {wanted}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        return tuple(h if batched else h.unsqueeze(1) for h in hx)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014).

    ``layer(input, hx)`` returns all states of the last layer and the last state of every layer.
    Shapes: (T, B, I) -> (T, B, D * H) and (layers * D, B, H), with D directions.

    >>> import tensor_core as torch
    >>> out, h = torch.nn.GRU(3, 4, batch_first=True)(torch.zeros(2, 5, 3))
    >>> out.shape, h.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        _no_projection(proj_size)
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            device=device, dtype=dtype,
        )  # fmt: skip


def _no_projection(proj_size: int) -> None:
    if proj_size:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
