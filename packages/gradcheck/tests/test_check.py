"""Verdicts, bad input, options and modes."""

import json
import math

import numpy as np
import pytest

import gradcheck as gc
from gradcheck.check import Options, run
from gradcheck.controls import negative_control, scaled_rule
from gradcheck.engines import get_engine
from gradcheck.engines.base import number_array
from gradcheck.subject import stream

R = np.random.default_rng(7)
X = R.standard_normal(6)


def cos_rule(g, y, x):
    return g * np.cos(x)


def test_a_finding_carries_the_numbers():
    report = gc.check_vjp(np.sin, lambda g, y, x: -g * np.cos(x), [X.reshape(2, 3)], seed=3)
    (finding,) = report.findings
    g = stream(3).standard_normal(6)
    exact = (g * np.cos(X)).reshape(2, 3)[finding.index]
    assert finding.probe == "value"
    assert finding.input == 0
    assert finding.count == finding.total == 6
    assert finding.numeric == pytest.approx(exact, abs=1e-10) == -finding.analytic
    assert 0 < finding.error < 1e-10
    assert finding.diagnosis == "sign flipped"


def test_the_text_says_what_is_wrong_where_and_how_to_see_it_again():
    def my_sin(x):
        return np.sin(x)

    text = str(gc.check_vjp(my_sin, lambda g, y, x: 2 * g * np.cos(x), [X], seed=5))
    lines = text.splitlines()
    assert lines[0].startswith("FAIL  my_sin [numpy]: ")
    assert lines[0].endswith("seed 5")
    assert "gradient of input 0 (shape (6,), float64) is wrong at 6 of 6 elements" in lines[1]
    assert [part.strip() for part in lines[2].split("|")] == [
        "index",
        "analytic",
        "numeric ± bound",
    ]
    assert lines[8].strip() == "diagnosis: too large by a constant factor 2"
    assert lines[9].strip().startswith("reproduce: check_vjp(my_sin, vjp, primals, seed=5)  # then")


def test_a_pass_is_one_line_with_the_seed():
    text = str(gc.check_vjp(np.sin, cos_rule, [X]))
    assert text.startswith("PASS  sin [numpy]: ")
    assert text.endswith("seed 0")
    assert "\n" not in text


def test_json_is_strict_and_complete():
    report = gc.check_vjp(np.sin, lambda g, y, x: np.full_like(x, np.nan), [X])
    data = json.loads(report.to_json(), parse_constant=lambda name: pytest.fail(name))
    assert data["verdict"] == "fail"
    assert data["findings"][0]["analytic"] == "nan"
    assert data["checks"] == report.checks > 0
    assert data["seed"] == 0


def test_equal_seeds_give_equal_reports():
    def wrong(g, y, x):
        return g * np.sin(x)

    reports = [gc.check_vjp(np.sin, wrong, [X], seed=s).to_json() for s in (1, 1, 2)]
    assert reports[0] == reports[1] != reports[2]


def test_assert_grads():
    report = gc.assert_grads(np.sin, [X], vjp=cos_rule)
    assert report.checks > 12
    with pytest.raises(AssertionError, match="sign flipped"):
        gc.assert_grads(np.sin, [X], vjp=lambda g, y, x: -g * np.cos(x))


def test_assert_grads_does_not_take_a_shrug_for_a_pass():
    def lost(x):
        return 1e20 + np.fabs(x)

    def rule(g, y, x):
        return g * np.sign(x)

    with pytest.raises(gc.Inconclusive, match="cannot be judged"):
        gc.assert_grads(lost, [X], vjp=rule)
    report = gc.assert_grads(lost, [X], vjp=rule, allow_inconclusive=True)
    assert report.verdict == "inconclusive"


class TestBadFunctions:
    """Faults of the functions under test are findings, never tracebacks."""

    CASES = {  # noqa: RUF012
        "a string": (lambda x: "no", "output", "returns str"),
        "None": (lambda x: None, "output", "returns NoneType"),
        "a list of strings": (lambda x: ["a", "b"], "output", "returns str, str"),
        "integers": (lambda x: x.astype(int), "output", "only floating-point outputs"),
        "raises": (lambda x: x[99], "error", "f raises IndexError"),
        "asserts": (lambda x: math.floor("1"), "error", "f raises TypeError"),
        "random": (lambda x: x * np.random.random(), "determinism", "f is random"),
        "mutates": (lambda x: np.sin(x, out=x), "mutation", "f changes input 0"),
        "takes two": (lambda x, y: x, "error", "f raises TypeError"),
    }

    @pytest.mark.parametrize("case", CASES)
    def test_f(self, case):
        f, probe, words = self.CASES[case]
        report = gc.check_vjp(f, cos_rule, [X])
        assert report.verdict == "fail"
        assert report.findings[0].probe == probe
        assert words in report.findings[0].message

    def test_nan_is_inconclusive(self):
        report = gc.check_vjp(np.log, lambda g, y, x: g / x, [np.array([-1.0, 1.0])])
        assert report.verdict == "inconclusive"
        assert "f returns NaN at 1 of 2 outputs" in str(report)

    def test_infinite_outputs_get_no_cotangent(self):
        mask = np.array([True, False, False])

        def fill(x):
            return np.where(mask, -np.inf, x)

        report = gc.check_vjp(fill, lambda g, y, x: np.where(mask, 0, g), [X[:3]])
        assert report.ok, report
        assert "infinite at 1 output:" in report.notes[0]

    def test_a_rule_that_returns_a_list_of_strings(self):
        report = gc.check_vjp(np.add, lambda g, y, a, b: [g, "b"], [X, X])
        assert "vjp returns a str for input 1" in str(report)

    def test_a_rule_that_returns_objects(self):
        report = gc.check_vjp(np.sin, lambda g, y, x: g.astype(object), [X])
        assert report.verdict == "fail"


class TestMisuse:
    """Misuse of gradcheck itself raises at once."""

    def test_options(self):
        with pytest.raises(ValueError, match="mode is 'all'"):
            gc.check_vjp(np.sin, cos_rule, [X], mode="all")
        with pytest.raises(ValueError, match="a NumPy rule has second derivatives when"):
            gc.check_vjp(np.sin, cos_rule, [X], order=2)
        with pytest.raises(ValueError, match=r"unknown oracles \['magic'\]"):
            gc.check_vjp(np.sin, cos_rule, [X], oracles=["magic"])
        with pytest.raises(ValueError, match="wrt names 1"):
            gc.check_vjp(np.sin, cos_rule, [X], wrt=[1])
        with pytest.raises(ValueError, match="domain has 3 entries"):
            gc.check_vjp(np.sin, cos_rule, [X], domain=[None, None, None])

    def test_primals(self):
        with pytest.raises(TypeError, match="must be a list of arrays"):
            gc.check_vjp(np.sin, cos_rule, X)
        with pytest.raises(TypeError, match="primal 0 has dtype complex128"):
            gc.check_vjp(np.sin, cos_rule, [1j * X])

    def test_engines(self):
        with pytest.raises(ValueError, match="no engine named 'jaxx'"):
            gc.check_grads(np.sin, [X], engine="jaxx")
        with pytest.raises(ValueError, match="a NumPy rule has second derivatives when"):
            gc.check_grads(gc.Pair(np.sin, cos_rule), [X], order=2)


def test_wrt_leaves_the_others_alone():
    def rule(g, y, a, b):
        return g * b, "never looked at"

    report = gc.check_vjp(np.multiply, rule, [X, X + 1], wrt=[0])
    assert report.ok, report


def test_integer_inputs_are_not_differentiated():
    report = gc.check_vjp(
        np.take, lambda g, y, x, i: (np.bincount(i, g, 6).astype(x.dtype), None), [X, [0, 2, 2]]
    )
    assert report.ok, report


def test_a_declared_domain_is_kept():
    def guarded(x):
        if (x <= 0).any():
            raise AssertionError("left the domain")
        return np.log(x)

    near = np.array([1e-6, 0.5, 2.0])
    report = gc.check_vjp(guarded, lambda g, y, x: g / x, [near], domain=(1e-12, None))
    assert report.ok, report


def test_the_complex_step_settles_what_differences_cannot():
    def f(x):
        return 1e9 + np.sin(x)  # nine digits lost

    report = gc.check_vjp(f, lambda g, y, x: (1 + 1e-7) * g * np.cos(x), [X])
    assert report.ok
    report = gc.check_vjp(
        f, lambda g, y, x: (1 + 1e-7) * g * np.cos(x), [X], oracles=["numeric", "complex"]
    )
    assert report.verdict == "fail"
    assert gc.check_vjp(f, cos_rule, [X], oracles=["numeric", "complex"]).ok


def test_the_complex_step_confirms_what_drowns_in_rounding():
    def f(x):
        return 1e20 + np.sin(x)

    assert gc.check_vjp(f, cos_rule, [X]).ok
    assert not gc.check_vjp(f, lambda g, y, x: 1.001 * g * np.cos(x), [X]).ok
    report = gc.check_vjp(lambda x: 1e20 + np.abs(x), lambda g, y, x: g * np.sign(x), [X])
    assert report.verdict == "inconclusive"  # |x| is no analytic function


def test_empty_inputs_are_tried_where_shapes_are_kept():
    def rule(g, y, x):
        return g * np.cos(x) / (1 + 0 * x.max())

    report = gc.check_vjp(np.sin, rule, [X])
    assert "fails for empty inputs" in str(report)
    assert gc.check_vjp(np.sin, rule, [X], sizes=False).ok
    assert gc.check_vjp(np.sum, lambda g, y, x: g + 0 * x + 0 * x.max(), [X]).ok


def test_the_complex_step_is_not_believed_where_it_is_wrong():
    report = gc.check_vjp(
        np.abs, lambda g, y, x: g * np.sign(x), [X], oracles=["numeric", "complex"]
    )
    assert report.ok, report


class TestLarge:
    """Random projections and bisection."""

    @staticmethod
    def one_wrong(place):
        def rule(g, y, x):
            grad = g * np.cos(x)
            grad.reshape(-1)[place] += 0.01
            return grad

        return rule

    @pytest.mark.parametrize("place", [0, 12_345, 99_999])
    def test_bisection_names_the_element(self, place):
        x = R.standard_normal((100, 1000))
        report = gc.check_vjp(np.sin, self.one_wrong(place), [x])
        assert report.verdict == "fail"
        assert report.findings[0].index == tuple(np.unravel_index(place, x.shape))

    def test_bisection_takes_a_logarithmic_number_of_evaluations(self):
        used = {}
        for size in (2**11, 2**13, 2**15):
            x = R.standard_normal(size)
            fine = gc.check_vjp(lambda v: np.sin(v).sum(), cos_rule, [x])
            bad = gc.check_vjp(lambda v: np.sin(v).sum(), self.one_wrong(size // 3), [x])
            assert fine.ok, fine
            assert bad.findings[0].index == (size // 3,)
            used[size] = bad.evaluations - fine.evaluations
        # four evaluations for every halving; the rest are ladders, whatever the size
        assert used[2**15] <= 4 * 16 + 3000
        assert used[2**15] - used[2**11] <= 4 * 4 + 30

    def test_a_million_elements(self):
        x = R.standard_normal((1000, 1000))
        fine = gc.check_vjp(np.square, lambda g, y, x: 2 * g * x, [x])
        assert fine.ok, fine

        def wrong(g, y, x):
            grad = 2 * g * x
            grad[321, 654] *= 1.001
            return grad

        bad = gc.check_vjp(np.square, wrong, [x])
        assert bad.findings[0].index == (321, 654)
        assert bad.evaluations < 600

    def test_modes_agree(self):
        for mode in ("exhaustive", "projection"):
            assert gc.check_vjp(np.sin, cos_rule, [X], mode=mode).ok
            bad = gc.check_vjp(np.sin, scaled_rule(cos_rule), [X], mode=mode)
            assert bad.verdict == "fail"


class Owning:
    """An engine of pairs that owns its gradients, with a chosen way to get ``.grad`` wrong."""

    higher_order = False
    layouts = ()
    name = "owning"

    def __init__(self, own):
        self.own_grads = own
        self.inner = get_engine("numpy")
        for name in ("asarray", "value", "vjp"):
            setattr(self, name, getattr(self.inner, name))
        self.to_numpy = number_array


ALIASES = {
    "another": (lambda f, p, g: [g[0] + 0] * 2, "shares memory with the gradient of input 0"),
    "cotangent": (lambda f, p, g: [g[0], g[0] + 0], "shares memory with cotangent 0"),
    "input": (lambda f, p, g: [p[1][:], g[0] + 0], "shares memory with input 1"),
    "broadcast": (lambda f, p, g: [np.broadcast_to(1.0, 6), g[0] + 0], "is read-only memory"),
    "own": (lambda f, p, g: [g[0] + 0, g[0] + 0], ""),
}


@pytest.mark.parametrize("kind", ALIASES)
def test_an_engine_must_own_its_gradients(kind):
    own, words = ALIASES[kind]
    pair = gc.Pair(np.add, lambda g, y, a, b: (g, g))
    report = run(Owning(own), pair, [X, X + 1], Options())
    assert report.ok is (kind == "own"), report
    assert words in str(report)


class TestControls:
    """A gradient scaled by 1.001 must be judged wrong."""

    @pytest.mark.parametrize("dtype", ["d", "f"])
    @pytest.mark.parametrize("size", [1, 10, 3000])
    def test_scaled(self, dtype, size):
        x = R.standard_normal(size).astype(dtype)
        pair = gc.Pair(np.tanh, lambda g, y, x: g * (1 - y * y))
        assert gc.check_grads(pair, [x]).ok
        assert negative_control(pair, [x]).verdict == "fail"
        assert negative_control(pair, [x], factor=0.999).verdict == "fail"
        assert negative_control(pair, [x], factor=1.0).verdict == "pass"


SQUARE_TWICE = gc.Pair(
    lambda x: x * x,
    gc.Pair(lambda g, y, x: 2 * g * x, lambda gg, r, g, y, x: (2 * gg * x, None, 2 * gg * g)),
)


class TestSecondOrder:
    """A rule that is a pair has a derivative of its own."""

    @staticmethod
    def exp_twice(gg_of_y):
        def rule_of_rule(gg, raw, g, y, x):
            return gg * y, gg_of_y(gg, g), None

        return gc.Pair(lambda g, y, x: g * y, rule_of_rule)

    def test_right(self):
        assert gc.check_vjp(SQUARE_TWICE.f, SQUARE_TWICE.vjp, [X], order=2).ok
        report = gc.check_vjp(np.exp, self.exp_twice(lambda gg, g: gg * g), [X], order=2)
        assert report.ok, report

    def test_the_dependence_through_the_output_counts(self):
        report = gc.check_vjp(np.exp, self.exp_twice(lambda gg, g: 1.001 * gg * g), [X], order=2)
        assert report.verdict == "fail"
        assert {finding.order for finding in report.findings} == {2}
        assert gc.check_vjp(np.exp, self.exp_twice(lambda gg, g: 2 * gg * g), [X]).ok

    def test_no_third(self):
        with pytest.raises(ValueError, match="and none beyond"):
            gc.check_vjp(SQUARE_TWICE.f, SQUARE_TWICE.vjp, [X], order=3)
        with pytest.raises(ValueError, match="must be 1, 2 or 3"):
            gc.check_vjp(np.sin, cos_rule, [X], order=0)


def test_the_cotangent_is_not_what_the_same_seed_gives_elsewhere():
    x = np.random.default_rng(0).standard_normal(5)
    assert gc.check_vjp(np.sin, lambda g, y, x: x * np.cos(x), [x]).findings[0].probe == "value"


def test_a_point_away_from_its_neighbours_is_no_state():
    def mode(x):
        values, counts = np.unique(x, return_counts=True)
        return values[counts.argmax()]

    def rule(g, y, x):
        return g * (np.cumsum(x == y) == 1) * (x == y)

    x = np.array([1.0, 2.0, 2.0, 1.0, 2.0])
    for seed in range(8):
        assert gc.check_vjp(mode, rule, [x], seed=seed).verdict != "fail"


class TestMemory:
    """Who owns what a rule returns."""

    def test_shared(self):
        report = gc.check_vjp(np.add, lambda g, y, a, b: (g, g), [X, X + 1])
        assert "shares memory with cotangent 0" in str(report)
        assert "gradient of input 1 shares memory with the gradient of input 0" in str(report)
        assert gc.check_vjp(np.add, lambda g, y, a, b: (g, g), [X, X + 1], may_alias=True).ok

    def test_read_only(self):
        report = gc.check_vjp(np.sum, lambda g, y, x: np.broadcast_to(g, x.shape), [X])
        assert "is read-only memory" in str(report)

    def test_a_buffer_of_its_own(self):
        buffer = np.zeros_like(X)

        def rule(g, y, x):
            return np.multiply(g, np.cos(x), out=buffer if x.shape == buffer.shape else None)

        report = gc.check_vjp(np.sin, rule, [X])
        assert report.verdict == "fail"
        assert "overwritten by a later call" in str(report)

    def test_the_callers_arrays_are_never_written(self):
        mine = X.copy()

        def rule(g, y, x):
            x *= 2
            return g * np.cos(x / 2)

        assert gc.check_vjp(np.sin, rule, [mine]).verdict == "fail"
        assert mine.tobytes() == X.tobytes()


@pytest.mark.parametrize("bound", [1.0, 50.0, 500.0])
def test_clipping_of_the_cotangent_is_met(bound):
    report = gc.check_vjp(np.sin, lambda g, y, x: np.clip(g, -bound, bound) * np.cos(x), [X])
    assert report.verdict == "fail", report


def test_a_threshold_on_the_cotangent_is_met():
    def rule(g, y, x):
        return np.where(np.abs(g) < 1e-8, 0, g) * np.cos(x)

    assert "does not grow with the cotangent" in str(gc.check_vjp(np.sin, rule, [X]))


def test_auto_finds_the_pair_and_says_when_nothing_fits():
    assert gc.check_grads(gc.Pair(np.sin, cos_rule), [X]).engine == "numpy"
    with pytest.raises(ValueError, match="no engine fits"):
        gc.check_grads(lambda x: {}, [X])
