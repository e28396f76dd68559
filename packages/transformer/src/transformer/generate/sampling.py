"""From scores to the next token."""

import math

from transformer._engine import F, torch

COLDEST = 1e-30  # a smaller temperature could be 0 in float32, and 0 / 0 is no score


class Sampler:
    """Draws one id a row from scores (B, V) -> (B, 1), by temperature and top-k.

    ``temperature`` 0, or ``top_k`` 1, takes the likeliest (of equals, the first). Draws come from
    ``generator``, from a new one seeded with ``seed``, or from the engine's own. Raises ValueError
    when an argument is out of range or both generator and seed are given.

    >>> Sampler(temperature=0)(torch.tensor([[0.1, 0.7, 0.2]])).tolist()
    [[1]]
    """

    def __init__(
        self,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: "torch.Generator | None" = None,
        seed: int | None = None,
    ) -> None:
        if not 0 <= temperature < math.inf:
            raise ValueError(
                f"generate: temperature {temperature} must be 0 (the likeliest) or more, and finite"
            )
        if top_k is not None and top_k < 1:
            raise ValueError(f"generate: top_k {top_k} must be at least 1, or None for all tokens")
        if generator is not None and seed is not None:
            raise ValueError("generate: give a generator or a seed, not both")
        self.temperature = temperature
        self.top_k = top_k
        self.generator = generator if seed is None else torch.Generator().manual_seed(seed)

    def __call__(self, logits: torch.Tensor) -> torch.Tensor:
        if self.temperature == 0 or self.top_k == 1:
            return torch.argmax(logits, dim=-1, keepdim=True)  # (B, 1)
        if self.top_k is not None and self.top_k < logits.shape[-1]:
            kept, _ = torch.topk(logits, self.top_k, dim=-1)  # (B, k), falling
            logits = logits.masked_fill(logits < kept[:, -1:], float("-inf"))
        # The largest becomes 0 first: a tiny temperature then cannot overflow to inf - inf.
        top = torch.amax(logits, dim=-1, keepdim=True)  # (B, 1)
        probs = F.softmax((logits - top) / max(self.temperature, COLDEST), dim=-1)  # (B, V)
        return torch.multinomial(probs, num_samples=1, generator=self.generator)  # (B, 1)
