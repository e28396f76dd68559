"""What an operation is: a card that holds all there is to know about it.

A card says what the operation computes (``forward``), its derivative with respect to each input
(``slopes``), the torch function it equals, inputs to try it on, and where its derivative jumps.
Cards know nothing of `Value`: they are mathematics. The engine reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import compress
from typing import TYPE_CHECKING, Any, Protocol, overload

if TYPE_CHECKING:
    from .engine import Value


class Random(Protocol):
    """What ``cases`` wants of a random generator; ``random.Random`` has it."""

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between ``a`` and ``b``."""

    def choice(self, seq: Sequence[Any], /) -> Any:
        """Return one element of ``seq``."""


Cases = Callable[[Random], Iterable[tuple[float, ...]]]

registry: dict[str, Op] = {}
"""Every differentiable operation, by name. `op` fills it."""


class Op:
    """One differentiable operation: call it on Values to record, on numbers to compute.

    >>> from scalar_value import Value, exp
    >>> exp(0.0)
    1.0
    >>> exp(Value(0.0))
    Value(data=1.0, grad=0.0)

    - ``forward(*numbers)`` computes the result from plain floats.
    - ``slopes[i](y, *inputs)`` is the derivative of the result ``y`` with respect to input ``i``.
      It is written with operators and other cards only, so that it works on floats (a first
      derivative) and on Values (a derivative that can be differentiated again).
    - ``all_slopes(y, *inputs)``, for an op with any number of inputs, returns them all at once.
    - ``cases(rng)`` yields tuples of floats to call the op with, away from its kinks.
    - ``kinks`` says in words where the derivative jumps and what is returned there, or is None.
    - ``torch`` is the name, under ``torch.``, of the function that computes the same, or None.
    - ``needs`` says in words which inputs have a result, or is None if all do.
    """

    def __init__(
        self,
        forward: Callable[..., float],
        *,
        cases: Cases,
        slopes: Sequence[Callable[..., Any]] = (),
        all_slopes: Callable[..., Sequence[Any]] | None = None,
        symbol: str | None = None,
        torch: str | None = None,
        kinks: str | None = None,
        needs: str | None = None,
    ) -> None:
        self.name = forward.__name__
        self.forward = forward
        self.slopes = tuple(slopes)
        self.all_slopes = all_slopes
        self.cases = cases
        self.symbol = symbol or self.name
        self.torch = torch
        self.kinks = kinks
        self.needs = needs
        self.__doc__ = forward.__doc__

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _look_up, (self.name,)  # a pickle names the card, it does not copy it

    @overload
    def __call__(self, *inputs: float) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, *inputs: Value | float) -> Value: ...
    def __call__(self, *inputs: Any) -> Any:
        if self.all_slopes is None and len(inputs) != len(self.slopes):
            inputs = self._complete(inputs)
        for x in inputs:
            if hasattr(x, "record"):
                return x.record(self, *inputs)
        try:
            return self.forward(*inputs)
        except (ArithmeticError, ValueError) as error:
            raise self.explain(error, inputs) from None

    def _complete(self, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Add the defaults of inputs left out; raise TypeError where the number is still wrong."""
        missing = len(self.slopes) - len(inputs)
        defaults = self.forward.__defaults__ or ()
        if not 0 < missing <= len(defaults):
            raise TypeError(f"{self.name} takes {len(self.slopes)} inputs, not {len(inputs)}")
        return inputs + tuple(defaults[-missing:])

    def partials(
        self, y: Any, inputs: Sequence[Any], wanted: Sequence[bool] | None = None
    ) -> tuple[Any, ...]:
        """Return the slopes at ``inputs``: all, or those of the inputs that are ``wanted``.

        >>> from scalar_value import registry
        >>> registry["mul"].partials(6.0, (2.0, 3.0))
        (3.0, 2.0)
        >>> registry["mul"].partials(6.0, (2.0, 3.0), wanted=(True, False))
        (3.0,)
        """
        if self.all_slopes is not None:
            slopes = self.all_slopes(y, *inputs)
            return tuple(slopes if wanted is None else compress(slopes, wanted))
        chosen = self.slopes if wanted is None else compress(self.slopes, wanted)
        return tuple([slope(y, *inputs) for slope in chosen])

    def explain(self, error: Exception, numbers: Sequence[float]) -> Exception:
        """Return ``error`` again, of the same type, saying what was computed with which numbers.

        >>> from scalar_value import registry
        >>> registry["log"].explain(ValueError("math domain error"), (-1.0,))
        ValueError('log(-1.0) has no result: log needs x > 0')
        """
        if len(numbers) == 2 and not self.symbol[0].isalpha():
            left, right = (f"({x!r})" if x < 0 else f"{x!r}" for x in numbers)
            what = f"{left} {self.symbol} {right}"
        else:
            what = f"{self.name}({', '.join(map(repr, numbers))})"
        if isinstance(error, OverflowError):
            why = "overflows: the result is beyond the largest float, about 1.8e308"
        elif isinstance(error, ZeroDivisionError):
            why = "divides by zero"
        else:
            why = f"has no result: {self.name} needs {self.needs}" if self.needs else f"{error}"
        return type(error)(f"{what} {why}")


def _look_up(name: str) -> Op:
    return registry[name]


def op(**card: Any) -> Callable[[Callable[..., float]], Op]:
    """Turn a function on floats into an `Op` and enter it in the `registry`.

    The keywords are those of `Op`.

    >>> from scalar_value import registry
    >>> registry["tanh"].torch
    'tanh'
    """

    def enter(forward: Callable[..., float]) -> Op:
        new = Op(forward, **card)
        if new.name in registry:
            raise ValueError(f"op {new.name!r} is already in the registry: choose another name")
        registry[new.name] = new
        return new

    return enter
