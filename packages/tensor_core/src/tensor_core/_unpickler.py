"""Reading pickles without running anything but what is on a list.

A pickle is a program for a small stack machine. This one knows the instructions that files of
tensors are made of, looks names up in a table instead of importing them, and calls only what the
table says may be called.
"""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError, decode_long
from typing import Any

from ._allowed import BLOCKED, Allowed

_ADVICE = (
    "If you trust this class or function, allow it with "
    "torch.serialization.add_safe_globals([{name}]) or inside "
    "`with torch.serialization.safe_globals([{name}]):`; torch.load(..., weights_only=False) "
    "allows everything, and can run any code the file's author chose."
)


class _Outside(Exception):
    """What went wrong was not the pickle: a record or a device that is not there."""


class Unpickler:
    """Reads one object; ``resolve_storage(pid)`` gives the storages it refers to.

    Raises:
        UnpicklingError: the pickle names, calls or builds what is not allowed, or is damaged.
    """

    def __init__(
        self, file: Any, resolve_storage: Callable[[Any], Any], allowed: Allowed | None = None
    ) -> None:
        self._read = file.read
        self._readline = file.readline
        self._resolve_storage = resolve_storage
        self._allowed = allowed or Allowed()
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def load(self) -> Any:
        """The object."""
        try:
            while True:
                code = self._bytes(1)
                if code == b".":
                    return self._stack.pop()
                step = _STEPS.get(code)
                if step is None:
                    raise UnpicklingError(f"instruction {code!r} is not supported")
                step(self)
        except UnpicklingError:
            raise
        except _Outside as error:
            raise error.args[0] from None
        except (IndexError, KeyError) as error:
            raise UnpicklingError(
                f"the pickle is damaged: {type(error).__name__} {error}"
            ) from None
        except (ValueError, TypeError, OverflowError, RuntimeError, AttributeError) as error:
            raise UnpicklingError(str(error)) from error

    # -- reading ----------------------------------------------------------------------------------

    def _bytes(self, n: int) -> bytes:
        if n > _LONGEST:
            raise UnpicklingError(f"the pickle asks for a text of {n} bytes")
        data = self._read(n)
        if len(data) != n:
            raise UnpicklingError("the pickle ends too early")
        return data

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._bytes(struct.calcsize(form)))[0]

    def _line(self) -> str:
        line = self._readline()
        if not line.endswith(b"\n"):
            raise UnpicklingError("the pickle ends too early")
        return line[:-1].decode("utf-8")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _since_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marks.pop()
        return items

    def _push_marked(self, kind: Callable[[list[Any]], Any]) -> None:
        items = self._since_mark()
        self._push(kind(items))

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    # -- what may be dangerous --------------------------------------------------------------------

    def _global(self) -> None:
        self._find(self._line(), self._line())

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if type(name) is not str or type(module) is not str:
            raise UnpicklingError("the name of a global is no text")
        self._find(module, name)

    def _find(self, module: str, name: str) -> None:
        full = f"{module}.{name}"
        if module.split(".")[0] in BLOCKED:
            raise UnpicklingError(f"it names {full}, and nothing of that module may be used")
        found = self._allowed.find(module, name)
        if found is None:
            shown = full.removeprefix("builtins.").removeprefix("__builtin__.")
            raise UnpicklingError(
                f"it names {shown}, which is not on the list of what weights are made of "
                f"(Unsupported global: {shown}). " + _ADVICE.format(name=shown)
            )
        self._push(found)

    def _reduce(self) -> None:
        args = self._stack.pop()
        function = self._stack[-1]
        if type(args) is not tuple:
            raise UnpicklingError("the arguments of a call are no tuple")
        self._stack[-1] = self._allowed.call(function, args)

    def _newobj(self) -> None:
        args = self._stack.pop()
        cls = self._stack.pop()
        if type(args) is not tuple:
            raise UnpicklingError("the arguments of a new object are no tuple")
        self._push(self._allowed.new(cls, args))

    def _build(self) -> None:
        state = self._stack.pop()
        self._allowed.build(self._stack[-1], state)

    def _persistent(self) -> None:
        pid = self._stack.pop()
        kind = pid[0] if type(pid) is tuple and pid else None
        if kind not in ("storage", b"storage"):
            raise UnpicklingError(f"it refers to {kind!r} outside of it, not to a storage")
        try:
            self._push(self._resolve_storage(pid))
        except UnpicklingError:
            raise
        except (TypeError, ValueError, IndexError) as error:
            raise UnpicklingError(f"it refers to a storage that cannot be: {error}") from None
        except Exception as error:
            raise _Outside(error) from None

    # -- containers -------------------------------------------------------------------------------

    def _append(self) -> None:
        item = self._stack.pop()
        self._list().append(item)

    def _appends(self) -> None:
        items = self._since_mark()
        self._list().extend(items)

    def _list(self) -> list[Any]:
        if type(self._stack[-1]) is not list:
            raise UnpicklingError(f"it appends to a {type(self._stack[-1]).__name__}, not a list")
        return self._stack[-1]

    def _setitem(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._dict()[key] = value

    def _setitems(self) -> None:
        items = self._since_mark()
        target = self._dict()
        for i in range(0, len(items), 2):
            target[items[i]] = items[i + 1]

    def _dict(self) -> Any:
        target = self._stack[-1]
        if type(target) not in (dict, OrderedDict, Counter) and not self._allowed.is_users(target):
            raise UnpicklingError(f"it sets items of a {type(target).__name__}, not of a dict")
        return target

    def _additems(self) -> None:
        items = self._since_mark()
        if type(self._stack[-1]) is not set:
            raise UnpicklingError("it adds items to what is no set")
        self._stack[-1].update(items)

    def _new_dict(self) -> None:
        items = self._since_mark()
        self._push({items[i]: items[i + 1] for i in range(0, len(items), 2)})

    def _tuple(self, n: int) -> None:
        if len(self._stack) < n:
            raise UnpicklingError("the pickle is damaged: a tuple of more than there is")
        self._stack[-n:] = [tuple(self._stack[-n:])]

    def _short_string(self) -> None:  # what Python 2 wrote for text
        self._push(self._bytes(self._number("<B")).decode("utf-8"))

    def _text(self, form: str) -> None:
        self._push(str(self._bytes(self._number(form)), "utf-8", "surrogatepass"))

    def _remember(self, place: int) -> None:
        self._memo[place] = self._stack[-1]


_LONGEST = 1 << 30

_STEPS: dict[bytes, Callable[[Unpickler], Any]] = {
    b"\x80": lambda u: u._number("<B"),  # the protocol
    b"\x95": lambda u: u._number("<Q"),  # a frame: only for buffering
    b"c": Unpickler._global,
    b"\x93": Unpickler._stack_global,
    b"R": Unpickler._reduce,
    b"\x81": Unpickler._newobj,
    b"b": Unpickler._build,
    b"Q": Unpickler._persistent,
    b"(": Unpickler._mark,
    b"0": lambda u: u._stack.pop(),
    b"1": lambda u: u._since_mark(),
    b"2": lambda u: u._push(u._stack[-1]),
    b"N": lambda u: u._push(None),
    b"\x88": lambda u: u._push(True),
    b"\x89": lambda u: u._push(False),
    b"J": lambda u: u._push(u._number("<i")),
    b"K": lambda u: u._push(u._number("<B")),
    b"M": lambda u: u._push(u._number("<H")),
    b"\x8a": lambda u: u._push(decode_long(u._bytes(u._number("<B")))),
    b"\x8b": lambda u: u._push(decode_long(u._bytes(u._number("<I")))),
    b"G": lambda u: u._push(u._number(">d")),
    b"X": lambda u: u._text("<I"),
    b"\x8c": lambda u: u._text("<B"),
    b"\x8d": lambda u: u._text("<Q"),
    b"U": Unpickler._short_string,
    b"C": lambda u: u._push(u._bytes(u._number("<B"))),
    b"B": lambda u: u._push(u._bytes(u._number("<I"))),
    b"\x8e": lambda u: u._push(u._bytes(u._number("<Q"))),
    b"\x96": lambda u: u._push(bytearray(u._bytes(u._number("<Q")))),
    b"]": lambda u: u._push([]),
    b"}": lambda u: u._push({}),
    b")": lambda u: u._push(()),
    b"\x8f": lambda u: u._push(set()),
    b"\x91": lambda u: u._push_marked(frozenset),
    b"t": lambda u: u._push_marked(tuple),
    b"l": lambda u: u._push_marked(list),
    b"d": Unpickler._new_dict,
    b"\x85": lambda u: u._tuple(1),
    b"\x86": lambda u: u._tuple(2),
    b"\x87": lambda u: u._tuple(3),
    b"a": Unpickler._append,
    b"e": Unpickler._appends,
    b"s": Unpickler._setitem,
    b"u": Unpickler._setitems,
    b"\x90": Unpickler._additems,
    b"h": lambda u: u._push(u._memo[u._number("<B")]),
    b"j": lambda u: u._push(u._memo[u._number("<I")]),
    b"q": lambda u: u._remember(u._number("<B")),
    b"r": lambda u: u._remember(u._number("<I")),
    b"\x94": lambda u: u._remember(len(u._memo)),
}
