"""Optimizers, against their formulas written out a second time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_value import Value
from scalar_value.optim import SGD, Adam

GRADS = st.lists(st.floats(-3, 3), min_size=1, max_size=8)


def walk(optimizer, p: Value, grads: list[float]) -> float:
    for g in grads:
        p.grad = g
        optimizer.step()
    return p.data


@given(GRADS, st.floats(0, 0.99), st.floats(0, 0.5))
def test_sgd_is_a_sum_of_decaying_gradients(
    grads: list[float], momentum: float, decay: float
) -> None:
    p = Value(1.0)
    result = walk(SGD([p], 0.1, momentum, decay), p, grads)
    x, seen = 1.0, []
    for g in grads:
        seen.append(g + decay * x)
        x -= 0.1 * sum(momentum**age * past for age, past in enumerate(reversed(seen)))
    assert result == pytest.approx(x, rel=1e-9, abs=1e-12)


@given(GRADS, st.floats(0, 0.5))
def test_adam_is_a_ratio_of_weighted_means(grads: list[float], decay: float) -> None:
    p = Value(1.0)
    result = walk(Adam([p], 0.1, (0.8, 0.95), 1e-6, decay), p, grads)
    x, seen = 1.0, []
    for g in grads:
        seen.append(g + decay * x)
        by_1 = [0.8**age for age in range(len(seen))]
        by_2 = [0.95**age for age in range(len(seen))]
        newest_first = seen[::-1]
        mean = sum(w * s for w, s in zip(by_1, newest_first, strict=True)) / sum(by_1)
        square = sum(w * s * s for w, s in zip(by_2, newest_first, strict=True)) / sum(by_2)
        x -= 0.1 * mean / (math.sqrt(square) + 1e-6)
    assert result == pytest.approx(x, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("make", [lambda p: SGD(p, lr=0.05, momentum=0.8), lambda p: Adam(p, 0.1)])
def test_a_bowl_has_one_bottom(make) -> None:
    a, b = Value(3.0), Value(-2.0)
    optimizer = make(v for v in (a, b))
    for _ in range(400):
        optimizer.zero_grad()
        ((a - 1.0) ** 2 + 3 * (b - 0.5) ** 2).backward()
        optimizer.step()
    assert (a.data, b.data) == pytest.approx((1.0, 0.5), abs=1e-3)


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_a_gradient_with_a_graph_leaves_a_plain_number(kind) -> None:
    p = Value(2.0)
    (p * p).backward(create_graph=True)
    kind([p], lr=0.1).step()
    assert type(p.data) is float and p.data < 2.0
    p.zero_grad()
