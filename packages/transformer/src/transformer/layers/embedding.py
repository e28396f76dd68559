"""A learned vector for every token, and one for every position."""

from transformer._engine import F, nn, torch


class TokenEmbedding(nn.Embedding):
    """One learned vector a token id. Shapes: (B, T) int64 -> (B, T, C).

    Raises IndexError naming the ids when one is not in ``range(vocab_size)``.

    >>> TokenEmbedding(65, 32)(torch.tensor([[1, 2, 3]])).shape
    torch.Size([1, 3, 32])
    """

    def forward(self, idx: torch.Tensor) -> torch.Tensor:
        try:
            return F.embedding(idx, self.weight)  # (B, T, C)
        except IndexError:  # asking beforehand would cost two passes over idx, every step
            raise IndexError(
                f"token ids from {int(idx.min())} to {int(idx.max())} do not fit a vocabulary of "
                f"{self.weight.shape[0]} (ids 0 to {self.weight.shape[0] - 1}): was the text "
                f"encoded with this model's tokenizer?"
            ) from None


class PositionEmbedding(nn.Module):
    """One learned vector a position: T of them from ``start``. Shapes: T -> (T, C).

    >>> PositionEmbedding(8, 32)(5).shape
    torch.Size([5, 32])
    """

    def __init__(self, block_size: int, n_embd: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(block_size, n_embd))
        nn.init.normal_(self.weight)

    def forward(self, length: int, start: int = 0) -> torch.Tensor:
        # Positions are 0, 1, 2, ...: a slice says so without looking anything up.
        if length == self.weight.shape[0]:
            return self.weight
        return self.weight[start : start + length]  # (T, C)
