"""The answers to one call of ``generate`` or ``stream``, in the kind they were asked in."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from transformer._engine import torch
from transformer.generate.beam import Beams, beam_search
from transformer.generate.checks import check_model
from transformer.generate.context import Context
from transformer.generate.decoding import Token
from transformer.generate.loop import Report, write
from transformer.generate.prompt_cache import PromptCache
from transformer.generate.prompts import Prompts, by_length, read_prompts
from transformer.generate.request import Request, read_request
from transformer.generate.result import Generation
from transformer.generate.sampling import generators_for
from transformer.generate.writing import Answer
from transformer.models.mode import evaluating


def answer(model: Any, given: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The prompt and what comes after it; see ``transformer.generate``.

    >>> from transformer import build_model
    >>> answer(build_model("bigram", vocab_size=1), [[0], 2], {})
    [0, 0, 0]
    """
    check_model(model)
    prompt, request = read_request(given, options, "generate")
    prompts = read_prompts(prompt, request.tokenizer)
    _check_watching(prompts, request)
    kept = _open_cache(model, request, prompts)
    if prompts.kind == "tensor" and len(prompts.rows) > 1:
        request = replace(request, stop_tokens=())  # rows of a tensor have one length
    results: list[list[Generation]] = [[]] * len(prompts.rows)
    for group in by_length(prompts.rows):
        rows = [prompts.rows[i] for i in group]
        for i, found in zip(group, _group(model, rows, prompts.kind, request, kept), strict=True):
            results[i] = found
    return _in_kind(prompts, request, results, prompt)


def pieces(model: Any, given: Sequence[Any], options: Mapping[str, Any]) -> Iterator[str]:
    """The new text as it becomes certain; see ``transformer.stream``.

    >>> from transformer import CharTokenizer, build_model
    >>> model = build_model("bigram", vocab_size=1)
    >>> list(pieces(model, ["a", 2], {"tokenizer": CharTokenizer("a")}))
    ['a', 'a']
    """
    check_model(model)
    prompt, request = read_request(given, options, "stream")
    if request.tokenizer is None:
        raise ValueError("stream: text needs a tokenizer, give tokenizer=")
    for name, plain in {"n": 1, "num_beams": 1, "logprobs": None, "return_details": False}.items():
        if getattr(request, name) != plain:
            raise ValueError(f"stream: {name} is for generate; a stream is one plain text")
    prompts = read_prompts(prompt, request.tokenizer)
    _check_one("stream", prompts)
    kept = _open_cache(model, request, prompts)
    row = prompts.rows[0]
    written = Answer(row, request)

    def run() -> Iterator[str]:  # apart, so that the checks above are made at once
        with closing(write(Context(model, [row], kept), request, [written])) as steps:
            yield from filter(None, steps)

    return run()


def _group(
    model: Any,
    rows: list[list[int]],
    kind: str,
    request: Request,
    kept: PromptCache | None,
) -> list[list[Generation]]:
    """The answers to each of several prompts of one length."""
    if request.num_beams > 1:
        return [_beams(Context(model, [row], kept), request) for row in rows]
    if request.speculates:
        return [_one_by_one(model, row, request, kept) for row in rows]
    answers = [Answer(row, request) for row in rows for _ in range(request.n)]
    context = Context(model, rows, kept)
    written = _all_written(context, request, answers, alone=kind != "tensor")
    return [written[i : i + request.n] for i in range(0, len(written), request.n)]


def _one_by_one(
    model: Any, row: list[int], request: Request, kept: PromptCache | None
) -> list[Generation]:
    """``n`` answers by speculation, each by itself after one reading of the prompt."""
    context = Context(model, [row], kept)
    results = []
    for generator in generators_for(request.n, request.seed, request.generator):
        context.become(row)
        one = replace(request, n=1, seed=None, generator=generator)
        results += _all_written(context, one, [Answer(row, request)])
    return results


def _all_written(
    context: Context, request: Request, answers: list[Answer], *, alone: bool = True
) -> list[Generation]:
    """The answers, written to their ends."""
    report = Report()
    for _ in write(context, request, answers, alone=alone, report=report):
        pass
    return [
        replace(
            answer.result(),
            acceptance_rate=report.acceptance_rate,
            prompt_seconds=report.prompt_seconds,
            decode_seconds=report.decode_seconds,
        )
        for answer in answers
    ]


def _beams(context: Context, request: Request) -> list[Generation]:
    """The ``n`` best answers of a beam search."""

    def writing(ids: Sequence[int]) -> Answer:
        written = Answer(row, request)
        for i in ids:
            written.add(Token(0, i))
        return written

    row = list(context.rows[0])
    began = time.perf_counter()
    beams = Beams(request.num_beams, request.length_penalty, request.early_stopping)
    strings, stop_ids = request.stop_strings, request.stop_ids
    limit = request.max_new_tokens

    def ends(ids: Sequence[int]) -> bool:
        return ids[-1] in stop_ids or (bool(strings) and writing(ids).stopped_by is not None)

    with evaluating(context.model):
        found = beam_search(context, request.sampling, beams, limit, ends, len(stop_ids))
    seconds = time.perf_counter() - began
    best = [replace(writing(h.ids).result(h.score), decode_seconds=seconds) for h in found]
    return (best or [writing([]).result()])[: request.n]


def _in_kind(
    prompts: Prompts, request: Request, results: list[list[Generation]], prompt: Any
) -> Any:
    """The results in the prompts' kind: one or a list, of one or ``n`` each."""
    if request.return_details:
        shown: list[Any] = [list(found) for found in results]
    elif prompts.kind == "text":
        shown = [
            [text + (g.text or "") for g in found]
            for text, found in zip(prompts.texts, results, strict=True)
        ]
    else:
        shown = [[g.prompt_ids + g.ids for g in found] for found in results]
    if prompts.kind == "tensor" and not request.return_details:
        flat = [ids for found in shown for ids in found]
        return torch.tensor(flat, dtype=torch.int64).to(prompt.device)  # (B n, T + new)
    if request.n == 1:
        shown = [found[0] for found in shown]
    return shown if prompts.several else shown[0]


def _check_watching(prompts: Prompts, request: Request) -> None:
    """Raises ValueError when what watches one sequence is asked of several."""
    stopping = {"stop": request.stop, "stop_tokens": request.stop_tokens}
    asked = {"on_token": request.on_token, **(stopping if prompts.kind == "tensor" else {})}
    for name, value in asked.items():
        if value is not None:
            _check_one(name, prompts, request.n)
    if prompts.kind == "tensor" and request.n > 1:
        raise ValueError("generate: n is for one prompt or a list; repeat the rows of a tensor")


def _check_one(name: str, prompts: Prompts, n: int = 1) -> None:
    if (count := len(prompts.rows) * n) != 1:
        raise ValueError(
            f"generate: {name} can watch one sequence only, the prompt has {count}: "
            f"generate each by itself"
        )


def _open_cache(model: Any, request: Request, prompts: Prompts) -> PromptCache | None:
    """The prompt cache asked for, read from its file if it has one."""
    kept = request.prompt_cache
    if kept is None:
        return None
    _check_one("prompt_cache", prompts)
    if isinstance(kept, PromptCache):
        if kept.model is not model:
            raise ValueError("generate: the prompt_cache is another model's: PromptCache(model)")
        return kept
    folder = Path(kept).absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"prompt_cache: there is no folder {folder} to keep {kept} in")
    return PromptCache.load(kept, model) if Path(kept).exists() else PromptCache(model)
