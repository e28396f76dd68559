"""The prompt in any of its kinds, as rows of ids, and results back in that kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from transformer._engine import torch
from transformer.tokenizers import Tokenizer

KINDS = "a string, a list of ids or an int64 tensor (B, T), or a list of strings or lists of ids"


@dataclass(frozen=True)
class Prompts:
    """Rows of ids, where they came from, and whether several prompts were asked for.

    ``kind`` is ``"text"``, ``"ids"`` or ``"tensor"``; ``texts`` are the strings of the first.

    >>> Prompts([[1, 2]], "ids", several=False, texts=[]).rows
    [[1, 2]]
    """

    rows: list[list[int]]
    kind: str
    several: bool
    texts: list[str]


def read_prompts(prompt: Any, tokenizer: Tokenizer | None) -> Prompts:
    """Rows of ids, each of at least one token.

    Raises ValueError for an empty prompt or a string without tokenizer, TypeError for anything
    that is no prompt.

    >>> read_prompts([[1, 2, 3], [4]], None).rows
    [[1, 2, 3], [4]]
    """
    if isinstance(prompt, torch.Tensor):
        if prompt.dim() != 2 or prompt.dtype != torch.int64:
            raise TypeError(
                f"generate: a prompt tensor must be int64 of shape (B, T), got {prompt.dtype} of "
                f"shape {tuple(prompt.shape)}"
            )
        found = Prompts(prompt.tolist(), "tensor", True, [])
    elif isinstance(prompt, str):
        found = Prompts([encoded(prompt, tokenizer)], "text", False, [prompt])
    elif _all(prompt, str):
        found = Prompts([encoded(p, tokenizer) for p in prompt], "text", True, list(prompt))
    elif _all(prompt, Integral) or (isinstance(prompt, Sequence) and not len(prompt)):
        found = Prompts([_ids(prompt)], "ids", False, [])
    elif _all(prompt, Sequence) and all(_all(p, Integral) or not p for p in prompt):
        found = Prompts([_ids(p) for p in prompt], "ids", True, [])
    else:
        raise TypeError(f"generate: the prompt must be {KINDS}; got {_named(prompt)}")
    if not found.rows or not all(found.rows):
        raise ValueError("generate: the prompt is empty; begin with one token, say a line break")
    return found


def encoded(text: str, tokenizer: Tokenizer | None) -> list[int]:
    """The ids of a prompt, with what the model's tokenizer puts in front of every text.

    >>> from transformer import CharTokenizer
    >>> encoded("ab", CharTokenizer("abc"))
    [0, 1]
    """
    if tokenizer is None:
        raise ValueError("generate: the prompt is a string, so give tokenizer= as well")
    ids = tokenizer.encode(text, add_special=True)
    if len(ids) > 1 and ids[-1] == tokenizer.eos_id and tokenizer.encode(text)[-1:] != ids[-1:]:
        ids = ids[:-1]  # an end put there by rule: the prompt is to be gone on from
    return ids


def by_length(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """The numbers of the rows in groups of one length, so that none needs padding.

    >>> by_length([[1, 2], [3], [4, 5]])
    [[0, 2], [1]]
    """
    groups: dict[int, list[int]] = {}
    for number, row in enumerate(rows):
        groups.setdefault(len(row), []).append(number)
    return list(groups.values())


def _all(values: Any, kind: type) -> bool:
    """Whether it is a sequence of these, and not empty."""
    return (
        isinstance(values, Sequence)
        and not isinstance(values, (bytes, bytearray))
        and bool(values)
        and all(isinstance(v, kind) and not isinstance(v, bool) for v in values)
    )


def _ids(values: Sequence[Any]) -> list[int]:
    """Plain numbers, also of NumPy's."""
    return [int(i) for i in values]


def _named(prompt: Any) -> str:
    """What kind of thing it is, and of a list what it holds."""
    kind = type(prompt).__name__
    if not isinstance(prompt, (list, tuple)):
        return kind
    return f"{kind} of {', '.join(sorted({type(p).__name__ for p in prompt}))}"
