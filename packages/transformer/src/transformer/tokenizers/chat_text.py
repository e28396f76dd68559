"""Conversations as the text and the tokens a chat model was trained on.

A message is ``{"role": "user", "content": "Hello"}``. A model brings a template, in Jinja2, that
writes messages with the special tokens around them; ``render_chat`` gives its text, ``encode_chat``
its tokens, and ``chat_tokens`` also says which of them the model itself is to write.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from transformer.tokenizers.base import Tokenizer
from transformer.tokenizers.chat_marks import free_marks

Message = Mapping[str, Any]

# ChatML, for tokenizers without a template of their own.
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")

# The variables that a template writes around what it marks with {% generation %}.
GENERATION_BEGINS, GENERATION_ENDS = "generation_begins", "generation_ends"

_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_REASONING = ("reasoning_content", "thinking", "reasoning")


def render_chat(
    messages: Sequence[Message],
    tokenizer_or_template: Tokenizer | str,
    *,
    add_generation_prompt: bool = False,
    continue_final_message: bool = False,
    tools: Sequence[Mapping[str, Any]] | None = None,
    **extra: Any,
) -> str:
    """The text of a conversation, as the template of a tokenizer (or a template) writes it.

    The same text as ``apply_chat_template(tokenize=False)`` of transformers gives.
    ``add_generation_prompt`` ends it where the assistant begins, ``continue_final_message`` where
    the last message's text ends, for the model to go on with it; ``tools`` are JSON schemas;
    ``extra`` are the template's own variables. A tokenizer without a template gets ChatML. Raises
    ValueError for what is no conversation, or none this template can write, TypeError for values
    that are not JSON-able.

    >>> render_chat([{"role": "user", "content": "Hi"}], CHATML, add_generation_prompt=True)
    '<|im_start|>user\\nHi<|im_end|>\\n<|im_start|>assistant\\n'
    """
    values = {
        **_names_of_ends(tokenizer_or_template),
        "documents": None,
        **_plain(extra, "the template's variables"),
        "messages": checked_messages(messages),
        "tools": None if tools is None else _checked_tools(tools),
        "add_generation_prompt": add_generation_prompt,
    }
    template = template_of(tokenizer_or_template)
    if not continue_final_message:
        return render_values(template, values)
    if add_generation_prompt:
        raise ValueError(
            "add_generation_prompt begins a new message and continue_final_message goes on with "
            "the last one: give one of them"
        )
    return _continued(template, values)


def _continued(template: str, values: dict[str, Any]) -> str:
    """The text up to where the last message's own text ends, found by a mark put there."""
    if not values["messages"]:
        raise ValueError("continue_final_message: there is no message to go on with")
    mark = next(free_marks(template, values))
    *before, last = values["messages"]
    # The space shows whether the template takes white space off the end of a message.
    ended, said = _ended(last, mark + " ")
    text = render_values(template, values | {"messages": [*before, ended]})
    end = text.rfind(mark)
    if end < 0 or said.strip() not in text:
        raise ValueError(
            f"continue_final_message: the chat template does not write the text of the last "
            f"message ({last['role']}) as it is, so there is no going on with it"
        )
    kept = text[:end] if text.startswith(mark + " ", end) else text[:end].rstrip()
    return kept.replace(mark + " ", "").replace(mark, "")  # it may be written more than once


def _ended(message: dict[str, Any], end: str) -> tuple[dict[str, Any], str]:
    """The message with ``end`` behind its text (of parts, the last that is text), and that text."""
    content = message.get("content")
    if isinstance(content, str):
        return message | {"content": content + end}, content
    parts = list(content or ())
    for i in reversed(range(len(parts))):
        if isinstance(said := parts[i].get("text"), str):
            parts[i] = parts[i] | {"text": said + end}
            return message | {"content": parts}, said
    raise ValueError(
        f"continue_final_message: the last message ({message['role']}) has no text to go on with"
    )


def render_values(template: str, values: Mapping[str, Any]) -> str:
    """The text a template makes of plain values; errors name the roles of the conversation.

    Raises ValueError for whatever goes wrong.

    >>> render_values("{{ messages[0].role }}", {"messages": [{"role": "user", "content": "Hi"}]})
    'user'
    """
    from transformer.tokenizers.template import render

    try:
        return render(template, values)
    except ValueError as error:
        roles = ", ".join(str(message["role"]) for message in values["messages"])
        raise ValueError(f"{error} (the roles are: {roles})") from None


def template_of(tokenizer_or_template: Tokenizer | str) -> str:
    """The chat template of a tokenizer, ChatML when it has none; a template is itself.

    >>> from transformer import CharTokenizer
    >>> template_of(CharTokenizer("ab")) == CHATML
    True
    """
    if isinstance(tokenizer_or_template, str):
        return tokenizer_or_template
    return tokenizer_or_template.chat_template or CHATML


def _names_of_ends(tokenizer: Tokenizer | str) -> dict[str, str]:
    """``bos_token`` and ``eos_token`` as text, as far as there are such tokens."""
    if isinstance(tokenizer, str):
        return {}
    ids = {"bos_token": tokenizer.bos_id, "eos_token": tokenizer.eos_id}
    return {name: tokenizer.decode([i]) for name, i in ids.items() if i is not None}


def checked_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """A copy of ``messages`` in plain values, each known to have a role and a content.

    A content is a text, or None beside ``tool_calls``, or a list of parts (``{"type": "text",
    "text": ...}``). Raises TypeError or ValueError, naming the message, for anything else.

    >>> checked_messages([{"role": "user"}])
    Traceback (most recent call last):
    ValueError: message 0 (user) has no content; write {'role': 'user', 'content': '...'}
    """
    if isinstance(messages, str | Mapping) or not isinstance(messages, Sequence):
        raise TypeError(
            "a conversation is a list of messages such as {'role': 'user', 'content': 'Hi'}, not "
            f"{type(messages).__name__}"
        )
    return [_checked_message(i, message) for i, message in enumerate(messages)]


def _checked_message(i: int, message: Message) -> dict[str, Any]:
    if not isinstance(message, Mapping):
        raise TypeError(
            f"message {i} is a {type(message).__name__}, not {{'role': ..., 'content': ...}}"
        )
    role = message.get("role")
    if not isinstance(role, str) or _ROLE.fullmatch(role) is None:
        raise ValueError(
            f"message {i} has the role {role!r}; a role is a word such as 'system', 'user', "
            f"'assistant' or 'tool'"
        )
    content = message.get("content")
    if content is None and not message.get("tool_calls"):
        raise ValueError(
            f"message {i} ({role}) has no content; write {{'role': {role!r}, 'content': '...'}}"
        )
    is_parts = isinstance(content, list) and all(isinstance(part, Mapping) for part in content)
    if not (content is None or isinstance(content, str) or is_parts):
        raise TypeError(
            f"message {i} ({role}) has content of type {type(content).__name__}; it must be a text"
        )
    plain: dict[str, Any] = _plain(message, f"message {i} ({role})")
    thought = next((plain[name] for name in _REASONING if plain.get(name) is not None), None)
    if thought is not None:  # templates read one name or another
        plain = {"thinking": thought, **plain, "reasoning_content": thought}
    return plain


def _checked_tools(tools: Sequence[Mapping[str, Any]]) -> list[Any]:
    if isinstance(tools, str | Mapping) or not isinstance(tools, Sequence):
        raise TypeError(f"tools are a list of JSON schemas, not {type(tools).__name__}")
    for i, tool in enumerate(tools):
        if not isinstance(tool, Mapping):
            raise TypeError(f"tool {i} is a {type(tool).__name__}; it must be a JSON schema")
    return [_plain(tool, f"tool {i}") for i, tool in enumerate(tools)]


def _plain(value: Any, where: str) -> Any:
    """A copy in plain JSON-able types: a template gets no object with methods of its own."""
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return value if type(value) is kind else kind(value)
    if isinstance(value, Mapping):
        return {_plain(key, where): _plain(item, where) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, where) for item in value]
    raise TypeError(
        f"{where} holds a {type(value).__name__}; texts, numbers, lists and dicts are what a "
        f"template may be given"
    )
