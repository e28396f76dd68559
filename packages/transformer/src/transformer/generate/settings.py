"""How the next token is chosen: every number a caller may set, checked once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real

from transformer.generate.checks import check_kinds


@dataclass(frozen=True)
class Sampling:
    """What becomes of the scores before a token is drawn, in the order of the fields below it.

    ``logit_bias`` {id: number} is added to the scores. ``repetition_penalty`` weakens tokens of
    prompt and answer; ``presence_penalty`` and ``frequency_penalty`` those of the answer alone.
    ``temperature`` divides the scores, 0 takes the likeliest. ``top_k``, ``top_p``, ``min_p`` and
    ``typical_p`` leave fewer tokens to draw from; each is described in
    ``transformer.generate.processors``. Raises ValueError when a number is out of range, TypeError
    when it is none.

    >>> Sampling(temperature=0).greedy
    True
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] | None = None

    def __post_init__(self) -> None:
        limits = ("top_k", "top_p", "min_p", "typical_p")
        given = [name for name in limits if getattr(self, name) is not None]
        penalties = ("repetition_penalty", "presence_penalty", "frequency_penalty")
        check_kinds(
            self,
            whole=[name for name in given if name == "top_k"],
            real=["temperature", *penalties, *(name for name in given if name != "top_k")],
        )
        _check_bias(self.logit_bias)
        if not 0 <= self.temperature < math.inf:
            raise ValueError(
                f"generate: temperature {self.temperature} must be 0 (the likeliest) or more, "
                f"and finite"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(
                f"generate: top_k {self.top_k} must be at least 1, or None for all tokens"
            )
        for name in ("top_p", "min_p", "typical_p"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"generate: {name} {share} is a share of 1: from 0 to 1, or None")
        if not 0 < self.repetition_penalty < math.inf:
            raise ValueError(
                f"generate: repetition_penalty {self.repetition_penalty} must be above 0; 1 "
                f"changes nothing, 1.1 repeats less"
            )
        for name in ("presence_penalty", "frequency_penalty"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"generate: {name} {getattr(self, name)} must be finite")

    @property
    def greedy(self) -> bool:
        """Whether the likeliest token is taken and nothing drawn."""
        return self.temperature == 0 or self.top_k == 1


def _check_bias(bias: Mapping[int, float] | None) -> None:
    """Raises TypeError or ValueError unless it maps ids to numbers or -inf."""
    if bias is None:
        return
    if not isinstance(bias, Mapping):
        raise TypeError(f"generate: logit_bias is a dict {{id: number}}, got {bias!r}")
    for i, number in bias.items():
        if not isinstance(i, Integral) or not isinstance(number, Real):
            raise TypeError(f"generate: logit_bias is a dict {{id: number}}, got {i!r}: {number!r}")
        if not number < math.inf:  # NaN, too
            raise ValueError(
                f"generate: logit_bias of {i} is {number}: a number, or -inf to forbid the token"
            )
