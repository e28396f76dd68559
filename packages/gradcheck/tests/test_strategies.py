"""What the Hypothesis strategies promise."""

import numpy as np
from hypothesis import given, settings
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
