"""What programs allow ``load(weights_only=True)`` to use beside what weights are made of."""

from __future__ import annotations

from typing import Any

from . import _allowed
from ._opened import reading, shown


def add_safe_globals(safe_globals: list[Any]) -> None:
    """Let ``load(weights_only=True)`` use classes and functions, or ``(object, "its.name")``.

    >>> import tensor_core as torch
    >>> import fractions
    >>> torch.serialization.add_safe_globals([fractions.Fraction])
    >>> torch.serialization.get_safe_globals()
    [<class 'fractions.Fraction'>]
    >>> torch.serialization.clear_safe_globals()
    """
    for item in safe_globals:
        _allowed.users.update(_named(item))


def _named(item: Any) -> dict[str, Any]:
    if not isinstance(item, tuple):
        name = f"{item.__module__}.{item.__qualname__}"
        ours, _, rest = name.partition(".")
        return {name: item} | ({f"torch.{rest}": item} if ours == "tensor_core" else {})
    if len(item) != 2:
        raise ValueError(f"add_safe_globals: expected (object, name), got {len(item)} items")
    if not isinstance(item[1], str):
        raise TypeError(f"add_safe_globals: the name must be a str, but got {type(item[1])}")
    return {item[1]: item[0]}


def get_safe_globals() -> list[Any]:
    """What has been allowed."""
    found: list[Any] = []
    for item in _allowed.users.values():
        if not any(item is f for f in found):
            found.append(item)
    return found


def clear_safe_globals() -> None:
    """Allow nothing but what weights are made of."""
    _allowed.users.clear()


class safe_globals:
    """:func:`add_safe_globals` for the length of a block."""

    def __init__(self, safe_globals: list[Any]) -> None:
        self.safe_globals = safe_globals

    def __enter__(self) -> None:
        self._before = dict(_allowed.users)
        add_safe_globals(self.safe_globals)

    def __exit__(self, *exc: object) -> None:
        _allowed.users.clear()
        _allowed.users.update(self._before)


def get_unsafe_globals_in_checkpoint(f: Any) -> list[str]:
    """The names a zip file uses that ``load(weights_only=True)`` would refuse; nothing is run."""
    import pickletools

    from ._archive import Reader

    with reading(f) as file:
        data = Reader(file, shown(f)).read("data.pkl")
    named = {
        str(arg).replace(" ", ".", 1)
        for op, arg, _ in pickletools.genops(data)
        if op.name == "GLOBAL"
    }
    allowed = {*_allowed.GLOBALS, *_allowed.users}
    return sorted(n.removeprefix("builtins.") for n in named - allowed)
