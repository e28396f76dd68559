"""Causal self-attention with several heads, as GPT has it."""

from transformer._engine import F, nn, torch


class CausalSelfAttention(nn.Module):
    """``n_head`` attention heads side by side, their outputs mixed by a last linear map.

    Shapes: (B, T, C) -> (B, T, C), each head C / n_head wide. Dropout falls on the attention
    weights and on the output. Raises ValueError when the heads do not divide C. Source: Vaswani
    et al., "Attention Is All You Need", 2017, section 3.2.2.

    >>> CausalSelfAttention(n_embd=32, n_head=4)(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(self, n_embd: int, n_head: int, dropout: float = 0.0, bias: bool = True) -> None:
        super().__init__()
        if n_embd % n_head:
            raise ValueError(f"attention: n_head {n_head} does not divide n_embd {n_embd}")
        self.n_head = n_head
        self.dropout = dropout
        self.c_attn = nn.Linear(n_embd, 3 * n_embd, bias=bias)  # query, key, value in one product
        self.c_proj = nn.Linear(n_embd, n_embd, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, C = x.shape
        p = self.dropout if self.training else 0.0
        qkv = self.c_attn(x).view(B, T, 3 * self.n_head, C // self.n_head)  # (B, T, 3H, D)
        q, k, v = qkv.transpose(1, 2).split(self.n_head, dim=1)  # (B, H, T, D) each
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=p, is_causal=True)  # (B, H, T, D)
        y = self.c_proj(y.transpose(1, 2).reshape(B, T, C))  # heads side by side: (B, T, C)
        return F.dropout(y, p) if p else y
