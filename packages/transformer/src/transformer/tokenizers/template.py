"""Jinja2 templates that come with models: rendered as Hugging Face does it, but as strangers' code.

The sandbox keeps a template from Python's insides, and from changing what it is given. Jinja2's own
says nothing of time and memory, so this one also counts: there is an allowance of loop turns and
calls, and no operation may make a text, list or number of unreasonable size.
"""

import json
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.ext import Extension, loopcontrols
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from transformer.tokenizers.chat_text import GENERATION_BEGINS, GENERATION_ENDS

LARGEST = 1 << 25  # characters of a text, or elements of a list, that one operation may make
TURNS = 1 << 21  # of all loops together, each weighed with the length of the template
CALLS = 100_000

# What may make much of little: methods of str, filters.
_GROWING = frozenset(
    ("center", "expandtabs", "join", "ljust", "replace", "rjust", "translate", "zfill")
)
_GROWING_FILTERS = ("batch", "center", "format", "indent", "join", "replace", "slice", "wordwrap")


def render(source: str, values: Mapping[str, Any]) -> str:
    """What the template ``source`` makes of ``values``, which must be plain JSON-able values.

    Raises ValueError, in one sentence, for what is no template, for what a template refuses
    (``raise_exception``), and for a template that was stopped.

    >>> render("{% for name in names %}{{ name | upper }} {% endfor %}", {"names": ["a", "b"]})
    'A B '
    """
    template = _compiled(source)
    size, parts = 0, []
    before = _allowance.set(_Allowance(TURNS // (1 + len(source) // 256), CALLS))
    try:
        for part in template.generate(values):
            size += len(part)
            _bounded(size)
            parts.append(part)
    except (SecurityError, RecursionError, MemoryError, OverflowError) as error:
        why = str(error) or type(error).__name__
        raise ValueError(f"the chat template was stopped, being unsafe to run: {why}") from None
    except TemplateError as error:
        raise ValueError(f"the chat template: {error.message}") from None
    except Exception as error:  # whatever Python makes of a stranger's template
        raise ValueError(f"the chat template fails: {type(error).__name__}: {error}") from None
    finally:
        _allowance.reset(before)
    return "".join(parts)


class _Allowance:
    """How many loop turns and calls are left."""

    def __init__(self, turns: int, calls: int) -> None:
        self.turns, self.calls = turns, calls

    def spend(self, turns: int = 0, calls: int = 0) -> None:
        """Raises SecurityError when there are none left."""
        self.turns, self.calls = self.turns - turns, self.calls - calls
        if self.turns < 0 or self.calls < 0:
            raise SecurityError("it loops or calls too often")


# Of the rendering that goes on in this thread. No variable of the template's: it could set that.
_allowance: ContextVar[_Allowance] = ContextVar("allowance")


class _Sandbox(ImmutableSandboxedEnvironment):
    """The sandbox that counts."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and _length(left) and _length(right):
            _bounded(_length(left) + _length(right))
        elif operator == "*" and not (_is_number(left) and _is_number(right)):
            _bounded(_weight(left) * _weight(right))
        elif operator == "%" and isinstance(left, str):
            _check_format(left)
        elif isinstance(left, int) and isinstance(right, int) and operator != "%":
            bits = left.bit_length() * (right if operator == "**" else 1) + right.bit_length()
            if bits > 4096:
                raise SecurityError(f"it makes a number of {bits} bits")
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        _allowance.get().spend(calls=1)
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, str) and getattr(__obj, "__name__", "") in _GROWING:
            _bound_product(owner, *args, *kwargs.values())
        for value in (*args, *kwargs.values()):
            if isinstance(value, int):
                _bounded(abs(value))
        return super().call(__context, __obj, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Any:
        if getattr(value, "__name__", "") in ("format", "format_map"):
            _check_format(str(getattr(value, "__self__", "")))
        return super().wrap_str_format(value)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = _Counted().visit(super()._parse(source, name, filename))
        tree.set_environment(self)
        return tree


class _Counted(NodeTransformer):
    """Every loop counts its turns, and ``~`` the length of what it joins."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_turns", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_concatenated", [], [], None, None, lineno=node.lineno)


class _Generation(Extension):
    """``{% generation %}...{% endgeneration %}``: what the model itself is to write.

    Around it stands what the variables ``generation_begins`` and ``generation_ends`` hold: nothing,
    unless who renders wants to find it again.
    """

    tags = {"generation"}  # noqa: RUF012 (as the base class has it)

    def parse(self, parser: Any) -> list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        begin, end = (
            nodes.Output([nodes.Name(name, "load")], lineno=line)
            for name in (GENERATION_BEGINS, GENERATION_ENDS)
        )
        return [begin, *body, end]


@lru_cache(maxsize=1)
def _environment() -> _Sandbox:
    environment = _Sandbox(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, _Generation]
    )
    del environment.globals["lipsum"]
    environment.globals.update(
        raise_exception=_raise_exception, strftime_now=_strftime_now, dict=_dict
    )
    for name in _GROWING_FILTERS:
        environment.filters[name] = _grows_little(environment.filters[name])
    environment.filters.update(tojson=_tojson, _turns=_turns, _concatenated=_concatenated)
    return environment


@lru_cache(maxsize=64)
def _compiled(source: str) -> Any:
    try:
        return _environment().from_string(source)
    except TemplateSyntaxError as error:
        raise ValueError(
            f"the chat template is no Jinja2 template, at line {error.lineno}: {error.message}"
        ) from None
    except (SecurityError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(f"the chat template was stopped, being unsafe to run: {error}") from None


def _raise_exception(message: str) -> None:
    raise TemplateError(message)


def _strftime_now(format: str) -> str:
    _check_format(format)
    return datetime.now().strftime(format)


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    return dict(*args, **kwargs)


def _tojson(
    x: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as it is, without the escapes for HTML that Jinja2's own filter makes."""
    _bounded(1000 * _weight(indent))
    return json.dumps(
        x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


@pass_context  # not for the context, but not to be computed while compiling
def _turns(_: Context, values: Iterable[Any]) -> list[Any]:
    if _length(values):
        _bounded(_length(values))
    turns = list(values)
    _allowance.get().spend(turns=len(turns))
    return turns


def _concatenated(values: list[Any]) -> str:
    texts = list(map(str, values))
    _bounded(sum(map(len, texts)))
    return "".join(texts)


def _grows_little(filter: Any) -> Any:
    """``filter``, refusing what would make too much."""
    from functools import wraps

    @wraps(filter)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        plain = [a for a in (*args, *kwargs.values()) if isinstance(a, str | int | list | tuple)]
        _check_format(next((a for a in plain if isinstance(a, str)), ""))
        _bound_product(*plain)
        return filter(*args, **kwargs)

    return bounded


def _check_format(format: str) -> None:
    """Widths and precisions of six digits, or given by an argument, are no formatting."""
    if re.search(r"[%:.][^%:]{0,8}?\d{6}|%[-+ #0]*\*|\{[^{}]*\{", format):
        raise SecurityError(f"it formats with {format[:60]!r}")


def _bound_product(*values: Any) -> None:
    product = 1
    for value in values:
        product *= 1 + _weight(value)
    _bounded(product)


def _bounded(size: int) -> None:
    if size > LARGEST:
        raise SecurityError(f"it makes a text or list of up to {size} elements")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _length(value: Any) -> int:
    try:
        return len(value) if not isinstance(value, int | float) else 0
    except TypeError:
        return 0
    except OverflowError:
        return LARGEST + 1


def _weight(value: Any) -> int:
    """How much a value can make of another: its length, for a list that of its texts, too."""
    if isinstance(value, int):
        return abs(value)
    if isinstance(value, list | tuple):
        return len(value) + sum(_length(item) for item in value)
    return _length(value)
