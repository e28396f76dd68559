"""GRU: gates as in an LSTM, with the state itself for a memory.

Of the token's vector x and the old state h (H numbers) a step makes two gates between 0 and 1, a
proposal n, and the new state, which lies between the proposal and the old one:

    r  = sigmoid(W_r x + b_r + U_r h + c_r)          how much of the past the proposal sees
    z  = sigmoid(W_z x + b_z + U_z h + c_z)          how much stays as it was
    n  = tanh(W_n x + b_n + r * (U_n h + c_n))
    h' = (1 - z) * n + z * h

The paper has ``U_n (r * h)`` in the third line. With the gate after the product, as here and in
PyTorch and cuDNN, all products with h are one; both learn equally well.
"""

from dataclasses import dataclass
from typing import ClassVar

from transformer._engine import F, nn, torch
from transformer.layers.state import State
from transformer.models.recurrent import RecurrentConfig, RecurrentModel


def gru_step(
    x: torch.Tensor,
    state: State,
    weight_ih: torch.Tensor,
    weight_hh: torch.Tensor,
    bias_ih: torch.Tensor,
    bias_hh: torch.Tensor,
) -> State:
    """One step of one layer: the rows of W, U, b and c are those of r, z, n, one below the other.

    Shapes: x (B, I), the state's h (B, H), W (3 H, I), U (3 H, H), b and c (3 H,) -> the new (h,).

    >>> zero = torch.zeros(1, 1)
    >>> w, b = torch.zeros(3, 1), torch.zeros(3)
    >>> gru_step(zero, (zero + 8.0,), w, w, b, b)  # half way from 8 to a proposal of 0
    (tensor([[4.]]),)
    """
    (h,) = state
    from_x = F.linear(x, weight_ih, bias_ih).chunk(3, dim=1)  # (B, H) each
    from_h = F.linear(h, weight_hh, bias_hh).chunk(3, dim=1)
    r = torch.sigmoid(from_x[0] + from_h[0])
    z = torch.sigmoid(from_x[1] + from_h[1])
    n = torch.tanh(from_x[2] + r * from_h[2])
    return ((1 - z) * n + z * h,)


@dataclass(frozen=True)
class GRUConfig(RecurrentConfig):
    """Sizes of a ``GRU``.

    >>> GRUConfig(vocab_size=65, n_embd=32).dropout
    0.0
    """

    maps: ClassVar[int] = 3


class GRU(RecurrentModel):
    """A language model of gated recurrent units. Shapes: (B, T) -> (B, T, V).

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
    Machine Translation", 2014, section 2.3.

    >>> model = GRU(GRUConfig(vocab_size=65))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "gru"
    sequence = nn.GRU
    step = staticmethod(gru_step)
