"""From the prompts to the last token: read them once, then step until every answer is done."""

import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformer.generate.context import Context
from transformer.generate.decoding import Decoder
from transformer.generate.request import Request
from transformer.generate.sampling import generators_for
from transformer.generate.speculative import DraftModel, Lookup, Proposer, Speculation
from transformer.generate.writing import Answer
from transformer.models.mode import evaluating


@dataclass
class Report:
    """What writing took: seconds, and the share of guesses kept when there were any."""

    prompt_seconds: float = 0.0
    decode_seconds: float = 0.0
    acceptance_rate: float | None = None


def write(
    context: Context,
    request: Request,
    answers: list[Answer],
    *,
    alone: bool = True,
    report: Report | None = None,
) -> Generator[str, None, None]:
    """Writes the answers, the same number to each row of the context; yields each token's text.

    With ``alone``, prompts draw as if each were the only one; otherwise all are samples of one
    call. The models are in eval mode meanwhile.

    >>> from transformer import build_model
    >>> from transformer.generate.settings import Sampling
    >>> request = Request(Sampling(), max_new_tokens=2)
    >>> answer = Answer([0], request)
    >>> list(write(Context(build_model("bigram", vocab_size=1), [[0]]), request, [answer]))
    ['', '']
    >>> answer.result().ids
    [0, 0]
    """
    report = report or Report()
    if all(answer.done for answer in answers):
        return
    copies = len(answers) // len(context.rows)
    drafts = [] if request.draft is None else [request.draft]
    with evaluating(context.model, *drafts):
        began = time.perf_counter()
        context.scores()  # the prompts, read once
        _save(context, request)
        groups = len(context.rows) if alone else 1
        context.reorder([row for row in range(len(context.rows)) for _ in range(copies)])
        decoder = _decoder(context, request, _generators(groups, len(answers), request))
        report.prompt_seconds = time.perf_counter() - began
        while decoder.rows:
            for token in decoder.step():
                yield answers[token.row].add(token)
            decoder.keep([row for row in decoder.rows if not answers[row].done])
            report.decode_seconds = time.perf_counter() - began - report.prompt_seconds
    if isinstance(decoder, Speculation):
        report.acceptance_rate = decoder.acceptance_rate


def _generators(groups: int, count: int, request: Request) -> list[Any]:
    """One generator an answer; each group draws as the others do."""
    if request.sampling.greedy:
        return [None] * count
    each = count // groups
    return [
        generator
        for _ in range(groups)
        for generator in generators_for(each, request.seed, request.generator)
    ]


def _decoder(context: Context, request: Request, generators: list[Any]) -> Decoder | Speculation:
    """What draws the tokens: one a step, or several by speculation."""
    sampling = request.sampling
    if not request.speculates:
        return Decoder(context, sampling, generators, request.logprobs)
    generator = generators[0]
    proposer: Proposer = Lookup()
    if request.draft is not None:
        proposer = DraftModel(request.draft, context.model, sampling, context.rows[0], generator)
    return Speculation(context, sampling, generator, proposer, request.guesses, request.logprobs)


def _save(context: Context, request: Request) -> None:
    """The prompt's cache, into the file it was asked to be in."""
    if isinstance(request.prompt_cache, (str, Path)) and context.kept is not None:
        context.kept.save(request.prompt_cache)
