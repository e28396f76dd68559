"""Bigram models: the next token is guessed from the last one alone."""

from dataclasses import dataclass

from transformer._engine import nn, torch
from transformer.layers import PositionEmbedding, TokenEmbedding
from transformer.models.base import LanguageModel, ModelConfig


@dataclass(frozen=True)
class BigramConfig(ModelConfig):
    """Sizes of a ``Bigram``.

    >>> BigramConfig(vocab_size=65)
    BigramConfig(vocab_size=65, block_size=8)
    """

    block_size: int = 8  # tokens seen at once; each guess uses only the last


class Bigram(LanguageModel):
    """A table: row a holds the scores of every token that may follow token a.

    Shapes: idx (B, T) -> logits (B, T, V). Trained to the end, the softmax of row a is how often
    each token followed a: it is counting, done by gradient descent. Source: Shannon, "A
    Mathematical Theory of Communication", 1948, section 3.

    >>> model = Bigram(BigramConfig(vocab_size=65))
    >>> logits, loss = model(torch.tensor([[1, 2, 3]]))
    >>> logits.shape, loss
    (torch.Size([1, 3, 65]), None)
    """

    name = "bigram"

    def __init__(self, config: BigramConfig) -> None:
        super().__init__(config)
        self.table = TokenEmbedding(config.vocab_size, config.vocab_size)

    def forward(
        self, idx: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.check(idx, targets)
        logits = self.table(idx)  # (B, T, V)
        return logits, self.loss(logits, targets)


@dataclass(frozen=True)
class EmbeddedBigramConfig(ModelConfig):
    """Sizes of an ``EmbeddedBigram``.

    >>> EmbeddedBigramConfig(vocab_size=65)
    EmbeddedBigramConfig(vocab_size=65, block_size=8, n_embd=32)
    """

    block_size: int = 8
    n_embd: int = 32  # width of a token's vector


class EmbeddedBigram(LanguageModel):
    """The table in two thin factors, and a vector for the position: the first step to a GPT.

    Shapes: idx (B, T) -> logits (B, T, V). Still no token sees another; attention is what is
    missing.

    >>> EmbeddedBigram(EmbeddedBigramConfig(vocab_size=65)).num_parameters()
    4481
    """

    name = "bigram-embedded"

    def __init__(self, config: EmbeddedBigramConfig) -> None:
        super().__init__(config)
        self.wte = TokenEmbedding(config.vocab_size, config.n_embd)
        self.wpe = PositionEmbedding(config.block_size, config.n_embd)
        self.lm_head = nn.Linear(config.n_embd, config.vocab_size)

    def forward(
        self, idx: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.check(idx, targets)
        x = self.wte(idx) + self.wpe(idx.shape[1])  # (B, T, C) + (T, C)
        logits = self.lm_head(x)  # (B, T, V)
        return logits, self.loss(logits, targets)
