"""Beam search: the likeliest texts, as far as a few at a time can find them.

Scores, length penalty and the three ways of stopping are those of Hugging Face's transformers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from transformer._engine import F, torch
from transformer.generate.context import Context
from transformer.generate.processors import adjust
from transformer.generate.settings import Sampling


@dataclass(frozen=True)
class Beams:
    """How beam search is done.

    The score of a finished text is the sum of its log-probabilities over its new tokens (the stop
    token included) to the power of ``length_penalty``: above 0 longer texts gain. It ends with
    ``num`` finished texts (``early_stopping`` True), when the best open text could at its present
    length not beat the worst of them (False), or at no length it may reach (``"never"``).
    Raises ValueError when a value cannot be.

    >>> Beams(4).early_stopping
    False
    """

    num: int
    length_penalty: float = 1.0
    early_stopping: bool | str = False

    def __post_init__(self) -> None:
        if self.num < 1:
            raise ValueError(f"generate: num_beams {self.num} must be at least 1")
        if self.early_stopping not in (True, False, "never"):
            raise ValueError(
                f"generate: early_stopping is True, False or 'never', not {self.early_stopping!r}"
            )


@dataclass(frozen=True, order=True)
class Hypothesis:
    """A finished text: its score, its new ids, and whether it ended by itself."""

    score: float
    ids: list[int] = field(compare=False)
    ended: bool = field(compare=False)


@dataclass
class _Search:
    """The open texts' sums of log-probabilities and the best finished ones."""

    beams: Beams
    limit: int
    sums: list[float] = field(default_factory=lambda: [0.0])
    finished: list[Hypothesis] = field(default_factory=list)

    def scored(self, total: float, length: int) -> float:
        return total / length**self.beams.length_penalty

    def add(self, hypothesis: Hypothesis) -> None:
        kept = sorted([*self.finished, hypothesis], reverse=True)  # stable: of equals the earlier
        self.finished = kept[: self.beams.num]

    def is_over(self, length: int) -> bool:
        """Whether nothing open after ``length`` new tokens is going to matter."""
        if length >= self.limit or not self.sums:
            return True
        if len(self.finished) < self.beams.num:
            return False
        if self.beams.early_stopping is True:
            return True
        never = self.beams.early_stopping == "never" and self.beams.length_penalty > 0
        best = self.scored(self.sums[0], self.limit if never else length)
        return best <= self.finished[-1].score


def beam_search(
    context: Context,
    settings: Sampling,
    beams: Beams,
    limit: int,
    ends: Callable[[Sequence[int]], bool],
    stop_tokens: int = 1,
) -> list[Hypothesis]:
    """At most ``beams.num`` continuations of the context's one row, the best first.

    ``ends`` tells whether new ids are finished; ``stop_tokens`` is how many ids can do that by
    themselves. Penalties and bias are applied to log-probabilities.

    >>> from transformer import build_model
    >>> context = Context(build_model("bigram", vocab_size=1), [[0]])
    >>> beam_search(context, Sampling(), Beams(1), 2, lambda ids: False)
    [Hypothesis(score=0.0, ids=[0, 0], ended=False)]
    """
    search = _Search(beams, limit)
    prompt = len(context)
    for length in range(1, limit + 1):
        best, place, V = _candidates(context, settings, search, prompt, stop_tokens)
        survivors: list[tuple[float, int, int]] = []  # sum, row, id
        for rank, (total, at) in enumerate(zip(best, place, strict=True)):
            row, i = divmod(at, V)
            ids = [*context.rows[row][prompt:], i]
            ended = ends(ids)
            if (ended or length == limit) and rank < beams.num:
                search.add(Hypothesis(search.scored(total, length), ids, ended))
            if not ended and len(survivors) < beams.num:
                survivors.append((total, row, i))
        search.sums = [total for total, _, _ in survivors]
        if search.is_over(length):
            break
        context.reorder([row for _, row, _ in survivors])
        context.append([i for _, _, i in survivors])
    return search.finished


def _candidates(
    context: Context, settings: Sampling, search: _Search, prompt: int, stop_tokens: int
) -> tuple[list[float], list[int], int]:
    """The best continuations by one token: sums, places in (rows, V) flattened, and V.

    More than there are beams, so that enough go on when some of them end.
    """
    logits = context.scores()[:, -1]  # (rows, V)
    logs = F.log_softmax(logits.float(), dim=-1)
    logs = adjust(logs, settings, context.rows, prompt)
    totals = logs + torch.tensor(search.sums, dtype=torch.float32).unsqueeze(1)  # (rows, V)
    count = max(2, 1 + stop_tokens) * search.beams.num
    best, place = torch.topk(totals.reshape(-1), min(count, totals.numel()))
    possible = int((best > float("-inf")).sum())  # a bias may forbid tokens
    return best[:possible].tolist(), place[:possible].tolist(), totals.shape[1]
