"""Conversations from JSONL files, one a line: their tokens, and which of these are learned."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from transformer.tokenizers.base import Tokenizer

FORMS = '{"messages": [...]}, {"prompt", "completion"} or {"instruction", "input", "output"}'

Message = dict[str, Any]


class Example(NamedTuple):
    """One line: where it stands, and the conversation's messages, or a question with its answer."""

    place: str  # file and line number
    messages: list[Message]
    tools: list[Any] | None


class Encoded(NamedTuple):
    """A conversation's ids (n,) and which of them are learned (n,), the answers'."""

    ids: np.ndarray
    learned: np.ndarray


def read_conversations(paths: str | Path | Iterable[str | Path]) -> Iterator[Example]:
    """The conversations of JSONL files, in order; empty lines are skipped.

    A line is ``{"messages": [{"role": ..., "content": ...}, ...]}`` (with ``"tools"`` if there
    are any), ``{"prompt": ..., "completion": ...}``, or ``{"instruction": ..., "input": ...,
    "output": ...}`` (Taori et al., "Alpaca", 2023; the input may be missing). Raises ValueError
    naming the file and the line that is none of them, FileNotFoundError for a missing file.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "chats.jsonl"
    >>> _ = path.write_text('{"prompt": "1 + 1?", "completion": "2"}')
    >>> [message["content"] for message in next(read_conversations(path)).messages]
    ['1 + 1?', '2']
    """
    for path in [paths] if isinstance(paths, str | Path) else paths:
        try:
            file = open(path, "rb")  # noqa: SIM115 - closed below; its absence is said here
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no file {str(path)!r} of conversations") from None
        with file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _example(line, f"{path}, line {number}")


def encode_example(example: Example, tokenizer: Tokenizer) -> Encoded:
    """The tokens of a conversation, those of its answers marked as learned.

    A tokenizer with a chat template, or the tokens of ChatML, writes it as a chat. Any other gets
    the bare text, question and answer one after the other and then its end-of-text token, which
    is only possible for one question and one answer. Raises ValueError naming file and line.

    >>> from transformer import CharTokenizer
    >>> talk = [{"role": "user", "content": "ab"}, {"role": "assistant", "content": "ba"}]
    >>> encode_example(Example("x, line 1", talk, None), CharTokenizer("ab")).learned.tolist()
    [False, False, True, True]
    """
    from transformer.tokenizers.chat import CHATML_TOKENS, chat_tokens

    special = tokenizer.special_tokens
    try:
        if tokenizer.chat_template or all(name in special for name in CHATML_TOKENS):
            ids, learned = chat_tokens(example.messages, tokenizer, tools=example.tools)
        else:
            ids, learned = _bare(example.messages, tokenizer)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{example.place}: {error}") from None
    return Encoded(np.array(ids, np.int64), np.array(learned, bool))


def _bare(messages: Sequence[Message], tokenizer: Tokenizer) -> tuple[list[int], list[bool]]:
    """A question and its answer without any special tokens but those around a text."""
    if [message.get("role") for message in messages] != ["user", "assistant"]:
        raise ValueError(
            "the tokenizer has no chat template, so it can only learn one question with one answer "
            '({"prompt", "completion"}); give a model with a chat template'
        )
    question, answer = (
        tokenizer.encode(message["content"], parse_special=False) for message in messages
    )
    if tokenizer.bos_id is not None:
        begun = tokenizer.encode("", add_special=True)[:1]
        question = [*(i for i in begun if i == tokenizer.bos_id), *question]
    if tokenizer.eos_id is not None:
        answer = [*answer, tokenizer.eos_id]
    return question + answer, [False] * len(question) + [True] * len(answer)


def _example(line: bytes, place: str) -> Example:
    try:
        values = json.loads(line.decode("utf-8-sig"))  # some editors begin with a mark
    except UnicodeDecodeError as error:
        raise ValueError(f"{place}: byte {error.start + 1} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{place}: no JSON: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise ValueError(f"{place}: no conversation: it is nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError(f"{place}: an object is wanted ({FORMS}), not {_kind(values)}")
    if "messages" in values:
        return Example(place, _messages(values["messages"], place), values.get("tools"))
    question, answer = _question_and_answer(values, place)
    user, assistant = {"role": "user"}, {"role": "assistant"}
    return Example(place, [{**user, "content": question}, {**assistant, "content": answer}], None)


def _messages(messages: Any, place: str) -> list[Message]:
    if not isinstance(messages, list) or not messages:
        raise ValueError(f"{place}: messages must be a list of some, not {_kind(messages)}")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise ValueError(
                f'{place}: message {number} must be {{"role": "user", "content": "..."}}, '
                f"not {_kind(message)}"
            )
    return messages


def _question_and_answer(values: Mapping[str, Any], place: str) -> tuple[str, str]:
    names = ("instruction", "output") if "instruction" in values else ("prompt", "completion")
    missing = [name for name in names if name not in values]
    if missing:
        raise ValueError(
            f"{place}: {', '.join(map(repr, missing))} is missing among the keys "
            f"{', '.join(map(repr, values)) or '(none)'}; a line is {FORMS}"
        )
    texts = {name: values[name] for name in (*names, "input") if name in values}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{place}: {name!r} must be text, not {_kind(text)}")
    question, answer = (texts[name] for name in names)
    if names[0] == "instruction" and texts.get("input"):
        question = f"{question}\n\n{texts['input']}"
    return question, answer


def _kind(value: Any) -> str:
    """What a JSON value is, in words."""
    if isinstance(value, dict):
        return f"an object with the keys {', '.join(map(repr, value)) or '(none)'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"{value!r:.40}"
