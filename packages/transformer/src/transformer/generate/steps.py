"""What goes into the decoding loop, checked, and what comes out of it, up to a stop string."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from transformer._engine import torch
from transformer.generate.text import TextStream
from transformer.tokenizers import Tokenizer

Steps = Generator[torch.Tensor, None, None]  # of (B, 1) int64


def prompt_ids(prompt: Any, tokenizer: Tokenizer | None) -> torch.Tensor:
    """The prompt as a batch of ids (B, T), T at least 1.

    Raises ValueError for an empty prompt or a string without tokenizer, TypeError for anything
    that is neither string, ids nor an int64 tensor.

    >>> prompt_ids([1, 2, 3], None).tolist()
    [[1, 2, 3]]
    """
    if isinstance(prompt, torch.Tensor):
        if prompt.dim() != 2 or prompt.dtype != torch.int64:
            raise TypeError(
                f"generate: a prompt tensor must be int64 of shape (B, T), got {prompt.dtype} of "
                f"shape {tuple(prompt.shape)}"
            )
        idx = prompt
    elif isinstance(prompt, str):
        if tokenizer is None:
            raise ValueError("generate: the prompt is a string, so give tokenizer= as well")
        idx = torch.tensor([tokenizer.encode(prompt)], dtype=torch.int64)
    elif isinstance(prompt, Sequence) and all(isinstance(i, int) for i in prompt):
        idx = torch.tensor([list(prompt)], dtype=torch.int64)
    else:
        raise TypeError(
            f"generate: the prompt must be a string, a list of ids or an int64 tensor (B, T), "
            f"got {type(prompt).__name__}"
        )
    if idx.shape[1] == 0:
        raise ValueError("generate: the prompt is empty; begin with one token, say a line break")
    return idx


def text_stream(tokenizer: Tokenizer | None, stop: str | Sequence[str] | None) -> TextStream | None:
    """What watches for the stop strings; None without tokenizer.

    Raises ValueError for stop strings without tokenizer, or an empty one.

    >>> text_stream(None, None) is None
    True
    """
    strings = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if "" in strings:
        raise ValueError("generate: an empty stop string would stop before the first token")
    if tokenizer is None:
        if strings:
            raise ValueError("generate: stop is looked for in the text, so give tokenizer= as well")
        return None
    return TextStream(tokenizer, strings)


def check_steps(max_new_tokens: int, batch: int, one_only: dict[str, Any]) -> None:
    """Raises ValueError for a negative count, or what takes one sequence asked of several.

    >>> check_steps(5, 1, {"stop": "x"})
    """
    if max_new_tokens < 0:
        raise ValueError(f"generate: max_new_tokens {max_new_tokens} must be 0 or more")
    asked = [name for name, value in one_only.items() if value is not None]
    if batch != 1 and asked:
        raise ValueError(
            f"generate: {' and '.join(asked)} can watch one sequence only, the prompt has {batch}: "
            f"generate each by itself"
        )


def until_stop(
    steps: Steps, text: TextStream | None, on_token: Callable[[int], object] | None = None
) -> Iterator[tuple[torch.Tensor, str]]:
    """Each new column of ids (B, 1) with the text it makes certain, until a stop string is there.

    >>> from transformer import CharTokenizer
    >>> columns = (torch.tensor([[i]]) for i in (0, 1, 2))
    >>> text = TextStream(CharTokenizer("abc"), stop=["b"])
    >>> [piece for _, piece in until_stop(columns, text)]
    ['a', '']
    """
    with closing(steps):  # puts the model back at once, also when nobody asks for the rest
        for column in steps:
            if on_token is not None:
                on_token(int(column.item()))
            yield column, text.push(int(column.item())) if text is not None else ""
            if text is not None and text.stopped:
                return


def ids_before_stop(new: list[int], tokenizer: Tokenizer, kept: int) -> list[int]:
    """The longest beginning of ``new`` whose text has at most ``kept`` characters.

    >>> from transformer import CharTokenizer
    >>> ids_before_stop([0, 1, 2], CharTokenizer("abc"), kept=1)
    [0]
    """
    n = len(new)
    while n and len(tokenizer.decode(new[:n])) > kept:
        n -= 1
    return new[:n]
