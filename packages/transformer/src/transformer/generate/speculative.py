"""Several tokens for one reading: guess cheaply, let the model check all guesses at once.

Reading a few tokens costs a large model hardly more than reading one, since the time goes into
fetching its weights. Sources: Leviathan et al., "Fast Inference from Transformers via Speculative
Decoding", 2023, algorithm 1; Chen et al., "Accelerating Large Language Model Decoding with
Speculative Sampling", 2023.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from transformer._engine import torch
from transformer.generate.context import Context
from transformer.generate.decoding import Token, report
from transformer.generate.sampling import draw, probabilities
from transformer.generate.settings import Sampling

Guess = tuple[list[int], list[torch.Tensor | None]]  # ids; what each was drawn from, (1, V)


class Proposer(Protocol):
    """Guesses what comes next."""

    def propose(self, ids: Sequence[int], count: int) -> Guess:
        """At most ``count`` ids that may come after ``ids``, and the distributions of their draws.

        None in place of a distribution says that nothing was drawn: no other id was possible.
        """
        ...


class DraftModel:
    """A smaller model of the same vocabulary guesses, by the same settings.

    Raises ValueError when the vocabularies differ.

    >>> from transformer import build_model
    >>> draft, model = (build_model("bigram", vocab_size=5) for _ in range(2))
    >>> ids, _ = DraftModel(draft, model, Sampling(), [1, 2], None).propose([1, 2], 3)
    >>> len(ids)
    3
    """

    def __init__(
        self,
        model: Any,
        target: Any,
        settings: Sampling,
        prompt: Sequence[int],
        generator: "torch.Generator | None",
    ) -> None:
        ours, theirs = model.config.vocab_size, target.config.vocab_size
        if ours != theirs:
            raise ValueError(
                f"speculation: the draft model has a vocabulary of {ours}, the model one of "
                f"{theirs}: a draft must use the same tokenizer"
            )
        self.context = Context(model, [prompt])
        self.settings, self.prompt, self.generator = settings, len(prompt), generator

    def propose(self, ids: Sequence[int], count: int) -> Guess:
        """``count`` ids drawn one after another from the draft model."""
        self.context.become(ids)
        drawn: list[int] = []
        sources: list[torch.Tensor | None] = []
        for _ in range(count):
            logits = self.context.scores()[:, -1]  # (1, V)
            q = probabilities(logits, self.settings, self.context.rows, self.prompt)
            drawn.append(int(draw(q, [self.generator]).item()))
            sources.append(q)
            self.context.append([drawn[-1]])
        return drawn, sources


class Lookup:
    """What followed the last few ids where they stood before is guessed to follow again.

    The longest run of at most ``longest`` ids counts, at its latest place. It costs nothing and
    guesses well where text repeats itself: code, summaries, corrections. Source: Saxena, "Prompt
    Lookup Decoding", 2023.

    >>> Lookup().propose([5, 6, 7, 8, 5, 6], 2)
    ([7, 8], [None, None])
    """

    def __init__(self, longest: int = 3) -> None:
        self.longest = longest

    def propose(self, ids: Sequence[int], count: int) -> Guess:
        """What followed the latest earlier place of the last ids; nothing when there is none.

        >>> Lookup().propose([1, 2, 3], 2)
        ([], [])
        """
        for n in range(min(self.longest, len(ids) - 1), 0, -1):
            tail = ids[-n:]
            for at in range(len(ids) - n - 1, -1, -1):
                if ids[at : at + n] == tail:
                    found = list(ids[at + n : at + n + count])
                    return found, [None] * len(found)
        return [], []


class Speculation:
    """Draws tokens of one row, several a ``step``, distributed exactly as one by one.

    A guess x, drawn from q, is kept with probability min(1, p(x) / q(x)), p being the model's
    distribution; the first one refused is replaced by a draw from what p has more than q,
    max(0, p - q). When all are kept, one more token comes for free. Greedy settings make p a
    single 1, and the text the one that greedy decoding writes (several tokens read at once may
    round otherwise than one, so two tokens equal to the last bit may change places).
    """

    def __init__(
        self,
        context: Context,
        settings: Sampling,
        generator: "torch.Generator | None",
        proposer: Proposer,
        guesses: int = 4,
        logprobs: int | None = None,
    ) -> None:
        self.context, self.settings, self.generator = context, settings, generator
        self.proposer, self.guesses, self.logprobs = proposer, guesses, logprobs
        self.prompt = len(context)
        self.proposed = self.accepted = 0
        self.rows = [0]

    @property
    def acceptance_rate(self) -> float | None:
        """The share of guesses that was kept; None when nothing was guessed."""
        return self.accepted / self.proposed if self.proposed else None

    def keep(self, rows: Sequence[int]) -> None:
        """Whether the one row goes on."""
        self.rows = list(rows)

    def step(self) -> list[Token]:
        """The next tokens, at least one."""
        context, start = self.context, len(self.context)
        room = context.room
        count = self.guesses if room is None else min(self.guesses, room)
        with torch.no_grad():
            ids, sources = self.proposer.propose(context.rows[0], count) if count else ([], [])
            context.append(*([i] for i in ids))
            logits = context.scores(keep=len(ids) + 1)[0]  # (guesses + 1, V)
            grown = [context.rows[0][: start + n] for n in range(len(ids) + 1)]
            p = probabilities(logits, self.settings, grown, self.prompt)  # (guesses + 1, V)
            kept, last = self._judge(ids, sources, p)
        self.proposed, self.accepted = self.proposed + len(ids), self.accepted + kept
        context.truncate(start + kept)
        context.append([last])
        new = [*ids[:kept], last]
        found = report(logits[: kept + 1], new, self.logprobs)
        return [Token(0, i, *f) for i, f in zip(new, found, strict=True)]

    def _judge(
        self, ids: list[int], sources: "list[torch.Tensor | None]", p: torch.Tensor
    ) -> tuple[int, int]:
        """How many guesses are kept, and the token after them."""
        for n, (x, q) in enumerate(zip(ids, sources, strict=True)):
            chance = p[n, x].item() / (1.0 if q is None else q[0, x].item())
            if torch.rand(1, generator=self.generator).item() >= chance:
                return n, int(draw(_surplus(p[n : n + 1], x, q), [self.generator]).item())
        return len(ids), int(draw(p[-1:], [self.generator]).item())


def _surplus(p: torch.Tensor, x: int, q: torch.Tensor | None) -> torch.Tensor:
    """max(0, p - q), to be drawn from; q None is a single 1 at x."""
    if q is None:
        rest = p.clone()
        rest[0, x] = 0.0
    else:
        rest = (p - q).clamp(min=0.0)  # (1, V)
    return rest if rest.sum().item() > 0 else p  # p equals q but for rounding
