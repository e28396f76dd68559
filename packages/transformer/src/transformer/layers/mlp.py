"""The feed-forward half of a transformer block."""

from transformer._engine import F, nn, torch


class MLP(nn.Module):
    """Each position by itself: four times wider, a GELU, and back. Shapes: (B, T, C) -> (B, T, C).

    ``gelu`` is ``"tanh"``, the approximation GPT-2 was trained with, or ``"none"``, the exact
    function. Source: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016.

    >>> MLP(n_embd=32)(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(
        self, n_embd: int, dropout: float = 0.0, bias: bool = True, gelu: str = "tanh"
    ) -> None:
        super().__init__()
        self.c_fc = nn.Linear(n_embd, 4 * n_embd, bias=bias)
        self.c_proj = nn.Linear(4 * n_embd, n_embd, bias=bias)
        self.dropout = dropout
        self.gelu = gelu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.gelu(self.c_fc(x), approximate=self.gelu)  # (B, T, 4C)
        y = self.c_proj(h)  # (B, T, C)
        return F.dropout(y, self.dropout) if self.dropout and self.training else y
