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

    def estimated_parameters(self) -> int:
        """About how many numbers are learned.

        >>> NGramConfig(vocab_size=65, context=3, n_embd=8, n_hidden=16).estimated_parameters()
        1944
        """
        read, V = self.context * self.n_embd, self.vocab_size
        return V * (self.n_embd + self.n_hidden) + read * (self.n_hidden + self.direct * V)


class NGram(LanguageModel):
    """Scores ``b + W x + U tanh(d + H x)``, x the last ``context`` tokens' vectors in a row.

    Shapes: idx (B, T) -> logits (B, T, V), a guess at every position; what would come before the
    first token is a learned vector of its own. ``W`` is there when ``direct`` is. Source:
    Bengio et al., "A Neural Probabilistic Language Model", 2003, equation 1.

    >>> model = NGram(NGramConfig(vocab_size=65))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "ngram"

    def __init__(self, config: NGramConfig) -> None:
        super().__init__(config)
        n, C = config.context, config.n_embd
        self.wte = TokenEmbedding(config.vocab_size, C)
        self.padding = nn.Parameter(torch.randn(1, 1, C))  # drawn like the vectors of tokens
        self.H = nn.Linear(n * C, config.n_hidden)  # its bias is d
        self.U = nn.Linear(config.n_hidden, config.vocab_size)  # its bias is b
        self.W = nn.Linear(n * C, config.vocab_size, bias=False) if config.direct else None

    def forward(
        self, idx: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.check(idx, targets)
        B, T = idx.shape
        n, C = self.config.context, self.config.n_embd
        before = self.padding.expand(B, n - 1, C)
        e = torch.cat([before, self.wte(idx)], dim=1)  # (B, n - 1 + T, C)
        x = torch.cat([e[:, k : k + T] for k in range(n)], dim=2)  # (B, T, n C), newest last
        logits = self.U(torch.tanh(self.H(x)))  # (B, T, V)
        if self.W is not None:
            logits = logits + self.W(x)
        return logits, self.loss(logits, targets)
