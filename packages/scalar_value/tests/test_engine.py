"""The graph and backpropagation: sharing, depth, modes, threads, higher derivatives."""

from __future__ import annotations

import copy
import gc
import math
import pickle
import threading
import weakref
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_value import (
    Value,
    affine,
    dot,
    enable_grad,
    exp,
    grad,
    is_grad_enabled,
    no_grad,
    registry,
    tanh,
)

MILLION = 1_000_000


def test_a_value_used_twice_adds_its_gradients() -> None:
    x = Value(3.0)
    y = x * x + x
    y.backward()
    assert (x.grad, y.grad) == (7.0, 1.0)


def test_diamond() -> None:
    x = Value(0.5)
    left, right = x.sin(), x.cos()
    (left * right).backward()
    assert x.grad == pytest.approx(math.cos(1.0))  # sin x cos x = sin(2x) / 2
    assert (left.grad, right.grad) == (right.data, left.data)


def test_stacked_diamonds_take_linear_time() -> None:
    x = y = Value(1.0)
    for _ in range(200):  # 2**200 paths
        y = (y + y) * 0.5
    y.backward()
    assert x.grad == 1.0


def test_a_short_and_a_long_way_meet_in_the_right_order() -> None:
    x = Value(2.0)
    a = x * 3.0
    b = a * a
    y = a + b * a + x
    y.backward()
    assert x.grad == 3 + 3 * 3 * (3 * 2.0) ** 2 + 1


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99), st.integers(0, 99)), max_size=30))
def test_any_graph_has_the_gradient_of_forward_mode(steps: list[tuple[int, int, int]]) -> None:
    """Dual numbers carry the derivative forward; both modes must agree."""
    x = Value(0.7)
    nodes, duals = [x, Value(-1.3)], [(0.7, 1.0), (-1.3, 0.0)]
    for kind, i, j in steps:
        a, b = nodes[i % len(nodes)], nodes[j % len(nodes)]
        (p, dp), (q, dq) = duals[i % len(nodes)], duals[j % len(nodes)]
        node, dual = [
            (lambda a, b: a + b, (p + q, dp + dq)),
            (lambda a, b: a - b, (p - q, dp - dq)),
            (lambda a, b: (a * b).tanh(), None),
            (lambda a, b: a.sin() * b, (math.sin(p) * q, math.cos(p) * dp * q + math.sin(p) * dq)),
            (lambda a, b: a * 0.5, (p * 0.5, dp * 0.5)),
        ][kind]
        if dual is None:
            t = math.tanh(p * q)
            dual = (t, (1 - t * t) * (dp * q + p * dq))
        nodes.append(node(a, b))
        duals.append(dual)
    nodes[-1].backward()
    assert nodes[-1].data == pytest.approx(duals[-1][0])
    assert x.grad == pytest.approx(duals[-1][1], rel=1e-9, abs=1e-9)


def test_a_second_backward_adds_the_same_again_everywhere() -> None:
    x = Value(2.0)
    h = x * x
    y = h * h
    y.backward()
    first = (x.grad, h.grad, y.grad)
    y.backward()
    assert (x.grad, h.grad, y.grad) == tuple(2 * g for g in first)
    x.zero_grad()
    assert x.grad == 0.0


def test_a_leaf_is_its_own_derivative() -> None:
    x = Value(5.0)
    x.backward()
    assert x.grad == 1.0


def test_infinite_and_undefined_slopes_are_passed_on() -> None:
    x = Value(0.0)
    (x.sqrt() * 0.0).backward()
    assert math.isnan(x.grad)  # 0 * inf: there is no answer, and none is made up


def test_detach_stops_the_gradient() -> None:
    x = Value(3.0)
    (x * x.detach()).backward()
    assert x.grad == 3.0


def test_data_changed_after_the_forward_pass_does_not_change_the_gradient() -> None:
    x = Value(3.0)
    y = x * x
    x.data = 100.0
    y.backward()
    assert x.grad == 6.0
    with pytest.raises(RuntimeError, match=r"input or the result of mul was changed"):
        y.backward(create_graph=True)


# --- a million nodes -----------------------------------------------------------------------------


def test_a_chain_of_a_million_nodes() -> None:
    x = y = Value(1.0, label="start")
    for _ in range(MILLION):
        y = y + x
    y.backward()
    assert x.grad == MILLION + 1
    assert repr(y) == f"Value(data={MILLION + 1}.0, grad=1.0)"
    assert pickle.loads(pickle.dumps(y)).data == y.data
    middle = weakref.ref(y.parents[0])
    del y  # a million nodes fall, one after the other
    assert middle() is None


def test_a_deep_gradient_can_be_shown_and_differentiated() -> None:
    x = y = Value(1.0)
    for _ in range(50_000):
        y = y * 1.0
    slope = grad(y * y, x, create_graph=True)
    assert grad(slope, x) == 2.0
    y.backward(create_graph=True)
    assert repr(x) == "Value(data=1.0, grad=1.0)"
    x.grad = 0.0  # the gradient leads back to x: a cycle, cut here


def test_a_plain_graph_is_freed_without_the_garbage_collector() -> None:
    gc.disable()
    try:
        x = Value(2.0)
        h = x.exp()
        ref = weakref.ref(h)
        y = (h * h).tanh()
        y.backward()
        del h, y
        assert ref() is None
    finally:
        gc.enable()


# --- higher derivatives --------------------------------------------------------------------------


def test_backward_with_a_graph_gives_gradients_that_have_gradients() -> None:
    x = Value(2.0)
    (x**3).backward(create_graph=True)
    slope = x.grad
    assert isinstance(slope, Value) and slope.data == 12.0
    x.zero_grad()
    slope.backward()
    assert x.grad == 12.0  # 6x


def test_gradients_with_a_graph_accumulate_too() -> None:
    x = Value(2.0)
    (x * x).backward()
    (x * x).backward(create_graph=True)
    assert x.grad.data == 8.0
    (x * x).backward()
    assert x.grad.data == 12.0


def test_derivatives_of_any_order() -> None:
    x = Value(0.3)
    y = exp(x * 2.0)
    for k in range(7):
        assert y.data == pytest.approx(2.0**k * math.exp(0.6))
        y = grad(y, x, create_graph=True)


def test_newtons_method_finds_a_minimum() -> None:
    x = Value(1.0)
    for _ in range(8):
        slope = grad(x**4 - 3 * x**3 + 2, x, create_graph=True)
        curve = grad(slope, x)
        x.data -= slope.data / curve if curve > 0 else -1.0
    assert x.data == pytest.approx(9 / 4, abs=1e-12)


def test_mixed_second_derivatives_are_symmetric() -> None:
    a, b = Value(0.7), Value(-0.4)
    y = tanh(a * b) + a**2 * b.exp()
    by_a, by_b = grad(y, [a, b], create_graph=True)
    assert grad(by_a, b) == pytest.approx(grad(by_b, a), rel=1e-14)


def test_grad_leaves_every_grad_alone_and_is_zero_where_there_is_no_way() -> None:
    x, z = Value(2.0), Value(1.0)
    y = x * x
    assert grad(y, [x, z, y]) == [4.0, 0.0, 1.0]
    assert grad(y, z, create_graph=True).data == 0.0
    assert (x.grad, y.grad) == (0.0, 0.0)


# --- modes and threads ---------------------------------------------------------------------------


def test_no_grad_makes_leaves() -> None:
    x = Value(2.0)
    with no_grad():
        results = [x + 1, x.exp(), x.max(1.0), dot([x], [x], x)]
        assert not is_grad_enabled()
        with enable_grad():
            assert (x + 1).parents == (x,)
    assert [r.parents for r in results] == [()] * 4
    assert all(r.op is None and r.inputs == () and r.partials == () for r in results)
    assert (x + 1).parents == (x,)


def test_no_grad_as_decorator_and_after_an_error() -> None:
    @no_grad()
    def fails(x: Value) -> Value:
        assert not is_grad_enabled()
        return x.log()

    for _ in range(2):
        with pytest.raises(ValueError, match="log"):
            fails(Value(-1.0))
        assert is_grad_enabled()


def test_backward_with_a_graph_records_inside_no_grad() -> None:
    x = Value(2.0)
    y = x**3
    with no_grad():
        slope = grad(y, x, create_graph=True)
        assert not is_grad_enabled()
    assert grad(slope, x) == 12.0


def test_no_grad_is_a_matter_of_one_thread() -> None:
    inside, checked, seen = threading.Event(), threading.Event(), []

    def other() -> None:
        inside.wait(10)
        seen.append((Value(1.0) + 1.0).parents != ())
        checked.set()

    thread = threading.Thread(target=other)
    thread.start()
    with no_grad():
        inside.set()
        assert checked.wait(10)
        assert (Value(1.0) + 1.0).parents == ()
    thread.join()
    assert seen == [True]


def test_graphs_of_several_threads_over_the_same_parameter() -> None:
    w, found = Value(1.5), {}

    def work(k: int) -> None:
        y = w
        for _ in range(2000):
            y = y * 1.0 + w * k
        found[k] = grad(y, w)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == {k: 1.0 + 2000 * k for k in range(6)}


def test_backward_in_two_threads_loses_no_gradient() -> None:
    """While one thread is between reading a gradient and writing it, another must wait."""
    reading, finished = threading.Event(), threading.Event()

    class Gap(float):
        def __add__(self, g: float) -> float:
            reading.set()
            finished.wait(0.3)  # time enough for the other thread to come in between, if it can
            return float(self) + g

    w = Value(1.0)
    w.grad = Gap(0.0)

    def other() -> None:
        reading.wait(10)
        (w * 3.0).backward()
        finished.set()

    thread = threading.Thread(target=other)
    thread.start()
    (w * 2.0).backward()
    thread.join()
    assert w.grad == 5.0


# --- comparison, hashing, copies, numbers --------------------------------------------------------


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_comparison_is_by_number(x: float, z: float) -> None:
    for b in (z, Value(z)):
        a = Value(x)
        assert [a < b, a <= b, a > b, a >= b, a == b, a != b] == [
            *(x < z, x <= z, x > z, x >= z, x == z, x != z),
        ]
    assert (x < Value(z), x == Value(z)) == (x < z, x == z)


def test_sets_and_dicts_keep_equal_values_apart() -> None:
    a, b = Value(2.0), Value(2.0)
    assert a == b
    assert len({a, b, a}) == 2
    names = {a: "a", b: "b"}
    a.data = 7.0  # the number may change; the place in a dict must not
    assert (names[a], names[b]) == ("a", "b")
    assert Value(7.0) not in names


def test_comparison_with_something_else() -> None:
    assert (Value(1.0) == "1", Value(1.0) != "1", Value(1.0) == None) == (False, True, False)  # noqa: E711


def test_truth_format_and_repr() -> None:
    assert bool(Value(0.0)) is False and bool(Value(-1.0)) is True
    assert f"{Value(3.14159):.2f}" == "3.14"
    v = Value(2, label="weight")
    assert f"{v}" == repr(v) == "Value(data=2.0, grad=0.0, label='weight')"


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda v: pickle.loads(pickle.dumps(v))]
)
def test_a_copy_is_a_leaf_with_the_same_number(copied) -> None:
    x = Value(2.0, label="x")
    y = x * x
    y.backward()
    twin = copied(x)
    assert (twin.data, twin.grad, twin.label) == (2.0, 4.0, "x")
    assert copied(y).parents == () and twin is not x
    assert copied(registry["exp"]) is exp


@pytest.mark.parametrize("number", [2, 2.0, True, Fraction(1, 3)])
def test_any_real_number_is_welcome(number: float) -> None:
    assert Value(number).data == float(number)
    assert type(Value(number).data) is float
    assert (Value(1.0) * number).data == float(number)


def test_dot_is_the_sum_of_products_in_one_node() -> None:
    w, x, b = [Value(1.0), Value(2.0)], [Value(10.0), 100.0], Value(0.5)
    y = dot(w, x, b)
    y.backward()
    assert (y.data, y.op) == (210.5, affine)
    assert [v.grad for v in (*w, x[0], b)] == [10.0, 100.0, 1.0, 1.0]
    assert y.parents == (b, *w, x[0])
    assert grad(grad(y, w[0], create_graph=True), x[0]) == 1.0
    assert dot([1.0], [2.0]).data == 2.0 and dot([], []).data == 0.0


def test_names_of_micrograds_trace() -> None:
    a, b = Value(2.0), Value(3.0)
    y = (a * b).relu()
    assert (y._op, a._op) == ("ReLU", "")
    assert y._prev == {*y.parents} and y.parents[0]._prev == {a, b}
