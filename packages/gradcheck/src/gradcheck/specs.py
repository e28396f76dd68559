"""What an op of one's own registry is, and how points to try it at are drawn."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck import asked_cards
from gradcheck.drawing import GAP, Chance, Domain, Shape
from gradcheck.forward import Array


class Case:
    """The arguments of one call: arrays among them are inputs, the rest parameters.

    ``domain`` bounds the values (one pair, or one for each array), ``wrt`` restricts the positions
    that are differentiated, ``max_order`` the order of derivative that exists.

    >>> Case(np.array([1.0, 0.5]), axis=0)
    Case(np.array([1.0, 0.5]), axis=0)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self.domain: Any = None
        self.wrt: tuple[int, ...] | None = None
        self.max_order = 3

    def __repr__(self) -> str:
        parts = [_literal(value) for value in self.args]
        parts += [f"{name}={_literal(value)}" for name, value in self.kwargs.items()]
        return f"Case({', '.join(parts)})"


def _literal(value: Any) -> str:
    """The value as Python source where it is small, else its type and shape."""
    if not isinstance(value, np.ndarray):
        return repr(value)
    kind = "" if value.dtype in (np.float64, np.int64) and value.size else f", np.{value.dtype}"
    if 0 in value.shape:
        return f"np.zeros({value.shape}{kind})"
    if value.size > 12:
        return f"array of shape {value.shape}, {value.dtype}"
    return f"np.array({value.tolist()}{kind})"


@dataclass(frozen=True)
class Arg:
    """How one array argument of an op is drawn.

    ``shape`` is ``"broadcast"`` (all such arguments broadcast together), ``"same"`` (all such have
    one shape), a tuple of side lengths and names (``("n", 3)``; a name has one length throughout
    the op) or a Hypothesis strategy of shapes. ``domain`` is an open interval, ``kinks`` are values
    to keep ``gap / 2`` away from, ``distinct`` keeps elements ``gap`` apart (for max, sort, ...).
    ``below`` makes it an array of integers from 0 up to that number or the length of that name.

    >>> Arg(("k",), below="n").dtype
    <class 'numpy.int64'>
    """

    shape: Any = "broadcast"
    domain: Domain = None
    kinks: tuple[float, ...] = ()
    distinct: bool = False
    gap: float = GAP
    below: int | str | None = None
    dtype: Any = None

    def __post_init__(self) -> None:
        asked_cards.arg(self)
        if self.dtype is None:
            object.__setattr__(self, "dtype", np.float64 if self.below is None else np.int64)

    @property
    def names(self) -> list[str]:
        """The names of lengths its shape uses."""
        sides = self.shape if isinstance(self.shape, tuple | list) else ()
        return [side for side in sides if isinstance(side, str)]


@dataclass(frozen=True)
class Axis:
    """A keyword that is an axis of the argument numbered ``of``; ``several`` allows tuples.

    >>> Axis(none=True)
    Axis(of=0, several=False, none=True)
    """

    of: int = 0
    several: bool = False
    none: bool = False

    def __post_init__(self) -> None:
        asked_cards.axis(self)


@dataclass(frozen=True)
class OpSpec:
    """An op of one's own registry: the function, its rule, and how its inputs are drawn.

    ``f(*arrays, **kwargs)`` and ``vjp(g, y, *arrays, **kwargs)`` are NumPy functions; without a
    rule ``f`` is a function of ``engine``'s tensors. ``kwargs`` maps each keyword to an
    :class:`Axis` or to a list of its values. ``torch`` names the torch counterpart (it is given the
    same keywords), ``order`` the highest order to check, ``may_alias`` allows the rule to return
    its cotangent. ``dims`` and ``sides`` bound what is drawn; ``examples`` is how many cases
    :meth:`cases` yields. An empty input that ``f`` itself refuses is not tried.

    >>> from gradcheck import check_card
    >>> spec = OpSpec("square", np.square, lambda g, y, x: 2 * g * x)
    >>> check_card(spec).verdict
    'pass'
    """

    name: str
    f: Callable[..., Any]
    vjp: Callable[..., Any] | None = None
    jvp: Callable[..., Any] | None = None
    args: Sequence[Arg] = (Arg(),)
    kwargs: Mapping[str, Any] | None = None
    torch: Any = None
    order: int = 1
    engine: Any = "auto"
    may_alias: bool = False
    dims: tuple[int, int] = (0, 3)
    sides: tuple[int, int] = (0, 4)
    examples: int = 8

    def __post_init__(self) -> None:
        asked_cards.spec(self)
        lengths = {name for arg in self.args for name in arg.names}
        for arg in self.args:
            if isinstance(arg.below, str) and arg.below not in lengths:
                raise ValueError(f"below={arg.below!r}, but no shape of {self.name} has that name")
        if self.vjp is not None and self.order > 1 and not hasattr(self.vjp, "vjp"):
            text = "needs a rule that is a pair itself: vjp=Pair(rule, rule_of_rule)"
            raise ValueError(f"order={self.order} {text}")
        for name, options in (self.kwargs or {}).items():
            if not isinstance(options, Axis | list | tuple) or options in ([], ()):
                raise TypeError(f"kwargs[{name!r}] must be an Axis or a list of values to try")
            if isinstance(options, Axis) and not 0 <= options.of < len(self.args):
                raise ValueError(f"kwargs[{name!r}] is an axis of argument {options.of}: none such")

    @property
    def forward(self) -> Callable[..., Any]:
        """The function, under the name op cards have for it."""
        return self.f

    @property
    def domains(self) -> list[Domain]:
        """The domain of every argument, for cases that say nothing of their own."""
        return [arg.domain for arg in self.args]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.f(*args, **kwargs)

    def cases(self, rng: np.random.Generator) -> Iterator[Case]:
        """Yield cases drawn with a NumPy generator; every value of a keyword takes its turn."""
        listed = {k: v for k, v in (self.kwargs or {}).items() if not isinstance(v, Axis)}
        turns = itertools.cycle(itertools.product(*listed.values()))
        count = max(self.examples, math.prod(map(len, listed.values())))
        chance = _chance(self, rng)
        for _ in range(count):
            chosen = dict(zip(listed, next(turns), strict=True))
            for _ in range(50):
                case = draw_case(self, chance, chosen)
                if case is not None and accepted(self, case):
                    yield case
                    break


def _chance(spec: OpSpec, rng: np.random.Generator) -> Any:
    """The generator's source of draws, or Hypothesis' where a shape is one of its strategies."""
    if any(hasattr(arg.shape, "map") for arg in spec.args):
        from gradcheck.given import Sampled

        return Sampled(rng)
    return Chance(rng)


def draw_case(spec: OpSpec, source: Any, chosen: Mapping[str, Any] | None = None) -> Case | None:
    """One case from a source of draws (see :class:`gradcheck.drawing.Chance`).

    None when the arguments have no axis to give. ``chosen`` fixes keywords.
    """
    shapes, lengths = _shapes(spec, source)
    kwargs: dict[str, Any] = {}
    for name, options in (spec.kwargs or {}).items():
        if isinstance(options, Axis):
            rank = len(shapes[options.of])
            if rank == 0 and not options.none:
                return None
            kwargs[name] = source.axis(rank, options.several, options.none)
        else:
            kwargs[name] = chosen[name] if chosen else source.pick(options)
    arrays = [_array(a, s, lengths, source) for a, s in zip(spec.args, shapes, strict=True)]
    case = Case(*arrays, **kwargs)
    case.domain = spec.domains
    case.max_order = spec.order
    return case


def _shapes(spec: OpSpec, source: Any) -> tuple[list[Shape], dict[str, int]]:
    """A shape for every argument, and the length of every name."""
    together = sum(isinstance(a.shape, str) and a.shape == "broadcast" for a in spec.args)
    broadcast = iter(source.broadcastable(together, spec.dims, spec.sides))
    alike = [isinstance(a.shape, str) and a.shape == "same" for a in spec.args]
    same = source.shape(spec.dims, spec.sides) if any(alike) else ()
    counted = {arg.below for arg in spec.args}  # no index fits into an axis of length 0
    low, high = spec.sides
    lengths = {
        name: source.side(max(low, 1) if name in counted else low, high)
        for name in sorted({name for arg in spec.args for name in arg.names})
    }
    shapes: list[Shape] = []
    for arg, is_same in zip(spec.args, alike, strict=True):
        if isinstance(arg.shape, str):
            shapes.append(same if is_same else next(broadcast))
        elif isinstance(arg.shape, tuple | list):
            shapes.append(tuple(lengths[n] if isinstance(n, str) else int(n) for n in arg.shape))
        else:
            shapes.append(tuple(source.drawn(arg.shape)))
    return shapes, lengths


def _array(arg: Arg, shape: Shape, lengths: Mapping[str, int], source: Any) -> Array:
    if arg.below is not None:
        below = lengths[arg.below] if isinstance(arg.below, str) else arg.below
        return np.asarray(source.integers(shape, below), arg.dtype)
    if arg.distinct:
        found = source.distinct(shape, arg.domain, arg.kinks, arg.gap)
    else:
        found = source.values(shape, arg.domain, arg.kinks, arg.gap)
    return np.asarray(found, arg.dtype)


def accepted(spec: OpSpec, case: Case) -> bool:
    """Whether a case is to be tried: not when an input is empty and the function refuses it."""
    if all(array.size for array in case.args):
        return True
    if spec.vjp is None:
        return False
    try:
        with np.errstate(all="ignore"):
            spec.f(*case.args, **case.kwargs)
    except Exception:
        return False
    return True
