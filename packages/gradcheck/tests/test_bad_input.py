"""Whatever is handed to gradcheck: a verdict, a finding, or one clear sentence."""

from functools import partial

import numpy as np
import pytest

import gradcheck as gc
from gradcheck.controls import negative_control
from gradcheck.engines import Engine

X = np.array([0.5, -1.0, 2.0])


def square(x):
    return x * x


def rule(g, y, x):
    return 2 * g * x


def tangent(t, y, x):
    return 2 * t * x


ASKED = {
    "wrt": [
        (0, TypeError, r"wrt is 0; it must be a list of positions"),
        ("0", TypeError, "list of positions"),
        ([0.5], TypeError, "list of positions"),
        ([], ValueError, "wrt is empty"),
        ([-1], ValueError, "wrt names -1, but there is only primal 0"),
        ([1], ValueError, "wrt names 1, but there is only primal 0"),
    ],
    "mode": [
        ("all", ValueError, "mode is 'all'; it must be one of auto"),
        (None, ValueError, "mode is None"),
        (["auto"], ValueError, "must be one of"),
    ],
    "seed": [
        (-1, ValueError, "seed is -1; it must be a whole number, 0 or more"),
        (1.5, TypeError, "seed is 1.5"),
        ("abc", TypeError, "seed is 'abc'"),
        (float("inf"), TypeError, "seed is inf"),
    ],
    "domain": [
        (1, TypeError, r"domain is 1; it must be \(low, high\)"),
        ("01", TypeError, "it must be"),
        ((1, 0), ValueError, r"domain is \(1, 0\); low must be below high"),
        ((np.nan, 1), ValueError, "not NaN"),
        ([1], TypeError, r"domain\[0\] is 1"),
        ([(1,)], TypeError, r"domain\[0\] is \(1,\)"),
        ((5, 6), ValueError, r"primal 0 holds 0.5 at \(0,\), outside its domain \(5, 6\)"),
        ([None, None], ValueError, "domain has 2 entries for 1 primals"),
    ],
    "name": [(5, TypeError, "name is an int; it must be a str")],
}
REVERSE = {
    "order": [
        (0, ValueError, "order is 0; it must be 1, 2 or 3"),
        (None, TypeError, "order is None"),
        ("2", TypeError, "order is '2'"),
    ],
    "oracles": [
        ("numeric", TypeError, "oracles is 'numeric'; it must be a list"),
        (3, TypeError, "oracles is 3"),
        ([3], ValueError, r"unknown oracles \[3\]; known: numeric"),
    ],
    "sizes": [("no", TypeError, "sizes is 'no'; it must be True or False, or None")],
}
ALIAS = {"may_alias": [("no", TypeError, "may_alias is 'no'; it must be True or False")]}


def each(*tables):
    return [(k, *row) for table in tables for k, rows in table.items() for row in rows]


@pytest.mark.parametrize("keyword, value, error, text", each(ASKED, REVERSE, ALIAS))
def test_options_of_check_vjp(keyword, value, error, text):
    with pytest.raises(error, match=text):
        gc.check_vjp(square, rule, [X], **{keyword: value})


@pytest.mark.parametrize("keyword, value, error, text", each(ASKED, REVERSE))
def test_options_of_check_grads(keyword, value, error, text):
    with pytest.raises(error, match=text):
        gc.check_grads(gc.Pair(square, rule), [X], **{keyword: value})


@pytest.mark.parametrize("keyword, value, error, text", each(ASKED, ALIAS))
def test_options_of_check_jvp(keyword, value, error, text):
    with pytest.raises(error, match=text):
        gc.check_jvp(square, tangent, [X], **{keyword: value})


@pytest.mark.parametrize(
    "primals, error, text",
    [
        (X, TypeError, "primals is an ndarray; it must be a list of arrays"),
        ("abc", TypeError, "primals is a str"),
        (None, TypeError, "primals is None"),
        (square, TypeError, "primals is a function"),
        ([], ValueError, "primals is empty; give one array for each argument"),
        ([[[1.0, 2.0], [3.0]]], TypeError, "primal 0 is a list that is no array: setting an array"),
        ([None], TypeError, "primal 0 is None; it must hold real numbers"),
        ([X.astype(object)], TypeError, "dtype object; .*: give an ndarray of float64"),
        ([X * 1j], TypeError, r"dtype complex128; .*\.real and \.imag"),
    ],
)
def test_primals(primals, error, text):
    for check in (
        lambda: gc.check_vjp(square, rule, primals),
        lambda: gc.check_jvp(square, tangent, primals),
        lambda: gc.check_grads(gc.Pair(square, rule), primals),
        lambda: gc.assert_grads(square, primals, vjp=rule),
    ):
        with pytest.raises(error, match=text):
            check()


def test_functions_must_be_callable():
    with pytest.raises(TypeError, match="f is None; it must be a function"):
        gc.check_vjp(None, rule, [X])
    with pytest.raises(TypeError, match="vjp is a list; it must be a function"):
        gc.check_vjp(square, [X], rule)  # the order of another checker's arguments
    with pytest.raises(TypeError, match="jvp is an ndarray"):
        gc.check_jvp(square, X, [X])
    with pytest.raises(TypeError, match="vjp is an int"):
        gc.check_jvp(square, tangent, [X], vjp=3)
    with pytest.raises(TypeError, match="f is a str"):
        gc.check_grads("square", [X])
    with pytest.raises(TypeError, match="allow_inconclusive is 'yes'"):
        gc.assert_grads(square, [X], vjp=rule, allow_inconclusive="yes")


def test_a_point_at_the_edge_belongs_to_its_domain():
    report = gc.check_vjp(square, rule, [np.array([0.0, 1.0])], domain=(0, 1))
    assert report.ok, report


def test_integers_alone_are_named():
    (finding,) = gc.check_vjp(lambda a, b: a * 1.0, rule, [np.arange(3), [1, 2]]).findings
    assert finding.message.startswith("no floating-point input to differentiate: primal 0 is int64")
    (finding,) = gc.check_jvp(square, tangent, [[1, 2]]).findings
    assert "primal 0 is int64; give floats" in finding.message


def test_an_empty_tuple_of_outputs():
    (finding,) = gc.check_vjp(lambda x: (), rule, [X]).findings
    assert finding.message == "f returns an empty tuple; it must return at least one array"


def test_where_a_nan_is_and_where_it_came_from():
    x = np.array([[1.0, np.nan]])
    (finding,) = gc.check_vjp(lambda x: (x[:, 0], x * x), lambda g, y, x: x, [x]).findings
    text = "f returns NaN at 1 of 3 outputs, first at (0, 1) of output 1"
    assert finding.message == f"{text}; input 0 is NaN itself, at (0, 1)"
    assert finding.verdict == "inconclusive"


def test_lines_that_reproduce_say_every_option():
    def wrong(t, y, x):
        return 3 * t * x

    report = gc.check_jvp(square, wrong, [abs(X)], vjp=rule, domain=(0, np.inf), wrt=[0], seed=4)
    call = "check_jvp(square, jvp, primals, vjp=rule, wrt=(0,), domain=(0, float('inf')), seed=4)"
    assert call in str(report)
    report = gc.check_vjp(square, lambda g, y, x: g * x, [abs(X)], sizes=False, domain=[(0.0, 9)])
    assert "sizes=False" in report.reproduce and "domain=[(0.0, 9)]" in report.reproduce


class TestWhatTheLayoutProbeSays:
    """A finding about memory layouts says so only where the layout makes the difference."""

    def test_a_rule_that_keeps_state(self):
        calls = [0]

        def stateful(g, y, x):
            calls[0] += 1
            return 2 * g * x * max(1, calls[0] - 4)

        text = str(gc.check_vjp(square, stateful, [np.outer(X, X)]))
        assert text.startswith("FAIL")
        assert "contiguous" not in text

    def test_a_random_rule(self):
        rng = np.random.default_rng(0)
        text = str(gc.check_vjp(square, lambda g, y, x: 2 * g * x * rng.random(), [X]))
        assert "differs between" in text
        assert "contiguous" not in text and "layout" not in text

    def test_a_rule_that_writes_into_its_cotangent(self):
        def writing(g, y, x):
            g *= 2
            return g * x

        text = str(gc.check_vjp(square, writing, [X]))
        assert "the pullback changes cotangent 0" in text
        assert "diagnosis: it writes into what it is given" in text
        assert "contiguous" not in text

    def test_a_forward_rule_that_writes_into_its_tangent(self):
        def writing(t, y, x):
            t *= 2
            return t * x

        text = str(gc.check_jvp(square, writing, [X]))
        assert text.startswith("FAIL")
        assert "contiguous" not in text

    def test_a_rule_that_reads_memory_in_order(self):
        def in_memory_order(g, y, x):
            return 2 * (g.ravel("K") * x.ravel("K")).reshape(x.shape)

        text = str(gc.check_vjp(square, in_memory_order, [np.outer(X, X[:2])]))
        assert "diagnosis: right only when contiguous" in text


SPEC = gc.OpSpec("square", square, rule)
SPECS = {
    "name": [(5, "name is 5; it must be a str"), ("", "name is ''")],
    "f": [("square", "f is a str; it must be a function")],
    "vjp": [(3, "vjp is an int; it must be a function")],
    "jvp": [([], "jvp is a list; it must be a function")],
    "args": [
        (3, "args is an int; it must be a list of Arg"),
        ([], "args is empty"),
        ([1], r"args\[0\] is an int; it must be an Arg"),
        (gc.Arg(), "args is an Arg; it must be a list"),
    ],
    "kwargs": [
        ([("axis", 0)], "kwargs is a list; it must map"),
        ({"axis": ()}, "an Axis or a list"),
    ],
    "order": [("2", "order is '2'; it must be 1, 2 or 3"), (4, "order is 4")],
    "may_alias": [("no", "may_alias is 'no'; it must be True or False")],
    "dims": [(3, r"dims is 3; it must be a pair \(least, most\)"), ((3, 1), "dims is")],
    "sides": [((0, 1.5), "the most of sides is 1.5; it must be a whole number")],
    "examples": [(0, "examples is 0; it must be a whole number, 1 or more")],
}
ARGS = {
    "shape": [
        ("any", "shape is 'any'; as a word it must be 'broadcast' or 'same'"),
        (3, "shape is 3; it must be 'broadcast', 'same', a tuple"),
        ((-1,), r"a side of shape \(-1,\) is -1"),
        ((2.5,), "is 2.5; it must be a whole number"),
    ],
    "domain": [(5, "domain is 5; it must be"), ((1, 0), "low must be below high")],
    "kinks": [(0.0, r"kinks is 0.0; it must be a tuple"), (["a"], "each must be a number")],
    "distinct": [("yes", "distinct is 'yes'")],
    "gap": [(0, "gap is 0; it must be a number above 0"), ("wide", "gap is 'wide'")],
    "below": [(0, "below is 0; it must be a whole number, 1 or more"), (2.5, "below is 2.5")],
    "dtype": [
        ("abc", "dtype is 'abc'; it must be a floating-point dtype"),
        (int, "floating-point"),
    ],
}
AXES = {"of": [("x", "of is 'x'; it must be a whole number")], "none": [(0, "none is 0")]}
CARDS = {
    "seed": [(1.5, "seed is 1.5; it must be a whole number"), (-1, "seed is -1")],
    "order": [("2", "order is '2'"), (0, "order is 0; it must be 1, 2 or 3")],
    "torch": [("yes", "torch is 'yes'; it must be True or False")],
    "engine": [(3, "int is no engine"), ("jaxx", "no engine named 'jaxx'")],
}
CARD = {
    "mode": [("all", "mode is 'all'")],
    "rng": [(0, "rng is an int; it must be a numpy.random.Generator, or give seed=")],
    "case": [(99, "case is 99; square has 8, counted from 0"), ("a", "case is 'a'")],
}
WRONG = (TypeError, ValueError)


@pytest.mark.parametrize(
    "make, keyword, value, text",
    [
        *((lambda **k: gc.OpSpec(**{"name": "f", "f": square, **k}), *row) for row in each(SPECS)),
        *((gc.Arg, *row) for row in each(ARGS)),
        *((gc.Axis, *row) for row in each(AXES)),
        *((lambda **k: gc.check_card(SPEC, **k), *row) for row in each(CARDS, CARD)),
        *((lambda **k: gc.check_case(SPEC, gc.Case(X), **k), *row) for row in each(CARDS)),
        *((lambda **k: gc.check_all([SPEC], **k), *row) for row in each(CARDS)),
    ],
)
def test_fields_of_specs_and_options_of_cards(make, keyword, value, text):
    with pytest.raises(WRONG, match=text):
        make(**{keyword: value})


def test_what_is_no_card():
    with pytest.raises(TypeError, match="op is a function; it must be a card: an OpSpec, or"):
        gc.check_card(square)
    with pytest.raises(TypeError, match="op is a function; it must be a card"):
        gc.check_case(square, gc.Case(X))
    with pytest.raises(TypeError, match="case is an ndarray; it must be a Case, such as"):
        gc.check_case(SPEC, X)
    with pytest.raises(TypeError, match="registry is an OpSpec; it must be a mapping or a list"):
        gc.check_all(SPEC)
    with pytest.raises(TypeError, match=r"registry\['sin'\] is an int; it must be a card"):
        gc.check_all({"square": SPEC, "sin": 3})
    with pytest.raises(ValueError, match="registry is empty; it must hold cards"):
        gc.check_all([])


def test_a_case_without_arrays_is_no_pass():
    report = gc.check_case(SPEC, gc.Case(2.0))
    assert report.verdict == "inconclusive"
    (finding,) = report.findings
    assert "the case has no arrays; give np.array(...) in place of numbers" in finding.message
    report = gc.check_case(SPEC, gc.Case(np.arange(3)))
    assert report.verdict == "inconclusive" and "f returns int64" in str(report)


def test_sides_may_all_be_zero():
    assert gc.check_card(gc.OpSpec("square", square, rule, sides=(0, 0))).ok


def test_what_given_op_takes():
    with pytest.raises(TypeError, match="spec is a function; it must be an OpSpec"):
        gc.given_op(square)
    with pytest.raises(TypeError, match="given_op has no option 'examples'; it takes"):
        gc.given_op(SPEC, examples=3)
    with pytest.raises(TypeError, match="what given_op decorates is an int; it must be a function"):
        gc.given_op(SPEC)(3)
    with pytest.raises(TypeError, match="allow_inconclusive is 'yes'"):
        gc.given_op(SPEC, allow_inconclusive="yes")


def test_names_of_engines():
    for name in (3, "", "auto", ["tape"]):
        with pytest.raises(TypeError, match=r"name is .*; it must be a str, and not 'auto'"):
            gc.register_engine(name, object)


def test_a_control_that_fails_for_another_reason_is_none():
    with pytest.raises(ValueError, match="for another reason: no floating-point input"):
        negative_control(gc.Pair(square, rule), [np.arange(3)])


class Square:
    """A function in the form of a class whose call is ``apply``."""

    @classmethod
    def apply(cls, x):
        return x * x

    def __call__(self, x):
        return x * x


def test_what_reports_call_a_function():
    def half(g, y, x):
        return g * x

    for f, name, written in (
        (Square.apply, "Square.apply", "Square.apply"),
        (Square(), "Square", "f"),
        (partial(np.power, 2.0), "power", "power"),
    ):
        report = gc.check_vjp(f, half, [X])
        assert report.name == name
        assert report.reproduce.startswith(f"check_vjp({written}, vjp, primals")


def test_the_class_where_its_apply_is_meant():
    with pytest.raises(TypeError, match=r"f is the class Square; give Square\.apply"):
        gc.check_grads(Square, [X])


def test_torch_functions_are_named():
    with pytest.raises(TypeError, match="torch_f is an int; it must be a torch function or its"):
        gc.check_vjp(square, rule, [X], torch_f=3)


def test_arrays_that_no_framework_holds():
    class Held(Engine):
        name = "held"

        def asarray(self, array):
            assert array.dtype == np.float64 and array.dtype.isnative
            return array

        def to_numpy(self, value):
            return value

        def vjp(self, f, primals):
            return (f(*primals),), lambda gs: [2 * gs[0] * primals[0]]

    with pytest.raises(TypeError, match=r"no framework holds; give primals\[0\]\.astype"):
        gc.check_grads(square, [X.astype(np.longdouble)], engine=Held())
    assert gc.check_grads(square, [X.astype(X.dtype.newbyteorder())], engine=Held()).ok


class TestRightRulesOfOddNumbers:
    """Numbers that are seldom tried accuse no rule that is right."""

    @pytest.mark.parametrize("dtype", [np.longdouble, np.float16, ">f8"])
    def test_types(self, dtype):
        x = (np.outer(X, X).astype(dtype) / 3).astype(dtype)
        assert gc.check_vjp(square, rule, [x]).ok
        assert gc.check_jvp(square, tangent, [x]).ok
        assert gc.check_vjp(square, lambda g, y, x: g * x, [x]).verdict == "fail"
        assert gc.check_jvp(square, lambda t, y, x: t * x, [x]).verdict == "fail"

    def test_a_function_that_computes_in_single_precision_itself(self):
        def narrow(x):
            return np.sin(x.astype("f")).astype("d")

        def narrow_rule(g, y, x):
            return (g.astype("f") * np.cos(x.astype("f"))).astype("d")

        x = np.linspace(0.1, 1.0, 12).reshape(3, 4)
        assert gc.check_vjp(narrow, narrow_rule, [x]).ok
        assert gc.check_vjp(np.sin, narrow_rule, [x]).verdict == "fail"


class TestWhatReportsSay:
    """Sentences that were wrong once."""

    def test_objects(self):
        report = gc.check_vjp(square, lambda g, y, x: (g * x).astype(object), [X])
        assert "vjp returns an ndarray of objects for input 0" in str(report)
        report = gc.check_vjp(lambda x: x.astype(object), rule, [X])
        assert "f returns ndarray of objects; it must return an ndarray" in str(report)
        report = gc.check_jvp(square, lambda t, y, x: None, [X])
        assert "jvp returns None for output 0" in str(report)

    def test_exceptions_of_any_kind(self):
        class Speechless(Exception):
            def __str__(self):
                raise RuntimeError

        def raising(error):
            def f(x):
                raise error

            return str(gc.check_vjp(f, rule, [X]))

        assert "f raises Speechless: with a message that cannot be shown" in raising(Speechless())
        assert len(raising(ValueError("long " * 10_000))) < 1500

    def test_one_fault_is_told_once(self):
        calls = [0]

        def late(g, y, x):
            calls[0] += 1
            if calls[0] > 9:
                raise ValueError("late")
            return 2 * g * x

        text = str(gc.check_vjp(square, late, [X]))
        assert text.count("raises ValueError: late") == 1
        assert "contiguous" not in text

    def test_a_rule_of_a_rule_with_too_few_gradients(self):
        pair = gc.Pair(rule, lambda gg, raw, g, y, x: (2 * gg * x,))
        text = " ".join(str(gc.check_vjp(square, pair, [X], order=2)).split())
        assert "the rule of the rule returns 1 gradients; it must return 3: for the cot" in text

    @pytest.mark.parametrize(
        "wrong, says",
        [
            (lambda t, y, x: t.mean(0), "too small by a constant factor 3"),
            (lambda t, y, x: 2 * t.sum(0), "too large by a constant factor 2"),
            (lambda t, y, x: t.sum(0) * (1 + 1e-6), "right to about 6 digits"),
        ],
    )
    def test_factors_of_forward_rules(self, wrong, says):
        assert says in str(gc.check_jvp(lambda x: x.sum(0), wrong, [np.outer(X, X)]))

    def test_a_forward_rule_that_forgets_its_tangent_does_not_clip(self):
        text = str(gc.check_jvp(square, lambda t, y, x: 2 * x, [X]))
        assert "zero tangent" in text and "clipping" not in text

    def test_complex_tangents_are_told_of_alone(self):
        report = gc.check_jvp(square, lambda t, y, x: 2j * t * x, [X])
        assert [x.probe for x in report.findings] == ["dtype"]

    def test_a_lost_sign_is_no_clipping(self):
        def absolute(g, y, x):
            return np.full_like(x, abs(g))

        text = str(gc.check_vjp(np.sum, absolute, [X]))
        assert "the sign of g is lost" in text or "|g| in place of g" in text
