"""What all language models share: the checks on what comes in, and the loss."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from transformer._engine import F, nn, torch
from transformer.layers.cache import Cache

IGNORE = -100  # a target that no loss is computed for


@dataclass(frozen=True)
class ModelConfig:
    """The sizes every model has; each model's own config adds its own.

    Raises ValueError when a size is not a whole number of at least 1, or ``dropout`` is not a
    probability below 1.

    >>> ModelConfig(vocab_size=65, block_size=8)
    ModelConfig(vocab_size=65, block_size=8)
    """

    vocab_size: int
    block_size: int

    def __post_init__(self) -> None:
        self.check_sizes()

    def estimated_parameters(self) -> int:
        """About how many numbers a model of these sizes learns, before it takes any memory.

        >>> ModelConfig(vocab_size=65, block_size=8).estimated_parameters()
        4225
        """
        V, (C, L) = self.vocab_size, (getattr(self, name, 0) for name in ("n_embd", "n_layer"))
        if not C:
            return V * V
        return V * C + 12 * L * C**2 if L else 2 * V * C

    def check_sizes(self, others: Mapping[str, Any] | None = None) -> None:
        """Raises ValueError for a size that cannot be; ``others`` stand in for what is special.

        >>> ModelConfig(vocab_size=65, block_size=8).check_sizes({"block_size": 0})
        Traceback (most recent call last):
        ValueError: ModelConfig: block_size is 0, not a whole number of at least 1
        """
        special = dict(others or {})
        for field in fields(self):
            name = field.name
            value = special.get(name, getattr(self, name))
            if name == "dropout" and not 0 <= value < 1:
                raise ValueError(f"{type(self).__name__}: dropout is {value}, not in [0, 1)")
            is_size = field.type is int or name in special
            if is_size and (type(value) is not int or value < 1):
                raise ValueError(
                    f"{type(self).__name__}: {name} is {value!r}, not a whole number of at least 1"
                )


class LanguageModel(nn.Module):
    """``model(idx, targets) -> (logits, loss)``: scores for the token after each of ``idx``.

    Shapes: idx, targets (B, T) int64 -> logits (B, T, vocab_size), loss () in nats a token, or
    None without targets. T is at most ``block_size``. No loss is computed where a target is
    ``IGNORE``.

    ``model(idx, cache=cache)``, with a ``cache`` of ``new_cache()``, takes ``idx`` for what comes
    after the tokens the cache has seen, and remembers it. ``logits_to_keep=n`` computes the logits
    of the last n positions only.

    >>> from transformer.models import build_model
    >>> model = build_model("gpt", vocab_size=65, n_layer=1)
    >>> logits, loss = model(torch.tensor([[1, 2, 3]]), torch.tensor([[2, 3, IGNORE]]))
    >>> logits.shape, loss.shape
    (torch.Size([1, 3, 65]), torch.Size([]))
    """

    name: ClassVar[str]  # in transformer.models.MODELS
    config: Any
    endless: bool = False  # whether tokens may be added to a cache past block_size
    label_smoothing: float = 0.0  # while training: this share of each target goes to all tokens

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.block_size = config.block_size

    def new_cache(self) -> Cache | None:
        """An empty memory of tokens seen; None when the model has no use for one."""
        return None

    def num_parameters(self) -> int:
        """How many numbers are learned, those that two layers share counted once.

        >>> from transformer.models import build_model
        >>> build_model("bigram", vocab_size=65).num_parameters()
        4225
        """
        return sum(p.numel() for p in self.parameters())

    def check(self, idx: torch.Tensor, targets: torch.Tensor | None, seen: int = 0) -> None:
        """Raises ValueError when the shapes do not fit each other or the model.

        ``seen`` tokens are in the cache already.
        """
        shape = idx.shape
        if len(shape) != 2 or shape[1] == 0:
            raise ValueError(
                f"{self.name}: idx must have shape (B, T) with T from 1 to {self.block_size}, "
                f"got {tuple(shape)}"
            )
        if (0 if self.endless else seen) + shape[1] > self.block_size:
            if seen:
                raise ValueError(
                    f"{self.name}: {shape[1]} tokens after the {seen} in the cache are more than "
                    f"the block_size of {self.block_size}: begin a new cache with the last of them"
                )
            raise ValueError(
                f"{self.name}: idx has {shape[1]} tokens, the model was built for a block_size of "
                f"{self.block_size}: crop it, idx[:, -{self.block_size}:]"
            )
        if targets is not None and targets.shape != shape:
            raise ValueError(
                f"{self.name}: targets {tuple(targets.shape)} must have the shape of idx "
                f"{tuple(shape)}"
            )

    def loss(self, logits: torch.Tensor, targets: torch.Tensor | None) -> torch.Tensor | None:
        """The mean cross-entropy over all targets but ``IGNORE``; None without targets."""
        if targets is None:
            return None
        return cross_entropy(logits, targets, self.label_smoothing if self.training else 0.0)


def cross_entropy(logits: torch.Tensor, targets: torch.Tensor, smoothing: float) -> torch.Tensor:
    """The mean over all targets (B, T) but ``IGNORE``, in nats, of scores (B, T, V).

    >>> round(cross_entropy(torch.zeros(1, 2, 4), torch.tensor([[3, IGNORE]]), 0.0).item(), 4)
    1.3863
    """
    return F.cross_entropy(
        logits.view(-1, logits.shape[-1]),
        targets.reshape(-1),
        ignore_index=IGNORE,
        label_smoothing=smoothing,
    )
