"""What the Hypothesis strategies promise."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import gradcheck as gc
from gradcheck import strategies as gs


@given(gs.broadcastable_shapes(count=3))
def test_shapes_broadcast(shapes):
    assert len(shapes) == 3
    np.broadcast_shapes(*shapes)


@given(st.data())
def test_values_stay_inside_their_domain(data):
    domain = data.draw(st.sampled_from([(0.0, 1.0), (2.0, None), (None, -1.0)]))
    x = data.draw(gs.values(gs.shapes(), domain))
    low, high = (-np.inf if domain[0] is None else domain[0]), domain[1]
    assert (x > low).all()
    assert (x < (np.inf if high is None else high)).all()


@given(gs.distinct(gs.shapes(), gap=0.2, kinks=(0.0, 1.0)))
def test_distinct_values_keep_their_distance(x):
    line = np.sort(x.reshape(-1))
    assert (np.diff(line) >= 0.2 - 1e-12).all()
    for kink in (0.0, 1.0):
        assert (np.abs(line - kink) >= 0.1 - 1e-12).all()


@given(gs.values((3, 4)), gs.relaid())
def test_layouts_keep_shape_and_dtype(x, lay):
    assert lay(x).shape == x.shape
    assert lay(x).dtype == x.dtype


@given(gs.cotangents((2, 3), np.float32))
def test_cotangents_have_their_shape(g):
    assert g.shape == (2, 3)
    assert g.dtype == np.float32


@given(st.data())
def test_values_keep_away_from_kinks_or_stand_on_them(data):
    kinks = data.draw(st.sampled_from([(0.0,), (0.0, 6.0), (-1.0, 1.0)]))
    away = data.draw(gs.values(gs.shapes(max_side=6), kinks=kinks, gap=0.2))
    assert all((np.abs(away - kink) >= 0.1 - 1e-12).all() for kink in kinks)
    on = data.draw(gs.values(gs.shapes(min_side=1), kinks=kinks, on_kinks=True))
    assert np.isin(on, kinks).any()


def test_drawn_on_kinks_without_any_is_refused():
    with pytest.raises(ValueError, match="needs kinks"):
        find(gs.values(on_kinks=True), lambda x: True)


@given(gs.distinct((30,), gap=0.5, domain=(0.0, None)))
def test_distinct_values_stay_inside_their_domain(x):
    assert (x > 0).all()
    assert np.diff(np.sort(x)).min() >= 0.5 - 1e-12


@given(st.data())
def test_axes_are_distinct_and_fit(data):
    rank = data.draw(st.integers(0, 4))
    axes = data.draw(gs.axes(rank, min_size=0, none=True))
    if axes is not None:
        assert len({axis % rank for axis in axes}) == len(axes)
        np.zeros((1,) * rank).sum(axis=axes)
    assert data.draw(gs.axis(2, negative=False)) in (0, 1)
    assert data.draw(gs.axis(0, none=True)) is None


def test_the_shapes_that_hide_bugs_are_frequent():
    drawn = []

    @settings(max_examples=200, database=None, derandomize=True, phases=[Phase.generate])
    @given(gs.broadcastable_shapes())
    def draw(shapes):
        drawn.append(shapes)

    draw()
    stretched = [1 in a and a != b and 0 not in a for a, b in drawn]
    square = [len(a) > 1 and len(set(a)) == 1 and a[0] > 1 for a, _ in drawn]
    empty = [0 in a for a, _ in drawn]
    assert min(sum(stretched), sum(square), sum(empty)) >= 10


@given(gs.aliased(gs.values((2,)), count=3))
def test_one_array_stands_for_two_arguments(args):
    assert len(args) == 3
    assert len({id(array) for array in args}) < 3


@given(gs.integers(3, gs.shapes()))
def test_integers_stay_below(k):
    assert k.dtype == np.int64
    assert ((k >= 0) & (k < 3)).all()


@pytest.mark.parametrize(
    ("strategy", "wanted", "smallest"),
    [
        (gs.values((3,)), lambda x: x.sum() > 3.9, {1.0, 2.0}),
        (gs.values((2,)), lambda x: (x < 0).any(), {1.0, -1.0}),
        (gs.values((2,), (0.0, 1.0)), lambda x: x.size == 2, {0.5}),
        (gs.values((2,), (None, -3.0)), lambda x: x.size == 2, {-4.0}),
        (gs.values((40,)), lambda x: True, None),
        (gs.values((2,), kinks=(0.0,), on_kinks=True), lambda x: x[1] == 0, {0.0, 1.0}),
        (gs.cotangents((3,)), lambda g: True, {1.0}),
    ],
)
def test_what_fails_shrinks_to_readable_numbers(strategy, wanted, smallest):
    found = find(strategy, wanted, settings=settings(database=None, derandomize=True))
    assert smallest is None or set(found.tolist()) <= smallest
    assert (found * 4 == np.round(found * 4)).all()  # quarters at the finest, in large arrays, too


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_a_broadcasting_rule_holds_for_all_shapes(data):
    a, b = (data.draw(gs.values(s)) for s in data.draw(gs.broadcastable_shapes()))

    def back(g, shape):
        g = g.sum(axis=tuple(range(g.ndim - len(shape))))
        return g.sum(axis=tuple(k for k, n in enumerate(shape) if n == 1), keepdims=True)

    def rule(g, y, a, b):
        return np.reshape(back(g * b, a.shape), a.shape), np.reshape(back(g * a, b.shape), b.shape)

    report = gc.check_vjp(np.multiply, rule, [a, b])
    assert report.ok, report
