"""Every operation's first and second derivatives, against finite differences and exact values."""

from __future__ import annotations

import inspect
import math
import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scalar_value
from scalar_value import Op, Value, grad, registry

CARDS = sorted(registry)


def richardson(f: Callable[[float], float], x: float) -> tuple[float, float]:
    """Return f'(x) by central differences, extrapolated to step 0, and an estimate of the error."""
    h = 2.0 ** math.floor(math.log2(0.02 * max(abs(x), 0.5)))  # x + h is exact for a power of two
    rows = [(f(x + h / 2**k) - f(x - h / 2**k)) / (2 * h / 2**k) for k in range(5)]
    best, error = rows[-1], math.inf
    for order in range(1, 5):
        rows = [b + (b - a) / (4**order - 1) for a, b in pairwise(rows)]
        if abs(rows[-1] - best) < error:
            best, error = rows[-1], abs(rows[-1] - best)
    return best, error


def check(f: Callable[..., float], point: tuple[float, ...], slopes: list[float]) -> None:
    for i, slope in enumerate(slopes):

        def along(x: float, i: int = i) -> float:
            return f(*point[:i], x, *point[i + 1 :])

        numeric, error = richardson(along, point[i])
        tolerance = 100 * error + 1e-10 * max(1.0, abs(numeric), abs(f(*point)))
        assert tolerance < 1e-4 * max(1.0, abs(numeric)), "too rough to judge"
        assert slope == pytest.approx(numeric, abs=tolerance), (point, i)


def slopes_at(op: Op, point: tuple[float, ...]) -> list[float]:
    inputs = [Value(x) for x in point]
    op(*inputs).backward()
    return [v.grad for v in inputs]


def second_slopes_at(op: Op, point: tuple[float, ...], i: int) -> list[float]:
    """Return the derivatives of the i-th slope, with respect to every input."""
    inputs = [Value(x) for x in point]
    return grad(grad(op(*inputs), inputs[i], create_graph=True), inputs)


@pytest.mark.parametrize("name", CARDS)
@given(seed=st.integers(0, 2**32))
def test_slopes_are_the_derivative(name: str, seed: int) -> None:
    op = registry[name]
    for point in op.cases(random.Random(seed)):
        check(op, point, slopes_at(op, point))


@pytest.mark.parametrize("name", CARDS)
@given(seed=st.integers(0, 2**32))
def test_slopes_of_slopes_are_the_second_derivative(name: str, seed: int) -> None:
    op = registry[name]
    for point in op.cases(random.Random(seed)):
        for i in range(len(point)):
            check(lambda *x, i=i: slopes_at(op, x)[i], point, second_slopes_at(op, point, i))


@pytest.mark.parametrize("name", CARDS)
def test_a_wrong_slope_would_be_found(name: str) -> None:
    op = registry[name]
    point = list(op.cases(random.Random(0)))[-1]
    wrong = [slope + 1e-3 * max(1.0, abs(slope)) for slope in slopes_at(op, point)]
    with pytest.raises(AssertionError):
        check(op, point, wrong)


@pytest.mark.parametrize("name", CARDS)
def test_a_gradient_with_a_graph_is_the_same_number(name: str) -> None:
    op = registry[name]
    for point in op.cases(random.Random(1)):
        inputs = [Value(x) for x in point]
        y = op(*inputs)
        with_graph = grad(y, inputs, create_graph=True)
        assert [g.data for g in with_graph] == grad(y, inputs)


@pytest.mark.parametrize("name", CARDS)
def test_an_op_of_numbers_is_a_number(name: str) -> None:
    op = registry[name]
    for point in op.cases(random.Random(2)):
        result = op(*point)
        assert type(result) is float
        assert result == op(*map(Value, point)).data


OPERATORS = {
    "__add__": "add",
    "__radd__": "add",
    "__sub__": "sub",
    "__rsub__": "sub",
    "__mul__": "mul",
    "__rmul__": "mul",
    "__truediv__": "div",
    "__rtruediv__": "div",
    "__pow__": "pow",
    "__rpow__": "pow",
    "__neg__": "neg",
    "__abs__": "abs",
    "max": "maximum",
    "min": "minimum",
}
NOT_OPERATIONS = {"backward", "zero_grad", "detach", "record", "__pos__"}
NUMERIC = {n for n in vars(int) if n.startswith("__") and n not in vars(object)} - {
    *("__bool__", "__format__", "__getnewargs__", "__lt__", "__le__", "__gt__", "__ge__"),
}


def operations_of_value() -> list[str]:
    methods = [n for n, m in vars(Value).items() if inspect.isfunction(m)]
    public = [n for n in methods if not n.startswith("_") or n in NUMERIC]
    return sorted(set(public) - NOT_OPERATIONS)


@pytest.mark.parametrize("method", operations_of_value())
def test_every_operation_of_a_value_has_a_card(method: str) -> None:
    card = registry[OPERATORS.get(method, method)]
    x = Value(0.5)
    binary = len(card.slopes) == 2 and method != "leaky_relu"
    y = getattr(x, method)(2.0) if binary else getattr(x, method)()
    assert y.op is card
    forward = (2.0, 0.5) if method.startswith("__r") else (0.5, 2.0) if binary else (0.5,)
    assert y.data == card(*forward)


def test_the_list_of_operations_is_not_empty() -> None:
    assert {"exp", "__add__", "__rpow__", "gelu", "max", "__abs__"} <= set(operations_of_value())


def test_every_public_op_is_in_the_registry_and_the_other_way_round() -> None:
    public = {n for n in scalar_value.__all__ if isinstance(getattr(scalar_value, n), Op)}
    assert public == set(registry)
    assert all(registry[name].name == name for name in registry)


def test_every_card_yields_cases_and_every_corner_says_so() -> None:
    for card in registry.values():
        assert len(list(card.cases(random.Random(0)))) >= 4
        assert card.__doc__
    kinked = {name for name, card in registry.items() if card.kinks}
    assert kinked == {"relu", "leaky_relu", "abs", "maximum", "minimum"}


@pytest.mark.parametrize(
    ("name", "point", "slopes"),
    [
        ("relu", (0.0,), [0.0]),
        ("abs", (0.0,), [0.0]),
        ("abs", (-0.0,), [0.0]),
        ("leaky_relu", (0.0, 0.25), [0.25, 0.0]),
        ("maximum", (2.0, 2.0), [0.5, 0.5]),
        ("minimum", (2.0, 2.0), [0.5, 0.5]),
        ("pow", (0.0, 0.0), [0.0, 0.0]),
        ("pow", (0.0, 1.0), [1.0, 0.0]),
        ("pow", (0.0, 2.0), [0.0, 0.0]),
        ("pow", (0.0, 0.5), [math.inf, 0.0]),
        ("pow", (-3.0, 2.0), [-6.0, math.nan]),
        ("pow", (-2.0, -1.0), [-0.25, math.nan]),
        ("sqrt", (0.0,), [math.inf]),
    ],
)
def test_slopes_at_corners_and_edges(
    name: str, point: tuple[float, ...], slopes: list[float]
) -> None:
    assert slopes_at(registry[name], point) == pytest.approx(slopes, nan_ok=True)


def test_a_number_as_exponent_has_no_slope_to_go_wrong() -> None:
    x = Value(-3.0)
    y = x**2
    y.backward()
    assert (x.grad, y.parents, y.inputs) == (-6.0, (x,), (x, 2.0))


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_whole_powers_at_zero_have_all_their_derivatives(n: int) -> None:
    x = Value(0.0)
    slope = x**n
    for k in range(5):
        assert slope.data == (math.factorial(n) if k == n else 0.0)
        slope = grad(slope, x, create_graph=True)


@pytest.mark.parametrize(
    ("name", "x", "y", "slope"),
    [
        ("sigmoid", -800.0, 0.0, 0.0),
        ("sigmoid", 800.0, 1.0, 0.0),
        ("sigmoid", -40.0, math.exp(-40), math.exp(-40)),
        ("sigmoid", 40.0, 1.0, math.exp(-40)),
        ("tanh", 25.0, 1.0, 4 * math.exp(-50)),
        ("tanh", -25.0, -1.0, 4 * math.exp(-50)),
        ("tanh", 1e308, 1.0, 0.0),
        ("softplus", 1000.0, 1000.0, 1.0),
        ("softplus", -40.0, math.exp(-40), math.exp(-40)),
        ("gelu", 1e200, 1e200, 1.0),
        ("gelu", -1e200, 0.0, 0.0),
        # Phi(-10) and -10 Phi'(-10) + Phi(-10), to 16 digits
        ("gelu", -10.0, -10 * 7.619853024160527e-24, 7.619853024160527e-24 - 7.694598626706419e-22),
        ("erfc", 20.0, 5.395865611607901e-176, -2 / math.sqrt(math.pi) * math.exp(-400)),
        ("abs", -1e-310, 1e-310, -1.0),
        ("log", 1e-310, math.log(1e-310), math.inf),
        ("exp", -1000.0, 0.0, 0.0),
    ],
)
def test_far_out_nothing_overflows_or_cancels(name: str, x: float, y: float, slope: float) -> None:
    v = Value(x)
    result = registry[name](v)
    result.backward()
    assert result.data == pytest.approx(y, rel=1e-12, abs=0)
    assert v.grad == pytest.approx(slope, rel=1e-12, abs=0)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_nan_is_not_hidden(name: str) -> None:
    for pair in ((math.nan, 1.0), (1.0, math.nan)):
        assert math.isnan(registry[name](*pair))
    assert math.isnan(registry["relu"](math.nan))


@pytest.mark.parametrize("other", [2, 2.0, True, Value(2.0)])
def test_arithmetic_with_every_kind_of_number_on_both_sides(other: float | Value) -> None:
    n = other.data if isinstance(other, Value) else float(other)
    x = Value(3.0)
    results = [x + other, other + x, x - other, other - x, x * other, other * x]
    assert [r.data for r in results] == [3 + n, n + 3, 3 - n, n - 3, 3 * n, n * 3]
    assert [(x / other).data, (other / x).data] == [3 / n, n / 3]
    assert [(x**other).data, (other**x).data] == [3**n, n**3]
    assert (+x is x) and (-x).data == -3.0 and abs(-x).data == 3.0
