"""The gated feed-forward half of a block, as Llama has it."""

from transformer._engine import F, nn, torch


class SwiGLU(nn.Module):
    """``down(silu(gate(x)) * up(x))``, each position by itself. Shapes: (B, T, C) -> (B, T, C).

    Source: Shazeer, "GLU Variants Improve Transformer", 2020, equation 6.

    >>> SwiGLU(n_embd=32, n_hidden=64)(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(self, n_embd: int, n_hidden: int, bias: bool = False) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(n_embd, n_hidden, bias=bias)
        self.up_proj = nn.Linear(n_embd, n_hidden, bias=bias)
        self.down_proj = nn.Linear(n_hidden, n_embd, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.silu(self.gate_proj(x)) * self.up_proj(x)  # (B, T, hidden)
        y: torch.Tensor = self.down_proj(h)  # (B, T, C)
        return y
