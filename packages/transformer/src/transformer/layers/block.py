"""One transformer block: positions talk, then each thinks by itself."""

from transformer._engine import nn, torch
from transformer.layers.attention import Attention
from transformer.layers.cache import LayerCache
from transformer.layers.mlp import MLP
from transformer.layers.norm import LayerNorm


class Block(nn.Module):
    """Attention, then the feed-forward net, each added to what came in. (B, T, C) -> (B, T, C).

    The norms stand before each half, so that the sum runs straight through all blocks and
    gradients reach the first as easily as the last. Source: Radford et al., "Language Models are
    Unsupervised Multitask Learners", 2019, section 2.3.

    >>> Block(n_embd=32, n_head=4)(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(
        self,
        n_embd: int,
        n_head: int,
        dropout: float = 0.0,
        bias: bool = True,
        gelu: str = "tanh",
    ) -> None:
        super().__init__()
        self.ln_1 = LayerNorm(n_embd, bias)
        self.attn = Attention(n_embd, n_head, dropout=dropout, bias=bias, packed=True)
        self.ln_2 = LayerNorm(n_embd, bias)
        self.mlp = MLP(n_embd, dropout, bias, gelu)

    def forward(self, x: torch.Tensor, cache: LayerCache | None = None) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x), cache=cache)  # (B, T, C)
        return x + self.mlp(self.ln_2(x))  # (B, T, C)
