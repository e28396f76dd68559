"""A conversation's tokens: special ones from the template alone, and which are the model's own.

What a person types must stay text, also when it reads ``<|im_end|>``. So the text of each special
token within the messages is broken by a mark, a private-use character that stands nowhere else,
before the template sees it; special tokens are found in what the template writes; then the marks
go. A text that begins or ends with a part of such a token gets a mark there too, since the
template's own text might complete it. The text without marks must be what the template writes of
the messages as they are: where marks have an effect on a template, the conversation is refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from transformer.tokenizers.added import AddedToken, Finder
from transformer.tokenizers.base import Tokenizer
from transformer.tokenizers.chat_marks import free_marks
from transformer.tokenizers.chat_text import (
    CHATML_TOKENS,
    GENERATION_BEGINS,
    GENERATION_ENDS,
    Message,
    checked_messages,
    render_chat,
    template_of,
)
from transformer.tokenizers.utf8 import to_bytes

_GENERATION_TAG = re.compile(r"\{%[-+]?\s*generation\s*[-+]?%\}")

Span = tuple[int, int]


def encode_chat(
    messages: Sequence[Message],
    tokenizer: Tokenizer,
    *,
    add_generation_prompt: bool = False,
    continue_final_message: bool = False,
    tools: Sequence[Mapping[str, Any]] | None = None,
    **extra: Any,
) -> list[int]:
    """The ids of a conversation; special tokens come from the template, never from the messages.

    The ids of ``apply_chat_template`` in transformers, unless a message holds the text of a special
    token. Arguments and errors as in ``render_chat``; also raises ValueError when the tokenizer has
    no template and lacks the tokens of ChatML.

    >>> from transformer import BPETokenizer
    >>> tokenizer = BPETokenizer.train("", 258, special_tokens=CHATML_TOKENS)
    >>> ids = encode_chat([{"role": "user", "content": "<|im_end|>"}], tokenizer)
    >>> ids.count(tokenizer.special_tokens["<|im_end|>"])
    1
    """
    ends = {
        "add_generation_prompt": add_generation_prompt,
        "continue_final_message": continue_final_message,
    }
    options = {**ends, "tools": tools, **extra}
    chat = _Chat(messages, tokenizer, options)
    return [i for i, _ in chat.tokens(chat.render(messages), [])]


def chat_tokens(
    messages: Sequence[Message],
    tokenizer: Tokenizer,
    *,
    tools: Sequence[Mapping[str, Any]] | None = None,
    **extra: Any,
) -> tuple[list[int], list[bool]]:
    """The ids of a conversation, and for each whether it is an answer's: what training learns.

    An answer is what the template marks with ``{% generation %}``. A template without such marks is
    asked how the conversation reads before and after each assistant message: the difference is the
    answer, the token that ends its turn included, white space after that token not. A token that
    reaches over an answer's beginning counts as the answer's. Raises ValueError when there is no
    answer, or when a template writes an answer otherwise once more messages follow it (as those do
    that leave out earlier reasoning).

    >>> from transformer import BPETokenizer
    >>> tokenizer = BPETokenizer.train("", 258, special_tokens=CHATML_TOKENS)
    >>> talk = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Oh!"}]
    >>> ids, learned = chat_tokens(talk, tokenizer)
    >>> tokenizer.decode([i for i, yes in zip(ids, learned, strict=True) if yes])
    'Oh!<|im_end|>'
    """
    if not any(message["role"] == "assistant" for message in checked_messages(messages)):
        raise ValueError("chat_tokens: the conversation has no assistant message to learn from")
    chat = _Chat(messages, tokenizer, {"tools": tools, **extra})
    if _GENERATION_TAG.search(template_of(tokenizer)):
        text, spans = chat.marked_spans(messages)
    else:
        text, spans = chat.compared_spans(messages)
    pairs = chat.tokens(text, spans)
    return [i for i, _ in pairs], [learned for _, learned in pairs]


class _Chat:
    """One conversation with one tokenizer: guarded messages, their text, its tokens."""

    def __init__(
        self, messages: Sequence[Message], tokenizer: Tokenizer, options: dict[str, Any]
    ) -> None:
        specials = tokenizer.special_tokens
        lacking = [name for name in CHATML_TOKENS if name not in specials]
        if lacking and not tokenizer.chat_template:
            raise ValueError(
                f"the tokenizer has no chat template, and for ChatML lacks {', '.join(lacking)}; "
                f"give it a chat_template, or train it with special_tokens={list(CHATML_TOKENS)}"
            )
        self.tokenizer, self.options = tokenizer, options
        self.finder = Finder(_added_tokens(tokenizer))
        free = free_marks(messages, options, template_of(tokenizer), specials)
        self.mark, self.begin, self.end = next(free), next(free), next(free)
        self.guard = _guard(tuple(specials), self.mark)

    def render(self, messages: Sequence[Message], **more: Any) -> str:
        """The text with marks where special tokens' texts are not the template's."""
        options = {**self.options, **more}
        plain = render_chat(messages, self.tokenizer, **options)
        guarded, kept = self._guarded(messages), ("add_generation_prompt",)
        safe = {k: v if k in kept else _mapped(self.guard, v) for k, v in options.items()}
        if guarded == list(messages) and safe == options:
            return plain
        marked = render_chat(guarded, self.tokenizer, **safe)
        if marked.replace(self.mark, "") != plain:
            raise ValueError(
                "a message holds the text of a special token, or a part of one at an end, in a "
                "place where the chat template examines it; take it out of the message"
            )
        return marked

    def _guarded(self, messages: Sequence[Message]) -> list[Any]:
        """The messages, guarded but for their roles, which are words."""
        return [
            {k: v if k == "role" else _mapped(self.guard, v) for k, v in message.items()}
            for message in messages
        ]

    def marked_spans(self, messages: Sequence[Message]) -> tuple[str, list[Span]]:
        """The text, and where its ``{% generation %}`` blocks are."""
        borders = {GENERATION_BEGINS: self.begin, GENERATION_ENDS: self.end}
        parts = re.split(f"([{self.begin}{self.end}])", self.render(messages, **borders))
        text, spans, begun = "", [], 0
        for part in parts:
            if part == self.begin:
                begun = len(text)
            elif part == self.end:
                spans.append((begun, len(text)))
            else:
                text += part
        return text, spans

    def compared_spans(self, messages: Sequence[Message]) -> tuple[str, list[Span]]:
        """The text, and where it grows by each assistant message."""
        text, spans = self.render(messages), []
        for i, message in enumerate(messages):
            if message.get("role") != "assistant":
                continue
            if i == 0:
                raise ValueError("chat_tokens: message 0 is an answer, but nothing was asked")
            before = self.render(messages[:i], add_generation_prompt=True)
            after = self.render(messages[: i + 1])
            if not (after.startswith(before) and text.startswith(after)):
                raise ValueError(
                    f"chat_tokens: the chat template writes message {i} (assistant) in another way "
                    f"when it is asked for it or more messages follow, so where the answer lies is "
                    f"not certain; mark answers in the template with {{% generation %}}, or leave "
                    f"out what follows"
                )
            spans.append((len(before), len(before) + self._answer(after[len(before) :])))
        return text, spans

    def _answer(self, answer: str) -> int:
        """How long the answer is without white space after the token that ends it."""
        end = len(answer.rstrip())
        ids, names = self.tokenizer.stop_ids, self.tokenizer.special_tokens
        stops = tuple(name for name, i in names.items() if i in ids)
        return end if answer[:end].endswith(stops) else len(answer)

    def tokens(self, text: str, spans: Sequence[Span]) -> list[tuple[int, bool]]:
        """The ids of a text with marks, each with whether it overlaps one of the spans."""
        learned = [False] * len(text)
        for begin, end in spans:
            learned[begin:end] = [True] * (end - begin)
        pairs: list[tuple[int, bool]] = []
        at = 0
        for piece, special in self.finder.split(text):
            inside = learned[at : at + len(piece)]
            at += len(piece)
            if special is not None:
                pairs.append((special, any(inside)))
                continue
            kept = [
                (char, yes) for char, yes in zip(piece, inside, strict=True) if char != self.mark
            ]
            pairs += _ordinary(kept, self.tokenizer, first=not pairs)
        return pairs


def _ordinary(
    chars: Sequence[tuple[str, bool]], tokenizer: Tokenizer, first: bool
) -> list[tuple[int, bool]]:
    """The ids of text without special tokens, each with whether a learned character is in it."""
    text = "".join(char for char, _ in chars)
    inside: Callable[[str], list[int]] | None = getattr(tokenizer, "encode_inside", None)
    if first or inside is None:
        ids = tokenizer.encode(text, parse_special=False)
    else:
        ids = inside(text)
    if not any(yes for _, yes in chars) or all(yes for _, yes in chars):
        return [(i, chars[0][1]) for i in ids]
    learned = [yes for char, yes in chars for _ in to_bytes(char)]
    bytes_of: Callable[[int], bytes] = getattr(
        tokenizer, "piece_bytes", lambda i: tokenizer.decode_bytes([i])
    )
    sizes = [len(bytes_of(i)) for i in ids]
    if sum(sizes) == len(learned) + 1 and bytes_of(ids[0])[:1] == b" ":
        learned.insert(0, learned[0])  # the space that SentencePiece puts before a text
    if sum(sizes) != len(learned):  # it changes the text: no telling which id is whose
        return _apart(chars, tokenizer)
    pairs, at = [], 0
    for i, size in zip(ids, sizes, strict=True):
        pairs.append((i, any(learned[at : at + size])))
        at += size
    return pairs


def _apart(chars: Sequence[tuple[str, bool]], tokenizer: Tokenizer) -> list[tuple[int, bool]]:
    """The ids of learned and other text, each stretch encoded by itself."""
    pairs: list[tuple[int, bool]] = []
    start = 0
    for end in range(1, len(chars) + 1):
        if end == len(chars) or chars[end][1] != chars[start][1]:
            text = "".join(char for char, _ in chars[start:end])
            ids = tokenizer.encode(text, parse_special=False)
            pairs += [(i, chars[start][1]) for i in ids]
            start = end
    return pairs


def _added_tokens(tokenizer: Tokenizer) -> list[AddedToken]:
    """The special tokens, with all that is known of how they are found."""
    known = {token.text: token for token in getattr(tokenizer, "added_tokens", ())}
    return [known.get(text, AddedToken(text, i)) for text, i in tokenizer.special_tokens.items()]


@lru_cache(maxsize=8)
def _guard(specials: tuple[str, ...], mark: str) -> Callable[[str], str]:
    """The function that puts marks into a text, such that no special token is left in it."""
    inside = _pattern(name for name in specials if len(name) > 1)
    single = _pattern(name for name in specials if len(name) == 1)
    prefixes = {name[:k] for name in specials for k in range(1, len(name))}
    suffixes = {name[-k:] for name in specials for k in range(1, len(name))}
    beginning = _pattern(suffixes)
    ending = _pattern(prefixes, r"\Z")

    def guard(text: str) -> str:
        if single is not None and (found := single.search(text)):
            raise ValueError(
                f"a message holds {found[0]!r}, a special token of one character, which the chat "
                f"template cannot be kept from reading as one; take it out of the message"
            )
        core = text.strip()
        if not core:
            return text
        left = text[: len(text) - len(text.lstrip())]
        right = text[len(text.rstrip()) :]
        before = mark if beginning is not None and beginning.match(core) else ""
        after = mark if ending is not None and ending.search(core) else ""
        while inside is not None:
            core, count = inside.subn(lambda found: found[0][0] + mark + found[0][1:], core)
            if not count:
                break
        return left + before + core + after + right

    return guard


def _pattern(texts: Iterable[str], end: str = "") -> re.Pattern[str] | None:
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, ordered))}){end}") if ordered else None


def _mapped(change: Callable[[str], str], value: Any) -> Any:
    """``value`` with every text in it changed; the keys of dicts stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _mapped(change, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(change, item) for item in value]
    return value
