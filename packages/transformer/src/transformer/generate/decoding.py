"""The loop itself: scores of the rows, one draw each, append; rows that are done leave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformer._engine import F, torch
from transformer.generate.context import Context
from transformer.generate.sampling import pick
from transformer.generate.settings import Sampling


@dataclass(frozen=True)
class Token:
    """One drawn id: of which row, and if asked for its log-probability and the likeliest ones."""

    row: int
    id: int
    logprob: float | None = None
    top: dict[int, float] | None = None


class Decoder:
    """Draws one token a living row at each ``step``.

    Rows keep the number they began with, also when others have left. ``logprobs`` is how many of
    the likeliest tokens to report, None for no report.

    >>> from transformer import build_model
    >>> context = Context(build_model("bigram", vocab_size=1), [[0], [0]])
    >>> decoder = Decoder(context, Sampling(), [None, None])
    >>> decoder.keep([1])
    >>> decoder.step()
    [Token(row=1, id=0, logprob=None, top=None)]
    """

    def __init__(
        self,
        context: Context,
        settings: Sampling,
        generators: Sequence[Any],
        logprobs: int | None = None,
    ) -> None:
        self.context, self.settings = context, settings
        self.generators = list(generators)
        self.logprobs = logprobs
        self.prompt = len(context)
        self.rows = list(range(len(context.rows)))

    def step(self) -> list[Token]:
        """The next token of each living row."""
        logits = self.context.scores()[:, -1]  # (B, V)
        with torch.no_grad():
            new = pick(logits, self.settings, self.context.rows, self.prompt, self.generators)
        ids = new[:, 0].tolist()
        self.context.append(ids)
        found = report(logits, ids, self.logprobs)
        return [Token(row, i, *f) for row, i, f in zip(self.rows, ids, found, strict=True)]

    def keep(self, rows: Sequence[int]) -> None:
        """Only these rows go on."""
        if list(rows) == self.rows:
            return
        places = [self.rows.index(row) for row in rows]
        self.context.reorder(places)
        self.generators = [self.generators[place] for place in places]
        self.rows = list(rows)


def report(
    logits: torch.Tensor, ids: Sequence[int], top: int | None
) -> list[tuple[float | None, dict[int, float] | None]]:
    """The log-probability of one id a row of (B, V), and those of the ``top`` likeliest by id.

    >>> report(torch.tensor([[0.0, 0.0]]), [1], 0)
    [(-0.6931471824645996, {})]
    """
    if top is None:
        return [(None, None)] * len(ids)
    logs = F.log_softmax(logits.detach().float(), dim=-1)  # (B, V)
    values, best = torch.topk(logs, min(top, logs.shape[-1]), dim=-1)  # (B, top)
    likeliest = [
        dict(zip(i, v, strict=True)) for i, v in zip(best.tolist(), values.tolist(), strict=True)
    ]
    return [(logs[row, i].item(), likeliest[row]) for row, i in enumerate(ids)]
