"""RNN: the simplest network with a memory, which is its own last state.

At each step the state h (H numbers) is made anew of the token's vector x and the old state:

    h' = tanh(W x + b + U h + c)

and the scores of the next token are a linear map of h'. Everything the network knows of the past
has gone through that tanh once a token, so what lies far back fades, and so does its gradient.
"""

from dataclasses import dataclass

from transformer._engine import F, nn, torch
from transformer.layers.state import State
from transformer.models.recurrent import RecurrentConfig, RecurrentModel


def rnn_step(
    x: torch.Tensor,
    state: State,
    weight_ih: torch.Tensor,
    weight_hh: torch.Tensor,
    bias_ih: torch.Tensor,
    bias_hh: torch.Tensor,
) -> State:
    """One step of one layer: W, U, b, c above are the weights and biases, in this order.

    Shapes: x (B, I), the state's h (B, H), W (H, I), U (H, H), b and c (H,) -> the new (h,).

    >>> one = torch.ones(1, 1)
    >>> rnn_step(0 * one, (one,), one, one, torch.zeros(1), torch.zeros(1))
    (tensor([[0.7616]]),)
    """
    (h,) = state
    return (torch.tanh(F.linear(x, weight_ih, bias_ih) + F.linear(h, weight_hh, bias_hh)),)


@dataclass(frozen=True)
class RNNConfig(RecurrentConfig):
    """Sizes of an ``RNN``.

    >>> RNNConfig(vocab_size=65, n_hidden=100).n_layer
    1
    """


class RNN(RecurrentModel):
    """A language model of steps ``h = tanh(W x + b + U h + c)``. Shapes: (B, T) -> (B, T, V).

    Sources: Elman, "Finding Structure in Time", 1990; Mikolov et al., "Recurrent neural network
    based language model", 2010 (which squashes with a sigmoid where this has tanh).

    >>> model = RNN(RNNConfig(vocab_size=65))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "rnn"
    sequence = nn.RNN
    step = staticmethod(rnn_step)
