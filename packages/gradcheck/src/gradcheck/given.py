"""A spec as a Hypothesis test."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from gradcheck import asked
from gradcheck import strategies as gs
from gradcheck.card_cases import check_case
from gradcheck.drawing import Chance, Domain, Shape
from gradcheck.forward import Array
from gradcheck.outcomes import judge
from gradcheck.specs import Case, OpSpec, accepted, draw_case

TAKES = ("args", "kwargs", "report")

DEFAULTS: dict[str, Any] = {
    "max_examples": 50,
    "deadline": None,
    # All but explaining: it traces every line of the check, and the report explains better.
    "phases": [phase for phase in Phase if phase is not Phase.explain],
}


class Drawn:
    """Draws with Hypothesis what :class:`gradcheck.drawing.Chance` draws with NumPy."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self.drawn = draw

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options; the first is the simplest."""
        return self.drawn(st.sampled_from(options))

    def side(self, low: int, high: int) -> int:
        """One side length."""
        return int(self.drawn(gs.dimensions(high, low)))

    def shape(self, dims: tuple[int, int], sides: tuple[int, int]) -> Shape:
        """A shape."""
        return tuple(self.drawn(gs.shapes(dims[1], sides[1], dims[0], sides[0])))

    def broadcastable(
        self, count: int, dims: tuple[int, int], sides: tuple[int, int]
    ) -> tuple[Shape, ...]:
        """``count`` shapes that broadcast together."""
        strategy = gs.broadcastable_shapes(count, dims[1], sides[1], dims[0], sides[0])
        return tuple(self.drawn(strategy))

    def values(self, shape: Shape, domain: Domain, kinks: Sequence[float], gap: float) -> Array:
        """Numbers inside the domain and away from the kinks."""
        return np.asarray(self.drawn(gs.values(shape, domain, kinks=kinks, gap=gap)))

    def distinct(self, shape: Shape, domain: Domain, kinks: Sequence[float], gap: float) -> Array:
        """Numbers ``gap`` apart from each other."""
        return np.asarray(self.drawn(gs.distinct(shape, gap, tuple(kinks), domain=domain)))

    def integers(self, shape: Shape, below: int) -> Array:
        """Integers from 0 up to, not including, ``below``."""
        return np.asarray(self.drawn(gs.integers(below, shape)))

    def axis(self, ndim: int, several: bool, none: bool) -> Any:
        """An axis, a tuple of them, or None, as far as allowed."""
        if not several or ndim == 0:
            return self.drawn(gs.axis(ndim, none=none))
        return self.drawn(st.one_of(gs.axis(ndim, none=none), gs.axes(ndim)))


class Sampled(Chance):
    """Draws with NumPy, and the shapes that are Hypothesis strategies with Hypothesis."""

    def drawn(self, strategy: st.SearchStrategy[Any]) -> Any:
        """One value of a strategy, from the generator's state alone."""
        found: list[Any] = []

        @seed(int(self.rng.integers(2**32)))
        @settings(
            max_examples=1 + int(self.rng.integers(8)),  # the first of all is always the simplest
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis_given(strategy)
        def keep(value: Any) -> None:
            found.append(value)

        keep()
        return found[-1]


@st.composite
def cases(draw: Callable[..., Any], spec: OpSpec) -> Case:
    """The cases of a spec: arguments that go together, small and readable once they shrink.

    >>> from hypothesis import find
    >>> spec = OpSpec("square", np.square, lambda g, y, x: 2 * g * x)
    >>> find(cases(spec), lambda case: case.args[0].size == 2)
    Case(np.array([1.0, 1.0]))
    """
    case = draw_case(spec, Drawn(draw))
    assume(case is not None and accepted(spec, case))
    assert case is not None
    return case


def given_op(
    spec: OpSpec,
    *,
    allow_inconclusive: bool = False,
    torch: bool = False,
    **hypothesis_settings: Any,
) -> Callable[..., Any]:
    """A Hypothesis test that the gradients of a spec are right at all its cases.

    ``test_mul = given_op(MUL)`` is the whole test. As a decorator it adds what else must hold: the
    function is called after the gradients were found right, with what it names of ``args`` (a
    tuple), ``kwargs`` (a dict) and ``report``. An inconclusive case raises Inconclusive unless
    that is allowed. ``torch=True`` compares with the spec's torch counterpart, too. The remaining
    keywords are Hypothesis settings (by default ``max_examples=50``, no deadline, all phases but
    explaining). Raises TypeError for a function that takes anything else.

    >>> spec = OpSpec("square", np.square, lambda g, y, x: 2 * g * x)
    >>> test_square = given_op(spec, max_examples=10, database=None)
    >>> test_square()
    """
    if not isinstance(spec, OpSpec):
        raise TypeError(f"spec is {asked.kind(spec)}; it must be an OpSpec")
    asked.flag(allow_inconclusive, "allow_inconclusive")
    asked.flag(torch, "torch")
    unknown = [name for name in hypothesis_settings if not hasattr(settings, name)]
    if unknown:
        text = "it takes allow_inconclusive, torch and the settings of Hypothesis"
        raise TypeError(f"given_op has no option {unknown[0]!r}; {text}")
    chosen = settings(**{**DEFAULTS, **hypothesis_settings})

    def check(case: Case) -> Any:
        __tracebackhide__ = True
        report = check_case(spec, case, torch=torch)
        return judge(report, allow_inconclusive)

    def test(body: Callable[..., Any] | None = None) -> Any:
        if body is not None:
            return _with_body(spec, check, chosen, body)
        return alone()

    def gradients(case: Case) -> None:
        check(case)

    test.__doc__ = f"The gradients of {spec.name} are right."
    gradients.__name__ = test.__name__ = f"test_{spec.name}"  # Hypothesis keeps examples by name
    test.__qualname__ = test.__name__
    alone = chosen(hypothesis_given(cases(spec))(gradients))
    return test


def _with_body(
    spec: OpSpec, check: Callable[[Case], Any], chosen: Any, body: Callable[..., Any]
) -> Callable[..., Any]:
    """The test whose every case is also handed to a function."""
    asked.function(body, "what given_op decorates")
    takes = list(inspect.signature(body).parameters)
    if not set(takes) <= set(TAKES):
        text = f"takes {', '.join(takes)}; given_op offers {', '.join(TAKES)}"
        raise TypeError(f"{body.__name__} {text}")

    def test(case: Case) -> None:
        offered = {"report": check(case), "args": case.args, "kwargs": case.kwargs}
        body(**{name: offered[name] for name in takes})

    for name in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(test, name, getattr(body, name))
    return chosen(hypothesis_given(cases(spec))(test))
