"""The encoder-decoder of "Attention Is All You Need" (Vaswani et al., 2017), figure 1.

The encoder reads a whole sentence, every word seeing every other. The decoder writes another one,
word after word: each sees the words written before it and, by cross-attention, all of the source.
"""

from collections.abc import Callable
from dataclasses import dataclass

from transformer._engine import F, nn, torch
from transformer.layers import Attention, KVCache, LayerCache, LayerNorm, TokenEmbedding
from transformer.layers.positions import SinusoidalPositions
from transformer.models.base import IGNORE, ModelConfig, cross_entropy

BEGIN, END = 0, 1  # ids of the target language: what a sentence is begun from, and ends with


@dataclass(frozen=True)
class EncoderDecoderConfig(ModelConfig):
    """Sizes of an ``EncoderDecoder``; ``vocab_size`` is the target's, with ``BEGIN`` and ``END``.

    Raises ValueError when the heads do not divide the width, the width is odd, or
    ``label_smoothing`` is not in [0, 1).

    >>> EncoderDecoderConfig(vocab_size=37000, source_vocab_size=37000, n_embd=512).pre_norm
    False
    """

    source_vocab_size: int = 0  # must be given: 0 is refused
    block_size: int = 64  # the longest sentence, in tokens, on either side
    n_layer: int = 2  # of the encoder, and as many of the decoder
    n_head: int = 4
    n_embd: int = 128
    n_hidden: int = 512  # width of the feed-forward nets
    dropout: float = 0.1
    label_smoothing: float = 0.1  # in training: this share of each target goes to all words
    pre_norm: bool = False  # norms before each part, as GPT-2 has them, not after, as the paper

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_embd % self.n_head or self.n_embd % 2:
            raise ValueError(
                f"EncoderDecoderConfig: n_embd {self.n_embd} must be even and divisible by n_head "
                f"{self.n_head}"
            )
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(
                f"EncoderDecoderConfig: label_smoothing is {self.label_smoothing}, not in [0, 1)"
            )


class FeedForward(nn.Module):
    """``max(0, x W1 + b1) W2 + b2``, equation 2. Shapes: (B, T, C) -> (B, T, C).

    >>> FeedForward(n_embd=8, n_hidden=32, dropout=0.0)(torch.zeros(2, 5, 8)).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, n_embd: int, n_hidden: int, dropout: float) -> None:
        super().__init__()
        self.w1 = nn.Linear(n_embd, n_hidden)
        self.w2 = nn.Linear(n_hidden, n_embd)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.drop(self.w2(F.relu(self.w1(x))))
        return y


class Residual(nn.Module):
    """A part's output added to its input: ``norm(x + part(x))``, or ``x + part(norm(x))``.

    The second way, with ``pre_norm``, needs no warm-up and trains at any depth (Xiong et al., "On
    Layer Normalization in the Transformer Architecture", 2020). Shapes: (B, T, C) -> (B, T, C).

    >>> Residual(4, pre_norm=True)(torch.ones(1, 1, 4), lambda x: 2 * x)
    tensor([[[1., 1., 1., 1.]]], grad_fn=<AddBackward0>)
    """

    def __init__(self, n_embd: int, pre_norm: bool) -> None:
        super().__init__()
        self.norm, self.pre_norm = LayerNorm(n_embd), pre_norm

    def forward(
        self, x: torch.Tensor, part: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        y: torch.Tensor = x + part(self.norm(x)) if self.pre_norm else self.norm(x + part(x))
        return y


class EncoderBlock(nn.Module):
    """All positions look at all, then each thinks by itself. (B, S, C) -> (B, S, C).

    ``mask`` (B, 1, 1, S) is True where there is a word.

    >>> config = EncoderDecoderConfig(vocab_size=9, source_vocab_size=9, n_embd=8)
    >>> EncoderBlock(config)(torch.zeros(2, 5, 8), torch.ones(2, 1, 1, 5) == 1).shape
    torch.Size([2, 5, 8])
    """

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        C, H, p = config.n_embd, config.n_head, config.dropout
        self.look = Residual(C, config.pre_norm)
        self.attn = Attention(C, H, causal=False, dropout=p)
        self.think = Residual(C, config.pre_norm)
        self.mlp = FeedForward(C, config.n_hidden, p)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.look(x, lambda x: self.attn(x, mask=mask))  # (B, S, C)
        y: torch.Tensor = self.think(x, self.mlp)
        return y


class DecoderBlock(nn.Module):
    """Positions look back at themselves, then at the source, then think. (B, T, C) -> (B, T, C).

    ``source`` (B, S, C) is what the encoder made, ``mask`` (B, 1, 1, S) True where it has a word.

    >>> config = EncoderDecoderConfig(vocab_size=9, source_vocab_size=9, n_embd=8)
    >>> x, source, mask = torch.zeros(2, 3, 8), torch.zeros(2, 5, 8), torch.ones(2, 1, 1, 5) == 1
    >>> DecoderBlock(config)(x, source, mask).shape
    torch.Size([2, 3, 8])
    """

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        C, H, p = config.n_embd, config.n_head, config.dropout
        self.look_back = Residual(C, config.pre_norm)
        self.attn = Attention(C, H, dropout=p)
        self.look_over = Residual(C, config.pre_norm)
        self.cross_attn = Attention(C, H, n_source=C, causal=False, dropout=p)
        self.think = Residual(C, config.pre_norm)
        self.mlp = FeedForward(C, config.n_hidden, p)

    def forward(
        self,
        x: torch.Tensor,
        source: torch.Tensor,
        mask: torch.Tensor,
        cache: LayerCache | None = None,
    ) -> torch.Tensor:
        x = self.look_back(x, lambda x: self.attn(x, cache=cache))  # (B, T, C)
        x = self.look_over(x, lambda x: self.cross_attn(x, source, mask=mask))
        y: torch.Tensor = self.think(x, self.mlp)
        return y


class EncoderDecoder(nn.Module):
    """``model(source, target) -> (logits, loss)``: scores for each word of the translation.

    Shapes: source (B, S), target (B, T) int64 -> logits (B, T, V), loss () in nats a word. Shorter
    sentences are filled up with ``IGNORE``; a target's last word is ``END``. The score of each
    word is given the words before it, beginning with ``BEGIN``. Positions are sinusoidal; the
    scores reuse the target's embedding (section 3.4). Raises ValueError when shapes do not fit or
    a source has no word.

    >>> model = EncoderDecoder(EncoderDecoderConfig(vocab_size=9, source_vocab_size=7))
    >>> source, target = torch.tensor([[3, 4, 5], [6, 2, IGNORE]]), torch.tensor([[2, 1], [3, 1]])
    >>> logits, loss = model(source, target)
    >>> logits.shape, loss.shape
    (torch.Size([2, 2, 9]), torch.Size([]))
    """

    name = "encoder-decoder"

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.block_size = config.block_size
        C, layers = config.n_embd, range(config.n_layer)
        self.source_embedding = TokenEmbedding(config.source_vocab_size, C)
        self.target_embedding = TokenEmbedding(config.vocab_size, C)
        self.positions = SinusoidalPositions(C)
        self.drop = nn.Dropout(config.dropout)
        self.encoder = nn.ModuleList(EncoderBlock(config) for _ in layers)
        self.encoder_norm = LayerNorm(C) if config.pre_norm else nn.Identity()
        self.decoder = nn.ModuleList(DecoderBlock(config) for _ in layers)
        self.decoder_norm = LayerNorm(C) if config.pre_norm else nn.Identity()
        self.lm_head = nn.Linear(C, config.vocab_size, bias=False)
        self.target_embedding.weight = self.lm_head.weight  # one table, read both ways
        self._init_weights()

    def num_parameters(self) -> int:
        """How many numbers are learned, those that two layers share counted once."""
        return sum(p.numel() for p in self.parameters())

    def new_cache(self) -> KVCache:
        """An empty memory of words written, for ``decode``."""
        return KVCache(self.config.n_layer)

    def forward(
        self, source: torch.Tensor, target: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        before = torch.cat([torch.full_like(target[:, :1], BEGIN), target[:, :-1]], dim=1)
        # Words after the end see those before it, but none before sees them: any id will do.
        before = before.masked_fill(before == IGNORE, END)
        encoded, mask = self.encode(source)
        logits = self.decode(before, encoded, mask)  # (B, T, V)
        smoothing = self.config.label_smoothing if self.training else 0.0
        return logits, cross_entropy(logits, target, smoothing)

    def encode(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What the decoder looks at, (B, S, C), and where there are words in it, (B, 1, 1, S).

        >>> sizes = {"vocab_size": 9, "source_vocab_size": 9, "n_layer": 1}
        >>> model = EncoderDecoder(EncoderDecoderConfig(**sizes))
        >>> encoded, mask = model.encode(torch.tensor([[3, 4, IGNORE]]))
        >>> encoded.shape[:2], mask.flatten().tolist()
        (torch.Size([1, 3]), [True, True, False])
        """
        self._check(source, "source")
        words = source != IGNORE  # (B, S)
        if not bool(words.any(dim=1).all()):
            raise ValueError(f"{self.name}: a source sentence has no word, only {IGNORE}")
        mask = words.unsqueeze(1).unsqueeze(1)
        x = self._embedded(source.masked_fill(~words, 0), self.source_embedding)  # (B, S, C)
        for block in self.encoder:
            x = block(x, mask)
        return self.encoder_norm(x), mask

    def decode(
        self,
        idx: torch.Tensor,
        source: torch.Tensor,
        mask: torch.Tensor,
        cache: KVCache | None = None,
    ) -> torch.Tensor:
        """The scores for the word after each of ``idx``, given what ``encode`` returned.

        With a cache, ``idx`` are the words after those it has seen. (B, T) -> (B, T, V).
        """
        seen = cache.begin() if cache else 0
        self._check(idx, "target", seen)
        x = self._embedded(idx, self.target_embedding, seen)  # (B, T, C)
        for number, block in enumerate(self.decoder):
            x = block(x, source, mask, cache.layers[number] if cache else None)
        logits: torch.Tensor = self.lm_head(self.decoder_norm(x))  # (B, T, V)
        return logits

    def _embedded(self, idx: torch.Tensor, table: TokenEmbedding, start: int = 0) -> torch.Tensor:
        """Vectors of words and of their positions, about equally long. (B, T) -> (B, T, C)."""
        x = table(idx) * self.config.n_embd**0.5
        where = self.positions(idx.shape[1], start, like=x)  # (T, C)
        y: torch.Tensor = self.drop(x + where)
        return y

    def _check(self, idx: torch.Tensor, what: str, seen: int = 0) -> None:
        shape = tuple(idx.shape)
        if len(shape) != 2 or not 1 <= shape[1] <= self.block_size - seen:
            raise ValueError(
                f"{self.name}: {what} must have shape (B, T) with T from 1 to the block_size of "
                f"{self.block_size}{f', {seen} of them in the cache' if seen else ''}, got {shape}"
            )

    def _init_weights(self) -> None:
        """Linear maps that keep the variance (Glorot and Bengio 2010), embeddings of length 1."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for table in (self.source_embedding, self.target_embedding):
            nn.init.normal_(table.weight, std=self.config.n_embd**-0.5)
