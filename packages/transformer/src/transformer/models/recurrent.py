"""What the recurrent language models share: vectors in, a network that reads them, scores out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from transformer._engine import nn, torch
from transformer.layers import TokenEmbedding
from transformer.layers.state import State, StateCache
from transformer.models.base import LanguageModel, ModelConfig


@dataclass(frozen=True)
class RecurrentConfig(ModelConfig):
    """Sizes of a recurrent model. ``block_size`` is how far learning looks back, not writing.

    >>> RecurrentConfig(vocab_size=65).n_hidden
    256
    """

    block_size: int = 64
    n_layer: int = 1
    n_embd: int = 128  # width of a token's vector
    n_hidden: int = 256  # width of the state
    dropout: float = 0.0  # between layers, never along time
    maps: ClassVar[int] = 1  # from what comes in, and as many from the state, a layer

    def estimated_parameters(self) -> int:
        """About how many numbers are learned.

        >>> RecurrentConfig(vocab_size=65, n_embd=8, n_hidden=16).estimated_parameters()
        1944
        """
        V, L, C, H = self.vocab_size, self.n_layer, self.n_embd, self.n_hidden
        return V * (C + H) + self.maps * H * (C + H + 2 * (L - 1) * H)


class RecurrentModel(LanguageModel):
    """Reads the tokens one after another; all it knows of the past is its state.

    Shapes: idx (B, T) -> logits (B, T, V). With a cache, ``idx`` are the new tokens, read from
    the state that the earlier ones have left, however many they were. Dropout falls on what enters
    and leaves a layer (Zaremba et al., "Recurrent Neural Network Regularization", 2014).

    A kind of network is its formula for one ``step`` and the ``sequence`` layer, which does the
    same steps for a whole sequence at once and is two to three times faster.
    """

    sequence: ClassVar[Any]  # nn.RNN, nn.LSTM or nn.GRU
    step: ClassVar[Callable[..., State]]  # (x, state, weights and biases) -> state
    config: RecurrentConfig
    endless = True  # the state is all there is to carry on

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config)
        L, C, H = config.n_layer, config.n_embd, config.n_hidden
        self.wte = TokenEmbedding(config.vocab_size, C)
        self.drop = nn.Dropout(config.dropout)
        between = config.dropout if L > 1 else 0.0
        self.rnn = type(self).sequence(C, H, num_layers=L, batch_first=True, dropout=between)
        self.lm_head = nn.Linear(H, config.vocab_size)

    def new_cache(self) -> StateCache:
        """A cache for generation: one state, however long the text."""
        return StateCache()

    def forward(
        self,
        idx: torch.Tensor,
        targets: torch.Tensor | None = None,
        *,
        cache: StateCache | None = None,
        logits_to_keep: int | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.check(idx, targets)
        T, state, read = idx.shape[1], None, idx
        if cache is not None and cache.length:
            state, read = cache.state(), torch.cat([cache.unread(), idx], dim=1)
        x = self.drop(self.wte(read))  # (B, T, C), T and what is to be read again
        y, state = self._read(x, state)  # (B, T, H)
        if cache is not None:
            cache.append(idx, state)
        y = y[:, -(T if logits_to_keep is None else min(T, logits_to_keep)) :]
        logits = self.lm_head(self.drop(y))  # (B, T, V)
        return logits, self.loss(logits, targets)

    def _read(self, x: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
        """The last layer's states at all positions (B, T, H), and all layers' last states."""
        if x.shape[1] == 1 and state is not None:
            return self._read_one(x[:, 0], state)
        given = state[0] if state is not None and len(state) == 1 else state
        y, last = self.rnn(x, given)
        return y, last if isinstance(last, tuple) else (last,)

    def _read_one(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """The same for one position, by the formula: (B, C) -> (B, 1, H) and the last states."""
        layers = []
        for layer in range(self.config.n_layer):
            weights = [getattr(self.rnn, f"{name}_l{layer}") for name in WEIGHTS]
            new = type(self).step(x, tuple(s[layer] for s in state), *weights)
            layers.append(new)
            x = self.drop(new[0]) if layer + 1 < self.config.n_layer else new[0]  # (B, H)
        return x.unsqueeze(1), tuple(torch.stack(parts) for parts in zip(*layers, strict=True))


WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # of a layer, as nn.RNN names them
