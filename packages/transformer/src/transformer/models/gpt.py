"""GPT: the transformer decoder of Radford et al., "Language Models are Unsupervised Multitask
Learners", 2019 (GPT-2), with its layout and parameter names."""

from dataclasses import dataclass

from transformer._engine import nn, torch
from transformer.layers import Block, KVCache, LayerNorm, PositionEmbedding, TokenEmbedding
from transformer.models.base import LanguageModel, ModelConfig


@dataclass(frozen=True)
class GPTConfig(ModelConfig):
    """Sizes of a ``GPT``; the defaults make one that learns on a laptop in minutes.

    Raises ValueError when the heads do not divide the width, or ``gelu`` is neither ``"tanh"``
    (GPT-2's approximation) nor ``"none"`` (exact).

    >>> GPTConfig(vocab_size=50257, block_size=1024, n_layer=12, n_head=12, n_embd=768).bias
    True
    """

    block_size: int = 64  # how far back it looks, in tokens
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 128
    dropout: float = 0.0
    bias: bool = True  # in linear maps and norms
    gelu: str = "tanh"
    tie_embeddings: bool = True  # the scores reuse the token embedding

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_embd % self.n_head:
            raise ValueError(
                f"GPTConfig: n_head {self.n_head} does not divide n_embd {self.n_embd}"
            )
        if self.gelu not in ("tanh", "none"):
            raise ValueError(f"GPTConfig: gelu is 'tanh' or 'none', got {self.gelu!r}")


class GPT(LanguageModel):
    """Embeddings, ``n_layer`` blocks of attention and feed-forward net, a last norm, scores.

    Shapes: idx (B, T) -> logits (B, T, V). The scores reuse the token embedding: a token is
    likely when its vector lies along the output.

    >>> model = GPT(GPTConfig(vocab_size=65, block_size=8, n_layer=2, n_head=2, n_embd=16))
    >>> model(torch.tensor([[1, 2, 3]]))[0].shape
    torch.Size([1, 3, 65])
    """

    name = "gpt"

    def __init__(self, config: GPTConfig) -> None:
        super().__init__(config)
        V, C = config.vocab_size, config.n_embd
        self.wte = TokenEmbedding(V, C)
        self.wpe = PositionEmbedding(config.block_size, C)
        self.drop = nn.Dropout(config.dropout)
        self.h = nn.ModuleList(
            Block(C, config.n_head, config.dropout, config.bias, config.gelu)
            for _ in range(config.n_layer)
        )
        self.ln_f = LayerNorm(C, config.bias)
        self.lm_head = nn.Linear(C, V, bias=False)
        if config.tie_embeddings:
            self.wte.weight = self.lm_head.weight  # one table, read both ways
        self._init_weights()

    def new_cache(self) -> KVCache:
        """An empty memory of tokens seen."""
        return KVCache(self.config.n_layer)

    def forward(
        self,
        idx: torch.Tensor,
        targets: torch.Tensor | None = None,
        *,
        cache: KVCache | None = None,
        logits_to_keep: int | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        seen = cache.begin() if cache else 0
        self.check(idx, targets, seen)
        x = self.wte(idx) + self.wpe(idx.shape[1], seen)  # (B, T, C) + (T, C)
        if self.config.dropout:
            x = self.drop(x)
        for number, block in enumerate(self.h):
            x = block(x, cache.layers[number] if cache else None)  # (B, T, C)
        if logits_to_keep is not None:
            x = x[:, -logits_to_keep:]
        logits = self.lm_head(self.ln_f(x))  # (B, T, V)
        return logits, self.loss(logits, targets)

    def _init_weights(self) -> None:
        """Weights from N(0, 0.02), biases 0 (section 2.3 of the paper).

        The maps whose output is added to the residual stream start smaller by the square root of
        their number, 2 n_layer, so that the stream's variance does not grow with depth.
        """
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding, PositionEmbedding)):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
        for name, p in self.named_parameters():
            if name.endswith("c_proj.weight"):
                nn.init.normal_(p, std=0.02 / (2 * self.config.n_layer) ** 0.5)
