"""What a card says about an op, beside its rule: the cases it must be tried on."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


class Case:
    """One set of arguments for an op; floating-point arrays among them are differentiated.

    ``domain`` bounds the values the op accepts, ``wrt`` restricts the positions that are
    differentiated, ``max_order`` the order of derivative that exists.

    >>> Case(np.ones(3), dim=0)
    Case(array(3,), dim=0)
    """

    __slots__ = ("args", "domain", "kwargs", "max_order", "wrt")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self.domain: tuple[float, float] | None = None
        self.wrt: tuple[int, ...] | None = None
        self.max_order = 2

    def with_(self, **meta: Any) -> Case:
        """Set ``domain``, ``wrt`` or ``max_order`` and return the case itself."""
        for name, value in meta.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        parts = [_show(a) for a in self.args]
        parts += [f"{k}={_show(v)}" for k, v in self.kwargs.items()]
        return f"Case({', '.join(parts)})"


def _show(value: Any) -> str:
    if isinstance(value, np.ndarray):
        kind = "" if value.dtype == np.float64 else f", {value.dtype}"
        return f"array({','.join(map(str, value.shape))},{kind})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_show, value))}]"
    return repr(value)


Cases = Callable[[np.random.Generator], Iterable[Case]]

registry: dict[str, Any] = {}
"""Every differentiable public function by name: the ops and the compositions of ops."""


def register(card: Any) -> Any:
    """Enter a card under its name, once."""
    if card.name in registry:
        raise ValueError(f"two cards are named {card.name!r}")
    registry[card.name] = card
    return card


def card(name: str) -> Any:
    """The card of that name; what copies and pickles of a card lead back to.

    >>> card("tanh")
    <op tanh(x)>
    """
    return registry[name]


class Composed:
    """A public function made of ops: it has a card, but no rule of its own."""

    rules: tuple[Any, ...] = ()
    fuses = None

    def __init__(
        self, function: Callable[..., Any], torch: str | None, cases: Cases, kinks: str | None
    ) -> None:
        self.name = function.__name__
        self.function = function
        self.torch = torch
        self.cases = cases
        self.kinks = kinks
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__wrapped__ = function
        self.__module__ = function.__module__  # where doctest looks for the docstring's example

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs:
            return self.function(*args)
        out = kwargs.pop("out", None)
        result = self.function(*args, **_renamed(kwargs))
        return result if out is None else _written(result, out)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else self.function.__get__(instance, owner)

    def __reduce__(self) -> tuple[Any, ...]:
        return card, (self.name,)

    def __repr__(self) -> str:
        return f"<function {self.name}>"


def _renamed(kwargs: dict[str, Any]) -> dict[str, Any]:
    """NumPy's spellings of keywords, which torch takes too, as torch's own."""
    for theirs, ours in (("axis", "dim"), ("keepdims", "keepdim")):
        if theirs in kwargs and ours not in kwargs:
            kwargs[ours] = kwargs.pop(theirs)
    return kwargs


def numpy_names(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function without a card that takes ``axis`` for ``dim`` and ``keepdims`` for ``keepdim``.

    >>> numpy_names(lambda dim: dim)(axis=1)
    1
    """

    @functools.wraps(function)
    def renaming(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **_renamed(kwargs))

    return renaming


def _written(result: Any, out: Any) -> Any:
    """The results in the tensors given for them."""
    from ._op import write_out  # which needs this module first

    if isinstance(result, tuple):
        return type(result)([write_out(r, o) for r, o in zip(result, out, strict=True)])
    return write_out(result, out)


def composed(
    *, torch: str | None, cases: Cases, kinks: str | None = None
) -> Callable[[Callable[..., Any]], Composed]:
    """Give a composition of ops a card, so that it is checked like an op."""

    def decorate(function: Callable[..., Any]) -> Composed:
        from ._special import arranged

        return register(Composed(arranged(function), torch, cases, kinks))

    return decorate
