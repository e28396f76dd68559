"""The character vocabulary that nanoGPT keeps in ``meta.pkl``, written as it reads it."""

import pickle
import pickletools
from pathlib import Path
from typing import Any

from transformer.io.atomic import replace_file
from transformer.tokenizers.char import CharTokenizer

_LARGEST = 64 << 20  # bytes; all of Unicode takes some 20 million

# The codes a pickle of dictionaries, strings and whole numbers is made of, by what they do.
_NUMBERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1")
_STRINGS = ("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8")
_FILL = ("SETITEM", "SETITEMS", "DICT")
_PUT = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
_GET = ("GET", "BINGET", "LONG_BINGET")
_NOTHING = ("PROTO", "FRAME", "STOP")


def write_meta(path: str | Path, tokenizer: CharTokenizer) -> None:
    """Write ``meta.pkl`` with the keys ``vocab_size``, ``itos`` and ``stoi``, as nanoGPT does.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "meta.pkl"
    >>> write_meta(path, CharTokenizer("ab"))
    >>> pickle.loads(path.read_bytes())
    {'vocab_size': 2, 'itos': {0: 'a', 1: 'b'}, 'stoi': {'a': 0, 'b': 1}}
    """
    itos = dict(enumerate(tokenizer.chars))
    stoi = {char: i for i, char in itos.items()}
    meta = {"vocab_size": len(itos), "itos": itos, "stoi": stoi}
    replace_file(path, lambda file: pickle.dump(meta, file))


def read_meta(path: str | Path) -> CharTokenizer:
    """The tokenizer of a ``meta.pkl``, read without running anything the file asks for.

    Raises ValueError, naming what it asked for, when the file is more than plain data, and when
    it is damaged or no vocabulary of single characters.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "meta.pkl"
    >>> write_meta(path, CharTokenizer("ab"))
    >>> read_meta(path).encode("ba")
    [1, 0]
    """
    path = Path(path)
    if path.stat().st_size > _LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size} bytes: that is no character vocabulary")
    try:
        meta = plain_data(path.read_bytes())
    except Refused as error:
        raise ValueError(f"{path} {error}") from None
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"{path} is damaged or no pickle ({error})") from None
    return CharTokenizer(_characters(meta, path))


class Refused(ValueError):
    """A pickle asks for more than dictionaries, strings and whole numbers."""


def plain_data(raw: bytes) -> Any:
    """What a pickle of dictionaries, strings and whole numbers holds.

    Python's own unpickler runs what a file tells it to, and can be made to take all memory even
    if it is allowed to import nothing; this one knows a dozen codes. Raises :class:`Refused`
    naming what else a pickle asks for; ValueError, TypeError or LookupError when it is damaged.

    >>> plain_data(pickle.dumps({"a": {0: 1}}))
    {'a': {0: 1}}
    >>> plain_data(pickle.dumps(print))
    Traceback (most recent call last):
    transformer.data.nanogpt.Refused: wants to run builtins.print: refused, since a vocabulary ...
    """
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[Any, Any] = {}
    for code, argument, _ in pickletools.genops(raw):
        name = code.name
        if name in _NUMBERS or name in _STRINGS:
            stack.append(argument)
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "MARK":
            marks.append(len(stack))
        elif name in _FILL:
            _fill(stack, name, len(stack) - 2 if name == "SETITEM" else marks.pop())
        elif name in _PUT:
            memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in _GET:
            stack.append(memo[argument])
        elif name not in _NOTHING:
            raise _refusal(name, argument, stack)
    (value,) = stack
    return value


def _fill(stack: list[Any], code: str, begin: int) -> None:
    """Put the keys and values from ``begin`` on into a dictionary: the one below, or a new one."""
    items, stack[begin:] = stack[begin:], [{}] if code == "DICT" else []
    if not isinstance(stack[-1], dict):
        raise ValueError(f"it puts entries into a {type(stack[-1]).__name__}")
    stack[-1].update(zip(items[::2], items[1::2], strict=True))


def _refusal(code: str, argument: Any, stack: list[Any]) -> Refused:
    if code == "STACK_GLOBAL":
        asks = "run " + ".".join(map(str, stack[-2:]))
    elif code in ("GLOBAL", "INST"):
        asks = "run " + str(argument).replace(" ", ".")
    else:
        asks = f"do {code}"
    return Refused(
        f"wants to {asks}: refused, since a vocabulary is made of dictionaries, strings and whole "
        f"numbers alone"
    )


def _characters(meta: Any, path: Path) -> list[str]:
    """The characters in the order of their ids."""
    if not isinstance(meta, dict) or not {"itos", "stoi", "vocab_size"} <= meta.keys():
        raise ValueError(f"{path} holds no vocabulary: it needs the keys vocab_size, itos and stoi")
    itos, stoi, size = meta["itos"], meta["stoi"], meta["vocab_size"]
    if not (isinstance(itos, dict) and isinstance(stoi, dict) and type(size) is int):
        raise ValueError(f"{path}: itos and stoi must be dictionaries, vocab_size a number")
    inverse = len(itos) == size and all(i in itos for i in range(size))
    if not all(isinstance(char, str) for char in itos.values()):
        raise ValueError(f"{path}: itos has values that are no strings")
    if not inverse or {itos[i]: i for i in itos} != stoi:
        raise ValueError(
            f"{path}: itos ({len(itos)} entries) and stoi ({len(stoi)}) are not each other's "
            f"inverse over the ids 0 to {size - 1}"
        )
    return [itos[i] for i in range(size)]
