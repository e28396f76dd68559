"""The neural n-gram model: a fixed window of tokens, read by a small feed-forward net."""

from dataclasses import dataclass

from transformer._engine import nn, torch
from transformer.layers import TokenEmbedding
from transformer.models.base import LanguageModel, ModelConfig


@dataclass(frozen=True)
class NGramConfig(ModelConfig):
    """Sizes of an ``NGram``; ``context`` is n - 1, how many tokens each guess reads.

    Raises ValueError when ``context`` is more than ``block_size``.

    >>> NGramConfig(vocab_size=65, context=3).context
    3
    """

    block_size: int = 32  # tokens taken in at once, a guess at each
    context: int = 8
    n_embd: int = 32
    n_hidden: int = 128
    direct: bool = False  # scores also straight from the embeddings, past the hidden layer

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.context > self.block_size:
            raise ValueError(
                f"NGramConfig: context {self.context} is more than block_size {self.block_size}"
            )


class NGram(LanguageModel):
    """Scores ``b + W x + U tanh(d + H x)``, x the last ``context`` tokens' vectors in a row.

    Shapes: idx (B, T) -> logits (B, T, V), a guess at every position; before the first token
    stands a padding token with a vector of its own. ``W`` is there when ``direct`` is. Source:
    Bengio et al., "A Neural Probabilistic Language Model", 2003, equation 1.

    >>> model = NGram(NGramConfig(vocab_size=65))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "ngram"
    window: torch.Tensor

    def __init__(self, config: NGramConfig) -> None:
        super().__init__(config)
        n, T = config.context, config.block_size
        self.wte = TokenEmbedding(config.vocab_size + 1, config.n_embd)  # the last is padding
        self.H = nn.Linear(n * config.n_embd, config.n_hidden)  # its bias is d
        self.U = nn.Linear(config.n_hidden, config.vocab_size)  # its bias is b
        self.W = (
            nn.Linear(n * config.n_embd, config.vocab_size, bias=False) if config.direct else None
        )
        # After n - 1 paddings go in front, the window of position t is t, t + 1, ..., t + n - 1.
        window = torch.arange(T).unsqueeze(1) + torch.arange(n)  # (T, n)
        self.register_buffer("window", window, persistent=False)

    def forward(
        self, idx: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.check(idx, targets)
        B, T = idx.shape
        n, V = self.config.context, self.config.vocab_size
        padded = torch.cat([torch.full((B, n - 1), V, dtype=torch.int64), idx], dim=1)
        seen = padded[:, self.window[:T]]  # (B, T, n) ids
        x = self.wte(seen).view(B, T, n * self.config.n_embd)  # (B, T, n C)
        logits = self.U(torch.tanh(self.H(x)))  # (B, T, V)
        if self.W is not None:
            logits = logits + self.W(x)
        return logits, self.loss(logits, targets)
