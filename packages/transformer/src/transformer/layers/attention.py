"""Attention, in one module whose variants are arguments."""

from dataclasses import dataclass

from transformer._engine import F, nn, torch
from transformer.layers.cache import LayerCache
from transformer.layers.norm import RMSNorm
from transformer.layers.positions import Rotary, alibi_bias, visible


@dataclass(frozen=True)
class Latent:
    """Sizes of multi-head latent attention, whose keys and values unfold from one short vector.

    ``rank`` is that vector's width, ``rope_dim`` how many dimensions of each key (shared by all
    heads) carry the position, ``query_rank`` the same for queries or None for a full map.
    """

    rank: int
    rope_dim: int
    query_rank: int | None = None


class Attention(nn.Module):
    """Each position gathers from others what it asks for, in ``n_head`` ways at once.

    ``softmax(q @ k.T * scale) @ v`` a head, the heads' results side by side through a last linear
    map. Shapes: x (B, T, C) -> (B, T, C); with ``source`` (B, S, n_source) keys and values come
    from there (cross-attention). Source: Vaswani et al., "Attention Is All You Need", 2017,
    section 3.2. The variants:

    - ``n_kv_head``: fewer heads of keys and values, each shared by a group of query heads
      (Ainslie et al., "GQA", 2023); 1 is multi-query attention (Shazeer 2019).
    - ``latent``: keys and values are unfolded from a short vector, the only thing a cache then
      holds (DeepSeek-AI, "DeepSeek-V2", 2024, section 2.1).
    - ``causal``: no position sees a later one. ``window``: none sees further back than this.
    - ``rotary`` turns queries and keys by their position; ``alibi`` lowers scores by distance.
    - ``qk_norm``: the epsilon of RMS norms over each head's queries and keys (Dehghani et al.
      2023). ``softcap``: scores stay within it, by ``c * tanh(score / c)`` (Gemma 2, 2024).
    - ``packed``: one linear map makes queries, keys and values, with GPT-2's names.

    Dropout falls on the attention weights and on the output. Raises ValueError when the sizes do
    not fit each other.

    >>> Attention(n_embd=32, n_head=4, n_kv_head=2, rotary=Rotary(8))(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(
        self,
        n_embd: int,
        n_head: int,
        *,
        n_kv_head: int | None = None,
        head_dim: int | None = None,
        n_source: int | None = None,
        causal: bool = True,
        window: int | None = None,
        rotary: Rotary | None = None,
        alibi: bool = False,
        qk_norm: float | None = None,
        softcap: float | None = None,
        scale: float | None = None,
        dropout: float = 0.0,
        bias: bool = True,
        out_bias: bool | None = None,
        packed: bool = False,
        latent: Latent | None = None,
    ) -> None:
        super().__init__()
        n_kv_head = n_head if n_kv_head is None else n_kv_head
        if head_dim is None and n_embd % n_head:
            raise ValueError(f"attention: n_head {n_head} does not divide n_embd {n_embd}")
        if n_head % n_kv_head:
            raise ValueError(f"attention: n_kv_head {n_kv_head} does not divide n_head {n_head}")
        if window is not None and window < 1:
            raise ValueError(f"attention: window {window} must be at least 1, or None")
        self.n_head, self.n_kv_head = n_head, n_kv_head
        self.head_dim = n_embd // n_head if head_dim is None else head_dim
        self.causal, self.window, self.alibi = causal, window, alibi
        self.rotary, self.softcap, self.dropout = rotary, softcap, dropout
        self.packed, self.latent = packed, latent
        self.cross = n_source is not None
        n_source = n_embd if n_source is None else n_source
        width = self.head_dim + (latent.rope_dim if latent else 0)  # of a query and a key
        self.scale = width**-0.5 if scale is None else scale
        self._check_variant(qk_norm)
        if latent:
            self._make_latent(n_embd, n_source, latent, bias)
        elif packed:
            self.c_attn = nn.Linear(n_embd, (n_head + 2 * n_kv_head) * self.head_dim, bias=bias)
        else:
            self.q_proj = nn.Linear(n_embd, n_head * self.head_dim, bias=bias)
            self.k_proj = nn.Linear(n_source, n_kv_head * self.head_dim, bias=bias)
            self.v_proj = nn.Linear(n_source, n_kv_head * self.head_dim, bias=bias)
        self.q_norm = None if qk_norm is None else RMSNorm(self.head_dim, qk_norm)
        self.k_norm = None if qk_norm is None else RMSNorm(self.head_dim, qk_norm)
        out = nn.Linear(n_head * self.head_dim, n_embd, bias=bias if out_bias is None else out_bias)
        self.add_module("c_proj" if packed else "o_proj", out)

    def forward(
        self,
        x: torch.Tensor,
        source: torch.Tensor | None = None,
        *,
        mask: torch.Tensor | None = None,
        cache: LayerCache | None = None,
    ) -> torch.Tensor:
        """``mask``, bool and broadcastable to (B, H, T, S), is True where a query may look."""
        start = 0 if cache is None else cache.length
        first = 0
        if self.latent:
            q, k, v, first = self._latent_heads(x, start, cache)
        else:
            q, k, v = self._heads(x, x if source is None else source)  # (B, H, T, D) each
            if self.q_norm is not None and self.k_norm is not None:
                q, k = self.q_norm(q), self.k_norm(k)
            if self.rotary is not None:
                q, k = self.rotary(q, start), self.rotary(k, start)
            if cache is not None:
                (k, v), first = cache.append(k, v)
        y = self._attend(q, k, v, start - first, mask)  # (B, H, T, D)
        B, _, T, _ = y.shape
        y = y.transpose(1, 2).reshape(B, T, self.n_head * self.head_dim)  # heads side by side
        y = self.c_proj(y) if self.packed else self.o_proj(y)  # (B, T, C)
        return F.dropout(y, self.dropout) if self.dropout and self.training else y

    def _heads(
        self, x: torch.Tensor, source: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Queries of ``x``, keys and values of ``source``: (B, heads, length, D) each."""
        (B, T, _), S, H, KV, D = (
            x.shape,
            source.shape[1],
            self.n_head,
            self.n_kv_head,
            self.head_dim,
        )
        if self.packed:
            qkv = self.c_attn(x).view(B, T, H + 2 * KV, D).transpose(1, 2)  # (B, H + 2 KV, T, D)
            q, k, v = qkv.split((H, KV, KV), dim=1)
            return q, k, v
        q = self.q_proj(x).view(B, T, H, D).transpose(1, 2)  # (B, H, T, D)
        k = self.k_proj(source).view(B, S, KV, D).transpose(1, 2)  # (B, KV, S, D)
        v = self.v_proj(source).view(B, S, KV, D).transpose(1, 2)
        return q, k, v

    def _attend(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        first: int,
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        """softmax(q k^T scale) v, the first query standing at key ``first``. -> (B, H, T, D)."""
        (B, H, T, _), (KV, S) = q.shape, k.shape[1:3]
        p = self.dropout if self.training else 0.0
        newest = self.causal and T == 1 and first == S - 1  # it may see every key there is
        if newest and mask is None and not (self.alibi or self.softcap or p):
            # No mask to tell query heads apart: those that share keys are rows of one product.
            y = F.scaled_dot_product_attention(
                q.reshape(B, KV, H // KV, -1), k, v, scale=self.scale
            )
            return y.reshape(B, H, 1, -1)
        plain = self.causal and first == 0 and T == S and self.window is None and mask is None
        if plain and not (self.alibi or self.softcap):
            return F.scaled_dot_product_attention(
                q, k, v, dropout_p=p, is_causal=True, scale=self.scale, enable_gqa=H != KV
            )
        bias = self._bias(q, S, first, mask)
        if self.softcap is None:
            return F.scaled_dot_product_attention(
                q, k, v, attn_mask=bias, dropout_p=p, scale=self.scale, enable_gqa=H != KV
            )
        k, v = (t.repeat_interleave(H // KV, dim=1) if H != KV else t for t in (k, v))
        return self._capped(q, k, v, bias, p)

    def _capped(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        bias: torch.Tensor | None,
        p: float,
    ) -> torch.Tensor:
        """Attention with soft-capped scores; a query that may look at nothing gets zeros."""
        assert self.softcap is not None
        scores = q @ k.transpose(-2, -1) * self.scale  # (B, H, T, S)
        scores = self.softcap * torch.tanh(scores / self.softcap)
        if bias is None:
            weights = F.softmax(scores, dim=-1)
        else:  # a row of -inf alone has no softmax, and no slope either
            blind = torch.isneginf(bias).all(dim=-1, keepdim=True)  # (..., T, 1)
            weights = F.softmax(scores + bias.masked_fill(blind, 0.0), dim=-1)
            weights = weights.masked_fill(blind, 0.0)
        return (F.dropout(weights, p) if p else weights) @ v

    def _bias(
        self, q: torch.Tensor, keys: int, first: int, mask: torch.Tensor | None
    ) -> torch.Tensor | None:
        """What is added to the scores, broadcastable to (B, H, T, S): -inf where none may look."""
        queries = q.shape[2]
        seen = mask
        if self.causal or self.window is not None:
            allowed = visible(queries, keys, first, self.causal, self.window).to(q.device)
            seen = allowed if mask is None else allowed & mask
        bias = None
        if self.alibi:
            bias = alibi_bias(self.n_head, queries, keys, first, q.dtype).to(q.device)
        if seen is None:
            return bias
        if bias is None:
            bias = torch.zeros((), dtype=q.dtype, device=q.device)
        return bias.masked_fill(~seen, float("-inf"))

    def _make_latent(self, n_embd: int, n_source: int, latent: Latent, bias: bool) -> None:
        """The maps of latent attention, by DeepSeek-V2's names."""
        H, D, R = self.n_head, self.head_dim, latent.rope_dim
        if latent.query_rank is None:
            self.q_proj = nn.Linear(n_embd, H * (D + R), bias=bias)
        else:
            self.q_a_proj = nn.Linear(n_embd, latent.query_rank, bias=bias)
            self.q_a_layernorm = RMSNorm(latent.query_rank)
            self.q_b_proj = nn.Linear(latent.query_rank, H * (D + R), bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(n_source, latent.rank + R, bias=bias)
        self.kv_a_layernorm = RMSNorm(latent.rank)
        self.kv_b_proj = nn.Linear(latent.rank, H * 2 * D, bias=False)

    def _latent_heads(
        self, x: torch.Tensor, start: int, cache: LayerCache | None
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
        """Queries, keys and values, and the position of the first key.

        Equations 9 to 19 of the paper: the cache holds the latent vectors and the turned keys
        that all heads share, and every head's keys and values are unfolded from them.
        """
        assert self.latent is not None and self.rotary is not None
        (B, T, _), H, D, R = x.shape, self.n_head, self.head_dim, self.latent.rope_dim
        if self.latent.query_rank is None:
            q = self.q_proj(x)
        else:
            q = self.q_b_proj(self.q_a_layernorm(self.q_a_proj(x)))
        q = q.view(B, T, H, D + R).transpose(1, 2)  # (B, H, T, D + R)
        q = torch.cat([q[..., :D], self.rotary(q[..., D:], start)], dim=-1)
        joint = self.kv_a_proj_with_mqa(x).unsqueeze(1)  # (B, 1, T, rank + R)
        c = self.kv_a_layernorm(joint[..., : self.latent.rank])
        turned, first = self.rotary(joint[..., self.latent.rank :], start), 0
        if cache is not None:
            (c, turned), first = cache.append(c, turned)
        S = c.shape[2]
        kv = self.kv_b_proj(c[:, 0]).view(B, S, H, 2 * D).transpose(1, 2)  # (B, H, S, 2 D)
        k = torch.cat([kv[..., :D], turned.expand(B, H, S, R)], dim=-1)  # (B, H, S, D + R)
        return q, k, kv[..., D:], first

    def _check_variant(self, qk_norm: float | None) -> None:
        """Raises ValueError for variants that cannot go together."""
        if self.latent and (self.rotary is None or self.rotary.head_dim != self.latent.rope_dim):
            raise ValueError(
                f"attention: latent attention turns its {self.latent.rope_dim} shared dimensions: "
                f"give rotary=Rotary({self.latent.rope_dim})"
            )
        if self.latent and (self.packed or self.cross or qk_norm or self.n_kv_head != self.n_head):
            raise ValueError(
                "attention: latent attention has maps of its own: leave out packed, n_source, "
                "qk_norm and n_kv_head"
            )
        if self.packed and self.cross:
            raise ValueError("attention: packed maps read one sequence: leave out n_source")
        if self.rotary and not self.latent and self.rotary.head_dim != self.head_dim:
            raise ValueError(
                f"attention: rotary is for heads of {self.rotary.head_dim}, these have "
                f"{self.head_dim}"
            )
        if self.cross and (self.causal or self.rotary or self.alibi or self.window):
            raise ValueError(
                "attention: cross-attention looks at another sequence, where causal, "
                "rotary, alibi and window have no meaning: leave them out (causal=False)"
            )
