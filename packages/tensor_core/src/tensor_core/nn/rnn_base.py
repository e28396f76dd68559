"""Networks that read a sequence step by step: RNN, LSTM and GRU, in layers and both directions."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

from .. import ops
from .._creation import empty, zeros
from .._tensor import Tensor
from ..ops.recurrent import rnn_layer
from ..ops.recurrent_gru import gru_layer
from ..ops.recurrent_lstm import lstm_layer
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}  # rows of the weights, in hidden sizes


class RNNBase(Module):
    """What RNN, LSTM and GRU share: weights by layer and direction, and the way through them.

    ``mode`` is "RNN_TANH", "RNN_RELU", "LSTM" or "GRU". All weights start uniform in
    ±1/sqrt(hidden_size).
    """

    def __init__(
        self,
        mode: str,
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
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        _check_dropout(dropout, num_layers)
        self._check_sizes()
        self._all_weights = self._weight_names()
        for k, names in enumerate(self._all_weights):
            shapes = self._weight_shapes(k // self._directions)
            for name in names:
                shape = shapes[name.split("_l")[0]]
                setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        self.reset_parameters()

    def _check_sizes(self) -> None:
        for name, kind in (("bias", bool), ("batch_first", bool)):
            self._check_type(name, kind)
        for name in ("input_size", "hidden_size"):
            self._check_type(name, int)
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer, or zero for no projection")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

    def _check_type(self, name: str, kind: type) -> None:
        value = getattr(self, name)
        if not isinstance(value, kind):
            raise TypeError(
                f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
            )

    # -- weights --------------------------------------------------------------------------------

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def _state_size(self) -> int:
        return self.proj_size if self.proj_size > 0 else self.hidden_size

    def _weight_names(self) -> list[list[str]]:
        kinds = ["weight_ih", "weight_hh"]
        if self.bias:
            kinds += ["bias_ih", "bias_hh"]
        if self.proj_size > 0:
            kinds += ["weight_hr"]
        endings = ["", "_reverse"][: self._directions]
        return [
            [f"{kind}_l{layer}{ending}" for kind in kinds]
            for layer in range(self.num_layers)
            for ending in endings
        ]

    def _weight_shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        rows = _GATES[self.mode] * self.hidden_size
        incoming = self.input_size if layer == 0 else self._state_size * self._directions
        return {
            "weight_ih": (rows, incoming),
            "weight_hh": (rows, self._state_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
            "weight_hr": (self.proj_size, self.hidden_size),
        }

    @property
    def all_weights(self) -> list[list[Any]]:
        """The weights of each layer and direction, as lists."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights(self) -> list[Any]:
        return [getattr(self, name) for name in self._flat_weights_names]

    def flatten_parameters(self) -> None:
        """Do nothing: only a GPU wants the weights in one piece of memory."""

    def reset_parameters(self) -> None:
        """Draw all weights afresh, in their order."""
        stdv = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -stdv, stdv)

    def extra_repr(self) -> str:
        """Sizes, and every option that is not the default."""
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        for name, value in usual.items():
            if getattr(self, name) != value:
                text += f", {name}={getattr(self, name)}"
        return text

    # -- checks ---------------------------------------------------------------------------------

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless the input has the weights' type and the layer's size."""
        weight = self._flat_weights[0]
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to("
                f"{input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.shape[-1]:
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {input.shape[-1]}"
            )

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """The shape of the state h for a batched input, (layers * directions, B, H)."""
        if batch_sizes is not None:
            batch = int(batch_sizes[0])
        else:
            batch = input.shape[0] if self.batch_first else input.shape[1]
        return (self.num_layers * self._directions, batch, self._state_size)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise unless a state has the shape expected."""
        if tuple(hx.shape) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(tuple(expected_hidden_size), list(hx.shape)))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and state fit this layer."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """The state with its batch in another order."""
        if permutation is None:
            return hx
        if isinstance(hx, tuple):
            return tuple(self.permute_hidden(h, permutation) for h in hx)
        return hx.index_select(1, permutation)

    # -- forward --------------------------------------------------------------------------------

    def forward(self, input: Any, hx: Any = None) -> Any:
        """All states of the last layer, and the last state of every layer and direction.

        Shapes: (T, B, I), (B, T, I) with ``batch_first``, (T, I), or a packed sequence -> the same
        with D * H for I, and (layers * D, B, H), with D directions.
        """
        if isinstance(input, PackedSequence):
            return self._packed(input, hx)
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D instead"
            )
        batched = input.dim() == 3
        batch_dim = 0 if self.batch_first else 1
        if not batched:
            input = input.unsqueeze(batch_dim)
        hx = self._first_states(input, hx, batched)
        self.check_forward_args(input, hx, None)
        steps = input.transpose(0, 1) if self.batch_first else input  # (T, B, I)
        t, b = steps.shape[:2]
        if t == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        rows, hidden = self._layers(steps.reshape(t * b, self.input_size), hx, (b,) * t)
        output = rows.view(t, b, -1) if b else rows.view(t, b, self._state_size * self._directions)
        if self.batch_first:
            output = output.transpose(0, 1)
        if batched:
            return output, hidden
        return output.squeeze(batch_dim), _each(hidden, lambda h: h.squeeze(1))

    def _packed(self, packed: PackedSequence, hx: Any) -> Any:
        data, batch_sizes, in_order, back = packed
        if hx is None:
            hx = self._first_states(data, None, True, batch_sizes)
        else:
            hx = self.permute_hidden(hx, in_order)
        self.check_forward_args(data, hx, batch_sizes)
        output, hidden = self._layers(data, hx, tuple(batch_sizes.tolist()))
        packed = PackedSequence(output, batch_sizes, in_order, back)
        return packed, self.permute_hidden(hidden, back)

    def _first_states(
        self, input: Tensor, hx: Any, batched: bool, batch_sizes: Tensor | None = None
    ) -> Any:
        """The given state as a batch, or zeros."""
        if hx is None:
            shape = self.get_expected_hidden_size(input, batch_sizes)
            return zeros(shape, dtype=input.dtype)
        if batched and hx.dim() != 3:
            raise RuntimeError(
                f"For batched 3-D input, hx should also be 3-D but got {hx.dim()}-D tensor"
            )
        if not batched and hx.dim() != 2:
            raise RuntimeError(
                f"For unbatched 2-D input, hx should also be 2-D but got {hx.dim()}-D tensor"
            )
        return hx if batched else hx.unsqueeze(1)

    def _layers(self, x: Tensor, hx: Any, batch_sizes: tuple[int, ...]) -> tuple[Tensor, Any]:
        """All layers on rows in time order, (N, I) -> (N, D * H), and their last states."""
        first = hx if isinstance(hx, tuple) else (hx,)
        for h in first:
            if h.dtype != x.dtype:
                raise RuntimeError(
                    "Input and hidden tensors are not the same dtype, found input tensor with "
                    f"{x.dtype} and hidden tensor with {h.dtype}"
                )
        last: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            outs = []
            for reverse in range(self._directions):
                k = layer * self._directions + reverse
                out, *states = self._direction(k, x, [h[k] for h in first], batch_sizes)
                outs.append(out)
                last.append(tuple(states))
            x = outs[0] if len(outs) == 1 else ops.cat(outs, 1)
            if layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        hidden = tuple(ops.stack(h) for h in zip(*last, strict=True))
        return x, hidden if isinstance(hx, tuple) else hidden[0]

    def _direction(
        self, k: int, x: Tensor, states: list[Tensor], batch_sizes: tuple[int, ...]
    ) -> Any:
        """One layer in one direction: its states in time, then the last ones."""
        weights = [getattr(self, name) for name in self._all_weights[k]]
        w_ih, w_hh, *more = weights
        bias_ih, bias_hh = more[:2] if self.bias else (None, None)
        reverse = self.bidirectional and k % 2 == 1
        if self.mode == "LSTM":
            w_hr = more[-1] if self.proj_size else None
            return lstm_layer(x, *states, w_ih, w_hh, bias_ih, bias_hh, w_hr, batch_sizes, reverse)
        arrays = (x, *states, w_ih, w_hh, bias_ih, bias_hh)
        if self.mode == "GRU":
            return gru_layer(*arrays, batch_sizes, reverse)
        kind = "tanh" if self.mode == "RNN_TANH" else "relu"
        return rnn_layer(*arrays, kind, batch_sizes, reverse)


def _each(hidden: Any, change: Any) -> Any:
    return tuple(change(h) for h in hidden) if isinstance(hidden, tuple) else change(hidden)


def _check_dropout(dropout: Any, num_layers: int) -> None:
    number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool)
    if not number or not 0 <= dropout <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1], the probability that an element is "
            f"zeroed, not {dropout!r}"
        )
    if dropout > 0 and num_layers == 1:
        warnings.warn(
            "dropout option adds dropout after all but last recurrent layer, so non-zero dropout "
            f"expects num_layers greater than 1, but got dropout={dropout} and "
            f"num_layers={num_layers}",
            stacklevel=4,
        )
