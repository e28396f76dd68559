"""LSTM: a network whose memory is a cell that it writes to, keeps, and reads by gates.

Beside the state h there is a cell c (H numbers each). Of the token's vector x and the old h a step
makes three gates between 0 and 1, and what might be written:

    i  = sigmoid(W_i x + U_i h + b_i)        how much is written
    f  = sigmoid(W_f x + U_f h + b_f)        how much is kept
    o  = sigmoid(W_o x + U_o h + b_o)        how much is shown
    g  = tanh(W_g x + U_g h + b_g)           what is written
    c' = f * c + i * g
    h' = o * tanh(c')

The cell is kept by a product with f, not squashed at each step: where f is near 1, what was
written, and its gradient, lasts for many steps.
"""

from dataclasses import dataclass
from typing import ClassVar

from transformer._engine import F, nn, torch
from transformer.layers.state import State
from transformer.models.recurrent import RecurrentConfig, RecurrentModel


def lstm_step(
    x: torch.Tensor,
    state: State,
    weight_ih: torch.Tensor,
    weight_hh: torch.Tensor,
    bias_ih: torch.Tensor,
    bias_hh: torch.Tensor,
) -> State:
    """One step of one layer: the rows of W and of U are those of i, f, g, o, one below the other.

    The bias is given as a sum of two. Shapes: x (B, I), the state's h and c (B, H), W (4 H, I),
    U (4 H, H), biases (4 H,) -> the new (h, c).

    >>> zero = torch.zeros(1, 1)
    >>> w, b = torch.zeros(4, 1), torch.zeros(4)
    >>> lstm_step(zero, (zero, zero + 8.0), w, w, b, b)[1]  # all gates are half open
    tensor([[4.]])
    """
    h, c = state
    gates = F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh)  # (B, 4H)
    i, f, g, o = gates.chunk(4, dim=1)  # (B, H) each
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@dataclass(frozen=True)
class LSTMConfig(RecurrentConfig):
    """Sizes of an ``LSTM``.

    >>> LSTMConfig(vocab_size=65, n_layer=2).n_hidden
    256
    """

    maps: ClassVar[int] = 4


class LSTM(RecurrentModel):
    """A language model of long short-term memory. Shapes: (B, T) -> (B, T, V).

    Sources: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; the forget gate f is from
    Gers, Schmidhuber and Cummins, "Learning to Forget", 2000. Its bias starts at 1, so that a new
    network remembers (Jozefowicz et al., "An Empirical Exploration of Recurrent Network
    Architectures", 2015).

    >>> model = LSTM(LSTMConfig(vocab_size=65))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "lstm"
    sequence = nn.LSTM
    step = staticmethod(lstm_step)

    def __init__(self, config: LSTMConfig) -> None:
        super().__init__(config)
        H = config.n_hidden
        with torch.no_grad():
            for layer in range(config.n_layer):
                getattr(self.rnn, f"bias_ih_l{layer}")[H : 2 * H] = 1.0
                getattr(self.rnn, f"bias_hh_l{layer}")[H : 2 * H] = 0.0
