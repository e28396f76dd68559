"""The answer to one call of ``generate`` or ``stream``, in the kind it was asked in."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from transformer._engine import torch
from transformer.generate.decoding import decode
from transformer.generate.sampling import Sampler
from transformer.generate.steps import (
    check_steps,
    ids_before_stop,
    prompt_ids,
    text_stream,
    until_stop,
)
from transformer.tokenizers import Tokenizer

Stop = str | Sequence[str] | None


def answer(
    model: Any,
    prompt: Any,
    max_new_tokens: int,
    pick: Sampler,
    tokenizer: Tokenizer | None,
    stop: Stop,
    on_token: Callable[[int], object] | None,
) -> Any:
    """The prompt and what comes after it; see ``transformer.generate``.

    >>> from transformer import build_model
    >>> model = build_model("bigram", vocab_size=1)
    >>> answer(model, [0], 2, Sampler(), None, None, None)
    [0, 0, 0]
    """
    idx = prompt_ids(prompt, tokenizer)  # (B, T)
    check_steps(max_new_tokens, idx.shape[0], {"stop": stop, "on_token": on_token})
    wanted = isinstance(prompt, str) or stop is not None
    text = text_stream(tokenizer, stop) if wanted else None
    steps = decode(model, idx, max_new_tokens, pick)
    done = list(until_stop(steps, text, on_token))
    written = "".join(piece for _, piece in done)
    if isinstance(prompt, str):
        return prompt + written + (text.finish() if text else "")
    columns = [column for column, _ in done]  # (B, 1) each
    if text is not None and tokenizer is not None and text.stopped:
        new = [int(column.item()) for column in columns]
        columns = columns[: len(ids_before_stop(new, tokenizer, len(written)))]
    whole = torch.cat([idx, *columns], dim=1)  # (B, T + new)
    return whole if isinstance(prompt, torch.Tensor) else whole[0].tolist()


def pieces(
    model: Any,
    prompt: Any,
    max_new_tokens: int,
    pick: Sampler,
    tokenizer: Tokenizer,
    stop: Stop,
) -> Iterator[str]:
    """The new text as it becomes certain; see ``transformer.stream``.

    >>> from transformer import CharTokenizer, build_model
    >>> model = build_model("bigram", vocab_size=1)
    >>> list(pieces(model, "a", 2, Sampler(), CharTokenizer("a"), None))
    ['a', 'a']
    """
    idx = prompt_ids(prompt, tokenizer)  # (B, T)
    check_steps(max_new_tokens, idx.shape[0], {"stream": True})
    text = text_stream(tokenizer, stop)
    if text is None:
        raise ValueError("stream: text needs a tokenizer, give tokenizer=")

    def run() -> Iterator[str]:  # apart, so that the checks above are made at once
        steps = decode(model, idx, max_new_tokens, pick)
        for _, piece in until_stop(steps, text):
            if piece:
                yield piece
        if last := text.finish():
            yield last

    return run()
