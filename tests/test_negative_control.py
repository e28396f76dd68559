"""A check that cannot fail proves nothing: gradients 0.1 % off must be judged wrong."""

import numpy as np
import pytest
import torch
from op_cards import Call, cases
from side_by_side import run, tally
from test_every_layer import Network, packed
from test_every_op import OF_COMPLEX, PRECISIONS

import scalar_value
import tensor_core
from gradcheck import Pair, check_card, check_grads, check_vjp
from gradcheck.controls import ScaledEngine, negative_control, scaled_rule
from tensor_core import registry

X = np.array([[0.3, -0.7, 1.1], [0.9, 0.2, -1.3]])


def numpy_square(x):
    return x * x


def numpy_rule(g, y, x):
    return 2 * g * x


def with_factor(library, factor):
    """A function of the library's tensors whose recorded gradient is ``factor`` times too large."""

    class Off(library.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return factor * (2 * x * g)

    return Off.apply


def with_scalar_factor(factor):
    """The same for Values: an op of its own, not entered in the registry."""
    square = scalar_value.Op(
        lambda x: x * x, cases=lambda rng: [], slopes=[lambda y, x: factor * 2.0 * x]
    )
    return lambda x: np.vectorize(square, otypes=[object])(x)


MADE_WRONG = {
    "tensor_core": lambda factor: with_factor(tensor_core, factor),
    "torch": lambda factor: with_factor(torch, factor),
    "scalar_value": with_scalar_factor,
}


@pytest.mark.parametrize("engine", MADE_WRONG)
@pytest.mark.parametrize("order", [1, 2])
def test_each_engine(engine, order):
    """The rule itself is wrong, so the error takes the way every gradient takes."""
    for factor, verdict in [(1.0, "pass"), (1.001, "fail"), (0.999, "fail"), (-1.0, "fail")]:
        f = MADE_WRONG[engine](factor)
        report = check_grads(f, [X], engine=engine, order=order)
        assert report.verdict == verdict, f"x {factor}: {report}"
        tally["negative controls"] += verdict == "fail"


def test_numpy_pairs():
    assert check_vjp(numpy_square, numpy_rule, [X]).verdict == "pass"
    assert check_vjp(numpy_square, scaled_rule(numpy_rule), [X]).verdict == "fail"
    assert negative_control(Pair(numpy_square, numpy_rule), [X]).verdict == "fail"
    tally["negative controls"] += 2


def sloping_case(name):
    """The first case of a card with a gradient that is not all zeros, if there is one."""
    for number, case in cases(name):
        call = Call(registry[name], case)
        outcome = run(tensor_core, call, call.arrays, 1, call.wrt)
        if any(np.any(g) for g in outcome.first):
            return number
    return None


FLAT = ("ceil", "floor", "floor_divide", "round", "sign", "trunc", "trunc_divide")
SLOPING = [name for name in registry if sloping_case(name) is not None]


@pytest.mark.parametrize("name", SLOPING)
def test_every_card_fails_when_its_gradients_are_scaled(name):
    report = check_card(registry[name], ScaledEngine("tensor_core"), case=sloping_case(name))
    assert report.verdict == "fail"
    tally["negative controls"] += 1


@pytest.mark.parametrize("name", ["conv", "gelu", "layer_norm", "matmul", "softmax", "sort"])
def test_cards_fail_in_single_precision_too(name):
    engine, case = ScaledEngine("tensor_core"), sloping_case(name)
    assert check_card(registry[name], engine, case=case, dtype="float32").verdict == "fail"
    tally["negative controls"] += 1


@pytest.mark.parametrize("name", scalar_value.registry)
def test_every_scalar_operation_fails_when_its_slopes_are_scaled(name):
    report = check_card(scalar_value.registry[name], ScaledEngine("scalar_value"))
    assert report.verdict == "fail"
    tally["negative controls"] += 1


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("name", ["nn.Linear", "nn.LSTM", "transformer.Block", "transformer.GPT"])
def test_modules_fail_when_their_gradients_are_scaled(name, dtype):
    program, arrays = packed(Network(name, dtype))
    report = check_grads(program, arrays, wrt=(0,), engine=ScaledEngine("tensor_core"))
    assert report.verdict == "fail"
    tally["negative controls"] += 1


def test_cards_without_a_slope_are_steps():
    """Only functions constant between jumps may escape the control above, and what torch's
    gradient is no derivative of (ctc_rows) or is of complex numbers."""
    with_rules = {n for n in registry if registry[n].rules} - OF_COMPLEX
    assert with_rules - set(SLOPING) == {*FLAT, "angle", "sgn", "ctc_rows"}
