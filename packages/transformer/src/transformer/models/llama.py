"""The Llama family: Llama 2 and 3, SmolLM2, Mistral, Qwen, each a setting of one model.

Source: Touvron et al., "LLaMA: Open and Efficient Foundation Language Models", 2023, section 2.2,
and the papers of the models named. Parameters have the names of Hugging Face's files, without the
leading ``model.``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transformer._engine import nn, torch
from transformer.layers import (
    Attention,
    KVCache,
    LayerCache,
    MoE,
    RMSNorm,
    Rotary,
    SwiGLU,
    TokenEmbedding,
)
from transformer.models.base import IGNORE, LanguageModel, ModelConfig


@dataclass(frozen=True)
class LlamaConfig(ModelConfig):
    """Sizes of a ``Llama``; the defaults make one that learns on a laptop in minutes.

    Raises ValueError when the sizes do not fit each other.

    >>> LlamaConfig(vocab_size=65, n_head=4, n_kv_head=2).hidden
    352
    """

    block_size: int = 64  # how far back it looks, in tokens
    n_layer: int = 4
    n_head: int = 4
    n_kv_head: int | None = None  # heads of keys and values; None is n_head
    n_embd: int = 128
    n_hidden: int | None = None  # width of the feed-forward net; None is 8/3 n_embd, rounded up
    head_dim: int | None = None  # None is n_embd / n_head
    rope_theta: float = 10000.0
    rope_scaling: Mapping[str, Any] | None = None  # as in a config.json, see layers.Rotary
    norm_eps: float = 1e-5
    tie_embeddings: bool = True  # the scores reuse the token embedding
    attention_bias: bool = False  # in the maps to queries, keys and values (Qwen2)
    output_bias: bool = False  # in the map after the heads
    mlp_bias: bool = False
    qk_norm: bool = False  # an RMS norm over each head's queries and keys (Qwen3)
    window: int | None = None  # how far back each layer looks (Mistral)
    n_expert: int = 0  # feed-forward nets a layer, of which each token uses n_expert_active
    n_expert_active: int = 2
    aux_loss_coef: float = 0.01  # weight of the loss that spreads tokens over the experts
    dropout: float = 0.0

    def __post_init__(self) -> None:
        sizes = {"n_expert": max(self.n_expert, 1)}  # the only size that may be 0
        for name in ("n_kv_head", "n_hidden", "head_dim", "window"):
            sizes[name] = 1 if getattr(self, name) is None else getattr(self, name)
        self.check_sizes(sizes)
        if self.head_dim is None and self.n_embd % self.n_head:
            raise ValueError(
                f"LlamaConfig: n_head {self.n_head} does not divide n_embd {self.n_embd}"
            )
        if self.n_head % self.kv_heads:
            raise ValueError(
                f"LlamaConfig: n_kv_head {self.kv_heads} does not divide n_head {self.n_head}"
            )
        if self.n_expert and self.n_expert_active > self.n_expert:
            raise ValueError(
                f"LlamaConfig: n_expert_active {self.n_expert_active} is more than n_expert "
                f"{self.n_expert}"
            )

    def estimated_parameters(self) -> int:
        """About how many numbers are learned, those of every expert counted.

        >>> sizes = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_hidden": 32}
        >>> LlamaConfig(vocab_size=65, **sizes).estimated_parameters()
        6160
        """
        C, D = self.n_embd, self.width_of_head
        attention = 2 * C * D * (self.n_head + self.kv_heads)
        mlp = 3 * C * self.hidden * max(self.n_expert, 1)
        tables = C * self.vocab_size * (1 if self.tie_embeddings else 2)
        return tables + self.n_layer * (attention + mlp)

    @property
    def kv_heads(self) -> int:
        """Heads of keys and values."""
        return self.n_head if self.n_kv_head is None else self.n_kv_head

    @property
    def hidden(self) -> int:
        """Width of the feed-forward net: 8/3 n_embd, to the next multiple of 32, if not given."""
        return -(-8 * self.n_embd // (3 * 32)) * 32 if self.n_hidden is None else self.n_hidden

    @property
    def width_of_head(self) -> int:
        """Width of a head's queries, keys and values."""
        return self.n_embd // self.n_head if self.head_dim is None else self.head_dim


class LlamaBlock(nn.Module):
    """Attention, then a gated feed-forward net, each added to what came in.

    Shapes: (B, T, C) -> (B, T, C).

    >>> config = LlamaConfig(vocab_size=65, n_embd=32)
    >>> LlamaBlock(config, Rotary(8))(torch.zeros(2, 5, 32)).shape
    torch.Size([2, 5, 32])
    """

    def __init__(self, config: LlamaConfig, rotary: Rotary) -> None:
        super().__init__()
        C = config.n_embd
        self.input_layernorm = RMSNorm(C, config.norm_eps)
        self.self_attn = Attention(
            C,
            config.n_head,
            n_kv_head=config.kv_heads,
            head_dim=config.width_of_head,
            window=config.window,
            rotary=rotary,
            qk_norm=config.norm_eps if config.qk_norm else None,
            dropout=config.dropout,
            bias=config.attention_bias,
            out_bias=config.output_bias,
        )
        self.post_attention_layernorm = RMSNorm(C, config.norm_eps)
        self.mlp: SwiGLU | MoE
        if config.n_expert:
            self.mlp = MoE(C, config.hidden, config.n_expert, config.n_expert_active)
        else:
            self.mlp = SwiGLU(C, config.hidden, config.mlp_bias)

    def forward(self, x: torch.Tensor, cache: LayerCache | None = None) -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cache=cache)  # (B, T, C)
        return x + self.mlp(self.post_attention_layernorm(x))  # (B, T, C)


class Llama(LanguageModel):
    """Token embedding, ``n_layer`` blocks with rotary positions, a last norm, scores.

    Shapes: idx (B, T) -> logits (B, T, V).

    >>> model = Llama(LlamaConfig(vocab_size=65, block_size=8, n_layer=2, n_head=2, n_embd=16))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "llama"

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__(config)
        self.endless = config.window is not None  # no layer looks back to where it began
        V, C = config.vocab_size, config.n_embd
        self.embed_tokens = TokenEmbedding(V, C)
        rotary = Rotary(config.width_of_head, config.rope_theta, config.rope_scaling)
        self.layers = nn.ModuleList(LlamaBlock(config, rotary) for _ in range(config.n_layer))
        self.norm = RMSNorm(C, config.norm_eps)
        self.lm_head = nn.Linear(C, V, bias=False)
        if config.tie_embeddings:
            self.embed_tokens.weight = self.lm_head.weight  # one table, read both ways
        self._init_weights()

    def new_cache(self) -> KVCache:
        """An empty memory of tokens seen."""
        return KVCache(self.config.n_layer, self.config.window)

    def forward(
        self,
        idx: torch.Tensor,
        targets: torch.Tensor | None = None,
        *,
        cache: KVCache | None = None,
        logits_to_keep: int | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        self.check(idx, targets, cache.begin() if cache else 0)
        x = self.embed_tokens(idx)  # (B, T, C)
        for number, layer in enumerate(self.layers):
            x = layer(x, cache.layers[number] if cache else None)  # (B, T, C)
        if logits_to_keep is not None:
            x = x[:, -logits_to_keep:]
        logits = self.lm_head(self.norm(x))  # (B, T, V)
        loss = self.loss(logits, targets)
        if targets is not None and self.training and self.config.n_expert:
            uneven = torch.stack([layer.mlp.aux_loss for layer in self.layers]).mean(dim=0)  # (B,)
            counted = (targets != IGNORE).sum(dim=1).to(uneven.dtype)
            share = counted / counted.sum()  # each sequence weighs what it does in the loss itself
            loss = loss + self.config.aux_loss_coef * (share * uneven).sum()
        return logits, loss

    def _init_weights(self) -> None:
        """Weights from N(0, 0.02); what is added to the residual stream smaller, as in ``GPT``."""
        smaller = 0.02 / (2 * self.config.n_layer) ** 0.5
        for name, p in self.named_parameters():
            if p.dim() >= 2:
                added = name.endswith(("o_proj.weight", "down_proj.weight", "w2.weight"))
                nn.init.normal_(p, std=smaller if added else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)
