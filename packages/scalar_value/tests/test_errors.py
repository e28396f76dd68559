"""Errors say what was computed, with which numbers, and what would be right."""

from __future__ import annotations

import math
import re

import pytest

from scalar_value import Op, Value, affine, dot, exp, leaky_relu, maximum, op
from scalar_value.losses import binary_cross_entropy, cross_entropy, hinge, mse
from scalar_value.nn import Neuron
from scalar_value.optim import SGD, Adam


@pytest.mark.parametrize("apply", ["v + s", "v - s", "v * s", "v / s", "v ** s", "v < s", "s ** v"])
def test_operators_name_both_types(apply: str) -> None:
    with pytest.raises(TypeError) as error:
        eval(apply, {"v": Value(1.0), "s": "a"})
    assert "Value" in str(error.value) and "str" in str(error.value)


@pytest.mark.parametrize(
    ("compute", "kind", "text"),
    [
        (lambda: Value(-1.0).log(), ValueError, "log(-1.0) has no result: log needs x > 0"),
        (lambda: Value(0.0).log(), ValueError, "log(0.0) has no result: log needs x > 0"),
        (lambda: Value(-4.0).sqrt(), ValueError, "sqrt(-4.0) has no result: sqrt needs x >= 0"),
        (lambda: Value(1.0) / 0, ZeroDivisionError, "1.0 / 0.0 divides by zero"),
        (lambda: 3 / Value(0), ZeroDivisionError, "3.0 / 0.0 divides by zero"),
        (lambda: Value(0) ** -2, ZeroDivisionError, "0.0 ** (-2.0) divides by zero"),
        (lambda: Value(1000.0).exp(), OverflowError, "exp(1000.0) overflows"),
        (lambda: exp(1000.0), OverflowError, "exp(1000.0) overflows"),
        (lambda: Value(10.0) ** 400, OverflowError, "10.0 ** 400.0 overflows"),
        (lambda: Value(-8.0) ** 0.5, ValueError, "(-8.0) ** 0.5 has no result: pow needs x >= 0"),
        (lambda: Value(math.inf).sin(), ValueError, "sin(inf) has no result: sin needs a finite x"),
        (lambda: Value("2"), TypeError, "Value('2'): needs one real number, not str"),
        (lambda: Value(1j), TypeError, "Value(1j): needs one real number, not complex"),
        (lambda: Value(Value(1.0)), TypeError, "it is a Value already; v.detach()"),
        (lambda: maximum(Value(1.0), None), TypeError, "or real numbers, not NoneType"),
        (lambda: Value(1.0).max("a"), TypeError, "types for max: 'Value' and 'str'"),
        (lambda: Value(1.0).leaky_relu({}), TypeError, "leaky_relu: inputs must be Values"),
        (lambda: [1, 2] * Value(2.0), TypeError, "operand types for *: 'list' and 'Value'"),
        (lambda: maximum(Value(1.0)), TypeError, "maximum takes 2 inputs, not 1"),
        (lambda: exp(Value(1.0), 2.0), TypeError, "exp takes 1 inputs, not 2"),
        (lambda: affine(1.0, Value(2.0)), ValueError, "as many w as x"),
        (lambda: dot([Value(1.0)], [1.0, 2.0]), ValueError, "dot: 1 numbers with 2: the lengths"),
        (
            lambda: dot([Value(1.0)], ["a"]),
            TypeError,
            "affine: inputs must be Values or real numbers, not str",
        ),
        (lambda: Neuron(2)([1.0]), ValueError, "ReLUNeuron(2) got 1 inputs: it has 2 weights"),
        (lambda: mse([Value(1.0)], []), ValueError, "mse: 1 predictions with 0 targets"),
        (lambda: hinge([], []), ValueError, "at least one"),
        (lambda: binary_cross_entropy([], [1]), ValueError, "binary_cross_entropy: 0 predictions"),
        (lambda: cross_entropy([[Value(1.0)]], [1]), IndexError, "target 1 of 1 classes"),
        (lambda: cross_entropy([[Value(1.0)]], [-1]), IndexError, "target -1 of 1 classes"),
        (lambda: SGD([]), ValueError, "got no parameters"),
        (lambda: SGD([Value(1.0)], lr=-1), ValueError, "lr=-1"),
        (lambda: SGD([Value(1.0)], momentum=-1), ValueError, "momentum=-1"),
        (lambda: Adam([Value(1.0)], betas=(0.9, 1.0)), ValueError, "betas=(0.9, 1.0)"),
        (
            lambda: op(cases=lambda rng: [])(math.exp),
            ValueError,
            "'exp' is already in the registry",
        ),
    ],
)
def test_message(compute, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        compute()


def test_the_math_module_refuses_rather_than_lose_the_gradient() -> None:
    with pytest.raises(TypeError, match="Value"):
        math.exp(Value(1.0))


def test_an_input_left_out_takes_its_default() -> None:
    assert leaky_relu(Value(-2.0)).data == -0.02
    assert leaky_relu(-2.0) == -0.02


def test_a_failed_operation_leaves_its_inputs_as_they_were() -> None:
    x = Value(-1.0)
    with pytest.raises(ValueError):
        x.log()
    (x * x).backward()
    assert x.grad == -2.0


def test_an_error_without_an_explanation_keeps_its_own_words() -> None:
    card = Op(lambda x: x, cases=lambda rng: [])
    assert str(card.explain(ValueError("odd"), (1.0,))) == "<lambda>(1.0) odd"
