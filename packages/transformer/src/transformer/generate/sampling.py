"""From scores to the next token."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from transformer._engine import F, torch
from transformer.generate.checks import check_scores
from transformer.generate.processors import adjust, narrow
from transformer.generate.settings import Sampling

Rows = Sequence[Sequence[int]]


class Sampler:
    """Draws one id a row from scores (B, V) -> (B, 1), as ``Sampling`` describes.

    Greedy settings take the likeliest (of equals, the first). Draws come from ``generator``, from
    a new one seeded with ``seed``, or from the engine's own. Raises ValueError when an argument is
    out of range or both generator and seed are given.

    >>> Sampler(temperature=0)(torch.tensor([[0.1, 0.7, 0.2]])).tolist()
    [[1]]
    """

    def __init__(
        self,
        temperature: float = 1.0,
        top_k: int | None = None,
        generator: "torch.Generator | None" = None,
        seed: int | None = None,
        **others: Any,
    ) -> None:
        self.settings = Sampling(temperature, top_k, **others)
        (self.generator,) = generators_for(1, seed, generator)

    def __call__(self, logits: torch.Tensor, rows: Rows | None = None) -> torch.Tensor:
        """The next id of every row (B, 1), given the ids it holds, all of them an answer's."""
        return pick(logits, self.settings, rows or [()] * logits.shape[0], 0, [self.generator])


def pick(
    logits: torch.Tensor,
    settings: Sampling,
    rows: Rows,
    prompt: int,
    generators: Sequence[Any],
) -> torch.Tensor:
    """The next id of each row: (B, V) -> (B, 1); one generator a row, or one for all.

    >>> pick(torch.tensor([[0.0, 9.0]]), Sampling(temperature=0), [[0]], 1, [None]).tolist()
    [[1]]
    """
    if settings.greedy:
        return _likeliest(adjust(logits, settings, rows, prompt))
    return draw(probabilities(logits, settings, rows, prompt), generators)


def probabilities(
    logits: torch.Tensor, settings: Sampling, rows: Rows, prompt: int
) -> torch.Tensor:
    """The distribution the next id is drawn from: (B, V), rows sum to 1; greedy: a single 1.

    >>> probabilities(torch.tensor([[0.0, 9.0]]), Sampling(top_k=1), [[0]], 1).tolist()
    [[0.0, 1.0]]
    """
    scores = adjust(logits, settings, rows, prompt)
    if settings.greedy:  # of equals, the first: top-k would leave them all
        best = _likeliest(scores)  # (B, 1)
        return torch.zeros_like(scores).scatter(1, best, torch.ones_like(scores[:, :1]))
    return F.softmax(narrow(scores, settings), dim=-1)


def _likeliest(scores: torch.Tensor) -> torch.Tensor:
    """The best id of each row: (B, V) -> (B, 1)."""
    best = torch.argmax(scores, dim=-1, keepdim=True)
    check_scores(scores.gather(1, best))
    return best


def draw(probs: torch.Tensor, generators: Sequence[Any]) -> torch.Tensor:
    """One id a row: (B, V) -> (B, 1), from one generator a row, or one for all rows.

    >>> draw(torch.tensor([[0.0, 1.0]]), [None]).tolist()
    [[1]]
    """
    if len(generators) == 1:
        return torch.multinomial(probs, num_samples=1, generator=generators[0])
    drawn = [
        torch.multinomial(probs[i : i + 1], num_samples=1, generator=generator)
        for i, generator in enumerate(generators)
    ]
    return torch.cat(drawn, dim=0)


def generators_for(n: int, seed: int | None, generator: "torch.Generator | None") -> list[Any]:
    """One generator a sample, so that a sample does not depend on how many others there are.

    The first is ``seed``'s own, the i-th one's seed is mixed from ``seed`` and i. Without a seed,
    ``generator`` (or the engine's own) serves a single sample, and gives several their seeds.
    Raises ValueError when both are given.

    >>> a, b = generators_for(2, 7, None)
    >>> [bool((torch.rand(3, generator=g) == torch.rand(3, generator=h)).all())
    ...  for g, h in [(a, torch.Generator().manual_seed(7)), (a, b)]]
    [True, False]
    """
    if generator is not None and seed is not None:
        raise ValueError("generate: give a generator or a seed, not both")
    if seed is not None:
        seeds = [seed, *(_mixed(seed, i) for i in range(1, n))]
    elif n == 1:
        return [generator]
    else:
        seeds = torch.randint(2**62, (n,), generator=generator).tolist()
    return [torch.Generator().manual_seed(s) for s in seeds]


def _mixed(seed: int, i: int) -> int:
    """A seed that depends in every bit on both numbers, within int64."""
    words = np.random.SeedSequence([seed % 2**64, i]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))
