"""How attention learns where a token stands: learned, sinusoidal, rotary and linear positions."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from transformer._engine import nn, torch


@contextmanager
def lasting() -> Iterator[None]:
    """What is computed within is kept for later, so neither gradients nor inference mode touch it.

    >>> with lasting():
    ...     torch.is_grad_enabled()
    False
    """
    with torch.inference_mode(False), torch.no_grad():
        yield


class SinusoidalPositions(nn.Module):
    """Fixed vectors of sines and cosines, one a position, for any length. T -> (T, C).

    Dimension 2i is ``sin(t / base**(2i / C))``, dimension 2i + 1 the cosine of the same angle.
    Raises ValueError when ``n_embd`` is odd. Source: Vaswani et al., "Attention Is All You Need",
    2017, section 3.5.

    >>> SinusoidalPositions(4)(2)
    tensor([[0.0000, 1.0000, 0.0000, 1.0000],
            [0.8415, 0.5403, 0.0100, 0.9999]])
    """

    def __init__(self, n_embd: int, base: float = 10000.0) -> None:
        super().__init__()
        if n_embd % 2:
            raise ValueError(f"SinusoidalPositions: n_embd {n_embd} must be even")
        self.n_embd, self.base = n_embd, base

    def forward(
        self, length: int, start: int = 0, like: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Vectors of ``length`` positions from ``start``, in the type and place of ``like``."""
        # Angles are large far back: rounded to single precision, their sines would be off there.
        t = torch.arange(start, start + length, dtype=torch.float64)  # (T,)
        rate = self.base ** (-torch.arange(0, self.n_embd, 2, dtype=torch.float64) / self.n_embd)
        angle = t.unsqueeze(1) * rate  # (T, C / 2)
        pairs = torch.stack([angle.sin(), angle.cos()], dim=2).reshape(length, self.n_embd)
        return pairs.float() if like is None else pairs.to(like.device, like.dtype)


class Rotary(nn.Module):
    """Turns queries and keys by an angle that grows with their position.

    The dot product of a turned query and a turned key then depends on their distance alone.
    Dimension i is turned together with dimension i + D / 2. Shapes: (B, H, T, D) -> the same.
    ``scaling`` stretches the angles for longer contexts, in the words of a Hugging Face
    ``config.json``: ``{"rope_type": "llama3" | "linear", "factor": ...}``. Raises ValueError for
    an odd ``head_dim`` or a scaling it does not know. Source: Su et al., "RoFormer", 2021,
    section 3.2.2.

    >>> Rotary(head_dim=4)(torch.ones(1, 1, 2, 4))[0, 0]
    tensor([[ 1.0000,  1.0000,  1.0000,  1.0000],
            [-0.3012,  0.9900,  1.3818,  1.0099]])
    """

    def __init__(
        self, head_dim: int, theta: float = 10000.0, scaling: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        if head_dim % 2:
            raise ValueError(f"Rotary: head_dim {head_dim} must be even")
        self.head_dim = head_dim
        steps = torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim
        self.rates = _scaled(1.0 / theta**steps, dict(scaling or {}))  # (D / 2,), radians a token
        self._known: dict[Any, tuple[torch.Tensor, torch.Tensor]] = {}

    def forward(self, x: torch.Tensor, start: int = 0) -> torch.Tensor:
        T, half = x.shape[-2], self.head_dim // 2
        cos, sin = self.table(start + T, x)
        swapped = torch.cat([x[..., half:], x[..., :half]], dim=-1)
        return x * cos[start : start + T] + swapped * sin[start : start + T]

    def table(self, length: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Cosines and signed sines of the first positions, at least ``length``: (N, D) each.

        The sines of the first half of the dimensions are negative, as the rotation has them.
        """
        key = (like.dtype, like.device)
        known = self._known.get(key)
        if known is None or known[0].shape[0] < length:
            known = self._known[key] = self._computed(max(64, 2 * length), like)
        return known

    def _computed(self, length: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        with lasting():
            t = torch.arange(length, dtype=torch.float64)  # t * rate is large far back
            angle = t.unsqueeze(1) * self.rates  # (N, D / 2)
            cos, sin = angle.cos(), angle.sin()
            cos, sin = torch.cat([cos, cos], dim=1), torch.cat([-sin, sin], dim=1)
            return cos.to(like.device, like.dtype), sin.to(like.device, like.dtype)


def _scaled(rates: torch.Tensor, scaling: dict[str, Any]) -> torch.Tensor:
    """The rates as a model's ``rope_scaling`` changes them."""
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if kind == "default":
        return rates
    if kind == "linear":  # Chen et al., "Extending Context Window ...", 2023, equation 4
        return rates / float(scaling["factor"])
    if kind == "llama3":
        return _llama3(rates, scaling)
    raise ValueError(
        f"Rotary: scaling of the kind {kind!r} is not known; known are default, linear and llama3"
    )


def _llama3(rates: torch.Tensor, scaling: dict[str, Any]) -> torch.Tensor:
    """Slow turns are stretched by ``factor``, fast ones kept, those between blended.

    Source: Grattafiori et al., "The Llama 3 Herd of Models", 2024, section 3.4 and its code.
    """
    factor, low, high = (
        float(scaling[name]) for name in ("factor", "low_freq_factor", "high_freq_factor")
    )
    turns = scaling["original_max_position_embeddings"] * rates / (2 * math.pi)  # in the old window
    blend = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 - blend) * rates / factor + blend * rates


def alibi_slopes(n_head: int) -> list[float]:
    """How steeply each head's scores fall with distance: a geometric row from 2**(-8 / n_head).

    Source: Press, Smith and Lewis, "Train Short, Test Long", 2022, section 3. For a number of
    heads that is no power of 2, every second slope of the next power fills up, as in their code.

    >>> alibi_slopes(4)
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    whole = 2 ** int(math.log2(n_head))
    slopes = [2 ** (-8 * (h + 1) / whole) for h in range(whole)]
    between = [2 ** (-4 * (h + 1) / whole) for h in range(0, 2 * (n_head - whole), 2)]
    return slopes + between


@lru_cache(maxsize=2)  # for all layers of a call; more would keep what is large at long contexts
def visible(queries: int, keys: int, first: int, causal: bool, window: int | None) -> torch.Tensor:
    """Which key each query may look at: (T, S) bool, True where it may.

    Query t stands at position ``first + t`` counted from the first key. Causal: no key after the
    query; ``window``: of those before, the query's own position and the ``window - 1`` before it
    (Beltagy et al., "Longformer", 2020), and as many after it where it is not causal.

    >>> visible(2, 4, first=2, causal=True, window=2).tolist()
    [[False, True, True, False], [False, False, True, True]]
    """
    with lasting():
        ahead = torch.arange(keys) - torch.arange(first, first + queries).unsqueeze(1)  # (T, S)
        seen = ahead <= 0 if causal else ahead < (keys if window is None else window)
        return seen if window is None else seen & (ahead > -window)


@lru_cache(maxsize=2)
def alibi_bias(n_head: int, queries: int, keys: int, first: int, dtype: Any) -> torch.Tensor:
    """What is added to the scores: minus slope times distance. (H, T, S).

    >>> alibi_bias(2, 1, 3, first=2, dtype=torch.float32)[0].tolist()
    [[-0.125, -0.0625, -0.0]]
    """
    with lasting():
        ahead = torch.arange(keys) - torch.arange(first, first + queries).unsqueeze(1)  # (T, S)
        slopes = torch.tensor(alibi_slopes(n_head), dtype=dtype).view(n_head, 1, 1)
        return -slopes * ahead.abs().to(dtype)
