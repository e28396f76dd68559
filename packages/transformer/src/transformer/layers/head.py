"""Attention in its plainest form: one head, the formula written out."""

from transformer._engine import F, nn, torch


class Head(nn.Module):
    """Every position gathers from itself and the positions before it what it asks for.

    ``softmax(q @ k.T / sqrt(D)) @ v`` with the future masked out. Shapes: (B, T, C) -> (B, T, D),
    T at most ``block_size``, D = ``head_size``. Source: Vaswani et al., "Attention Is All You
    Need", 2017, equation 1.

    >>> Head(n_embd=32, head_size=16, block_size=8)(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 16])
    """

    future: torch.Tensor

    def __init__(self, n_embd: int, head_size: int, block_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.key = nn.Linear(n_embd, head_size, bias=False)
        self.query = nn.Linear(n_embd, head_size, bias=False)
        self.value = nn.Linear(n_embd, head_size, bias=False)
        self.dropout = nn.Dropout(dropout)
        future = torch.triu(torch.ones(block_size, block_size), diagonal=1) == 1  # True above
        self.register_buffer("future", future, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        T = x.shape[1]
        k, q, v = self.key(x), self.query(x), self.value(x)  # (B, T, D) each
        scores = q @ k.transpose(-2, -1) * k.shape[-1] ** -0.5  # (B, T, T)
        # Scaled, since the sum of D products of unit variance has variance D and would make
        # the softmax pick a single position from the start.
        scores = scores.masked_fill(self.future[:T, :T], float("-inf"))
        weights = self.dropout(F.softmax(scores, dim=-1))  # (B, T, T), rows sum to 1
        return weights @ v  # (B, T, D)
