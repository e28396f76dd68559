"""A spec as a Hypothesis test: what passes, what fails, and to what it shrinks."""

import inspect

import numpy as np
import pytest
from registry import REGISTRY, forgetful_mul_rule

import gradcheck as gc
from gradcheck import given_op
from gradcheck import strategies as gs


@pytest.mark.parametrize("name", REGISTRY)
def test_right_rules_hold(name):
    given_op(REGISTRY[name], max_examples=15, database=None)()


test_square = given_op(gc.OpSpec("square", np.square, lambda g, y, x: 2 * g * x), max_examples=5)


@given_op(REGISTRY["total"], max_examples=20)
def test_a_body_is_given_what_was_drawn(args, kwargs, report):
    assert report.ok
    assert np.array_equal(np.sum(*args, **kwargs), args[0].sum(**kwargs))


@given_op(REGISTRY["mul"], max_examples=5)
def test_a_body_may_be_empty(): ...


def failing(spec, **options):
    """The error of the smallest case, and the cases tried after the first failure."""
    with pytest.raises(AssertionError) as caught:
        given_op(spec, database=None, derandomize=True, **options)()
    return caught.value


def test_a_missing_unbroadcast_shrinks_to_a_tiny_case():
    wrong = gc.OpSpec("mul", np.multiply, forgetful_mul_rule, args=[gc.Arg(), gc.Arg()])
    error = failing(wrong, max_examples=200)
    case = case_of(error)
    assert max(array.size for array in case.args) <= 2
    numbers = np.concatenate([array.reshape(-1) for array in case.args])
    assert set(numbers.tolist()) <= {1.0, 2.0, 0.5, -1.0}


def case_of(error):
    """The case in the line that reproduces a failure."""
    line = error.report.reproduce
    made = line[line.index("Case(") : -1]
    assert any(made in note for note in error.__notes__)  # Hypothesis prints the same one
    return eval(made, {"np": np, "Case": gc.Case})


def test_a_rule_wrong_for_negative_inputs_shrinks_to_one():
    wrong = gc.OpSpec("abs3", lambda x: x**3, lambda g, y, x: 3 * g * x * np.abs(x))
    assert [a.tolist() for a in case_of(failing(wrong)).args] == [-1.0]


def test_repeated_indices_are_found():
    def assigned(g, y, table, rows):
        grad = np.zeros_like(table)
        grad[rows] = g
        return grad, None

    args = [gc.Arg(("n", 2)), gc.Arg(("k",), below="n")]
    wrong = gc.OpSpec("pick", lambda table, rows: table[rows], assigned, args=args)
    assert case_of(failing(wrong)).args[1].tolist() == [0, 0]


def test_a_keyword_ignored_by_the_rule_is_found():
    def forgets(g, y, x, axis):
        return np.array(np.broadcast_to(np.expand_dims(g, 0), x.shape))

    wrong = gc.OpSpec("sum", np.sum, forgets, args=[gc.Arg((2, 2))], kwargs={"axis": gc.Axis()})
    assert case_of(failing(wrong)).kwargs["axis"] in (1, -1)


def test_an_inconclusive_case_is_no_pass():
    spec = gc.OpSpec("nan", lambda x: x * np.nan, lambda g, y, x: g, args=[gc.Arg((1,))])
    assert isinstance(failing(spec), gc.Inconclusive)
    given_op(spec, allow_inconclusive=True, database=None, max_examples=3)()


def test_a_shape_may_be_a_strategy():
    square = gs.shapes(min_dims=2, max_dims=2, min_side=1).filter(lambda s: s[0] == s[1])
    spec = gc.OpSpec(
        "trace",
        np.trace,
        lambda g, y, x: g * np.eye(len(x), dtype=x.dtype),
        args=[gc.Arg(square)],
    )
    assert gc.check_card(spec).ok
    cases = list(spec.cases(np.random.default_rng(0)))
    assert len({case.args[0].shape for case in cases}) > 1
    given_op(spec, max_examples=5, database=None)()


def test_a_function_that_wants_something_else_is_refused():
    with pytest.raises(TypeError, match="takes x, tmp_path; given_op offers args, kwargs, report"):

        @given_op(REGISTRY["mul"])
        def test(x, tmp_path): ...


def test_the_test_has_a_name_and_is_collected():
    assert given_op(REGISTRY["mul"]).__name__ == "test_mul"
    assert inspect.isfunction(test_square)  # or pytest would not collect it
