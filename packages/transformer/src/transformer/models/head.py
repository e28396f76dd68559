"""The smallest model that looks back: one attention head between embedding and scores."""

from dataclasses import dataclass

from transformer._engine import nn, torch
from transformer.layers import Head, PositionEmbedding, TokenEmbedding
from transformer.models.base import LanguageModel, ModelConfig


@dataclass(frozen=True)
class SingleHeadConfig(ModelConfig):
    """Sizes of a ``SingleHead``.

    >>> SingleHeadConfig(vocab_size=65)
    SingleHeadConfig(vocab_size=65, block_size=8, n_embd=32, head_size=32, dropout=0.0)
    """

    block_size: int = 8  # how far back it looks, in tokens
    n_embd: int = 32
    head_size: int = 32
    dropout: float = 0.0


class SingleHead(LanguageModel):
    """Token and position vectors, one attention head, scores. (B, T) -> (B, T, V).

    >>> model = SingleHead(SingleHeadConfig(vocab_size=65))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "head"

    def __init__(self, config: SingleHeadConfig) -> None:
        super().__init__(config)
        self.wte = TokenEmbedding(config.vocab_size, config.n_embd)
        self.wpe = PositionEmbedding(config.block_size, config.n_embd)
        self.head = Head(config.n_embd, config.head_size, config.block_size, config.dropout)
        self.lm_head = nn.Linear(config.head_size, config.vocab_size)

    def forward(
        self, idx: torch.Tensor, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.check(idx, targets)
        x = self.wte(idx) + self.wpe(idx.shape[1])  # (B, T, C) + (T, C)
        x = self.head(x)  # (B, T, D)
        logits = self.lm_head(x)  # (B, T, V)
        return logits, self.loss(logits, targets)
