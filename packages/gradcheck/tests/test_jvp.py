"""check_jvp: right forward rules pass, wrong ones fail and are named."""

import numpy as np
import pytest

import gradcheck as gc

R = np.random.default_rng(3)
X = R.normal(size=(3, 4))
V = R.normal(size=4)
M = R.normal(size=(4, 4))
BIG = R.normal(size=(100, 100))
ZEROS = np.maximum(BIG, 0)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def cos_rule(t, y, x):
    return t * np.cos(x)


def shared(t, y, x):
    top = x == y
    return (t * top).sum() / y.dtype.type(top.sum())


RIGHT = {
    "sin": (np.sin, cos_rule, [X]),
    "0-d": (np.sin, cos_rule, [np.array(0.3)]),
    "empty": (np.sin, cos_rule, [np.zeros((0, 3))]),
    "broadcast": (np.multiply, lambda t, y, a, b: t[0] * b + a * t[1], [X, V]),
    "matmul": (np.matmul, lambda t, y, a, b: t[0] @ b + a @ t[1], [X, M]),
    "softmax": (softmax, lambda t, y, x: y * (t - (t * y).sum(-1, keepdims=True)), [X]),
    "reduced": (np.sum, lambda t, y, x: t.sum(), [X]),
    "two outputs": (
        lambda x: (np.sin(x), x.sum()),
        lambda t, y, x: (t * np.cos(x), t.sum()),
        [X],
    ),
    "an integer output": (
        lambda x: (x.max(), x.argmax()),
        lambda t, y, x: (t.reshape(-1)[y[1]], None),
        [X],
    ),
    "an integer input": (
        lambda x, i: x[i],
        lambda t, y, x, i: t[0][i],
        [V, np.array([0, 2, 2])],
    ),
    "stiff": (lambda x: np.exp(30 * x), lambda t, y, x: 30 * y * t, [X]),
    "underflow": (np.exp, lambda t, y, x: y * t, [np.array([-80.0])]),
    "abs at 0": (np.abs, lambda t, y, x: t * np.sign(x), [np.array([0.0, 1.0, -2.0])]),
    "relu at 0": (
        lambda x: np.maximum(x, 0),
        lambda t, y, x: t * (x > 0),
        [np.array([0.0, 0.0, 1.0])],
    ),
    "a tie": (np.max, shared, [np.array([1.0, 3.0, 3.0, 2.0])]),
    "a jump": (np.floor, lambda t, y, x: 0 * t, [np.array([0.5, 2.0])]),
    "large": (np.sin, cos_rule, [BIG]),
    "large, reduced": (
        lambda x: np.sin(x).sum(0),
        lambda t, y, x: (t * np.cos(x)).sum(0),
        [BIG],
    ),
    "large, at kinks": (lambda x: np.maximum(x, 0), lambda t, y, x: t * (x > 0), [ZEROS]),
}


@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("case", RIGHT)
def test_right_rules_pass(case, dtype):
    f, rule, primals = RIGHT[case]
    at = [p.astype(dtype) if p.dtype.kind == "f" else p for p in primals]
    report = gc.check_jvp(f, rule, at)
    assert report.ok, report
    assert report.checks > 6


def one_wrong_output(t, y, x):
    moved = t * np.cos(x)
    moved[71, 45] *= 1.001
    return moved


def one_wrong_input(t, y, x):
    t = t.copy()
    t[17, 5] *= 1.01
    return (t * np.cos(x)).sum(0)


def changes_t(t, y, x):
    t *= np.cos(x)
    return t


def changes_x(t, y, x):
    x += 1
    return t * np.cos(x - 1)


def changes_y(t, y, x):
    y *= 0
    return t * np.cos(x)


class Counting:
    """A rule that is another one at every second call."""

    def __init__(self):
        self.calls = 0

    def __call__(self, t, y, x):
        self.calls += 1
        return t * np.cos(x) * (1 + 1e-9 * (self.calls % 2))


AT_ZERO = [np.array([0.0, 1.0, -1.0])]
TIE = [np.array([1.0, 3.0, 3.0, 2.0])]
WRONG = {
    "sign": (np.sin, lambda t, y, x: -t * np.cos(x), [X], "sign flipped"),
    "factor 2": (np.sin, lambda t, y, x: 2 * t * np.cos(x), [X], "a constant factor 2"),
    "factor 1.001": (np.sin, lambda t, y, x: 1.001 * t * np.cos(x), [X], "factor 1.001"),
    "sum for mean": (np.mean, lambda t, y, x: t.sum(), [X], "factor 12 = elements"),
    "missing term": (np.multiply, lambda t, y, a, b: t[0] * b, [X, V], "of this input is ignored"),
    "transposed": (lambda x: M @ x, lambda t, y, x: M.T @ t, [V], "vector-Jacobian product"),
    "zero": (np.sin, lambda t, y, x: 0 * t, [X], "always zero"),
    "nan": (np.sin, lambda t, y, x: np.nan * t, [X], "not finite"),
    "affine": (np.sin, lambda t, y, x: t * np.cos(x) + 1e-3, [X], "zero for a zero tangent"),
    "not linear": (np.sin, lambda t, y, x: np.abs(t) * np.cos(x), [X], "is not linear"),
    "clipped": (np.sin, lambda t, y, x: np.clip(t, -9, 9) * np.cos(x), [X], "clipping"),
    "changes t": (np.sin, changes_t, [X], "the rule changes tangent 0"),
    "changes x": (np.sin, changes_x, [X], "the rule changes input 0"),
    "changes y": (np.sin, changes_y, [X], "the rule changes output 0"),
    "state": (np.sin, Counting(), [X], "two identical calls"),
    "outside a kink": (
        np.abs,
        lambda t, y, x: t * np.where(x == 0, 1.5, np.sign(x)),
        AT_ZERO,
        "subgradients",
    ),
    "a tie counted twice": (np.max, lambda t, y, x: (t * (x == y)).sum(), TIE, "move together"),
    "a tie left out": (
        np.max,
        lambda t, y, x: (t * (x == y)).sum() * ((x == y).sum() == 1),
        TIE,
        "move together",
    ),
    "shape": (np.sum, lambda t, y, x: t, [X], "has shape (3, 4), must be ()"),
    "dtype": (np.sin, lambda t, y, x: (t * np.cos(x)).astype("f"), [X], "has dtype float32"),
    "float32 inside": (
        np.sin,
        lambda t, y, x: t * np.cos(x.astype("f")).astype("d"),
        [X],
        "is wrong",
    ),
    "alias": (lambda x: x + 1, lambda t, y, x: t, [X], "shares memory with tangent 0"),
    "memory order": (
        np.sin,
        lambda t, y, x: (t.ravel("K") * np.cos(x).ravel("K")).reshape(x.shape),
        [X],
        "right only when contiguous",
    ),
    "too many": (np.sin, lambda t, y, x: (t, t), [X], "jvp returns 2 tangents for 1 outputs"),
    "None": (np.sin, lambda t, y, x: None, [X], "jvp returns None"),
    "text": (np.sin, lambda t, y, x: "no", [X], "jvp returns a str"),
    "raises": (np.sin, lambda t, y, x: t[9], [X], "jvp raises IndexError"),
    "one output of many": (np.sin, one_wrong_output, [BIG], "output 0 at (71, 45) is wrong"),
    "one input of many": (
        lambda x: np.sin(x).sum(0),
        one_wrong_input,
        [BIG],
        "output 0 at (5,) is wrong",
    ),
    "f is random": (lambda x: x * R.random(), lambda t, y, x: t * 1, [X], "f is random"),
    "f gives integers": (lambda x: x.astype(int), lambda t, y, x: t, [X], "only floating-point"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_rules_fail(case):
    f, rule, primals, words = WRONG[case]
    report = gc.check_jvp(f, rule, primals)
    assert report.verdict == "fail", report
    assert words in " ".join(str(report).split())


@pytest.mark.parametrize("case", ["sign", "factor 1.001", "missing term", "a tie counted twice"])
def test_wrong_rules_fail_in_float32(case):
    f, rule, primals, _ = WRONG[case]
    report = gc.check_jvp(f, rule, [p.astype("f") for p in primals])
    assert report.verdict == "fail", report


def test_a_finding_carries_the_numbers():
    report = gc.check_jvp(np.sin, lambda t, y, x: -t * np.cos(x), [X], seed=5)
    (finding,) = report.findings
    assert finding.probe == "value"
    assert finding.input == 0
    assert finding.numeric == pytest.approx(np.cos(X[finding.index]), abs=1e-10)
    assert finding.analytic == -np.cos(X[finding.index])
    assert (finding.count, finding.total) == (12, 144)
    assert "check_jvp(sin, jvp, primals, seed=5)" in str(report)


class TestBothWays:
    """<g, J v> by the forward rule and by the reverse rule."""

    @staticmethod
    def report(forward, reverse, f=np.sin, x=X):
        return gc.check_jvp(
            f,
            lambda t, y, x: forward * t * np.cos(x),
            [x],
            vjp=lambda g, y, x: reverse * g * np.cos(x),
        )

    def test_both_right(self):
        assert self.report(1, 1).ok

    def test_the_wrong_side_is_named(self):
        assert "the reverse mode is wrong" in str(self.report(1, -1))
        assert "the forward mode is wrong" in str(self.report(-1, 1))
        assert "both are wrong" in str(self.report(2, -1))

    def test_equally_wrong_is_still_wrong(self):
        assert self.report(2, 2).verdict == "fail"

    def test_each_may_choose_at_a_kink(self):
        report = gc.check_jvp(
            np.abs,
            lambda t, y, x: np.where(x > 0, t, -t),
            [np.array([0.0, 1.0])],
            vjp=lambda g, y, x: g * np.sign(x),
        )
        assert report.ok, report

    def test_a_reverse_rule_that_is_none(self):
        report = gc.check_jvp(np.sin, cos_rule, [X], vjp=lambda g, y, x: "no")
        assert "vjp returns a str" in str(report)

    def test_a_pair_with_both_rules_is_checked_both_ways(self):
        def vjp(g, y, x):
            return g * np.cos(x)

        assert gc.check_grads(gc.Pair(np.sin, vjp, cos_rule), [X]).ok
        wrong = gc.Pair(np.sin, vjp, lambda t, y, x: -t * np.cos(x))
        assert "the forward mode is wrong" in str(gc.check_grads(wrong, [X]))


def test_the_domain_is_kept_and_edges_are_one_sided():
    def guarded(x):
        if (x < 0).any():
            raise AssertionError("left the domain")
        return x * np.sqrt(x)

    near = np.array([0.0, 1e-6, 2.0])
    report = gc.check_jvp(
        guarded, lambda t, y, x: 1.5 * t * np.sqrt(x), [near], domain=(0.0, None), wrt=[0]
    )
    assert report.verdict != "fail", report
    report = gc.check_jvp(
        guarded, lambda t, y, x: t * np.sqrt(x), [near], domain=(0.0, None), mode="exhaustive"
    )
    assert report.verdict == "fail"


def test_wrt_moves_only_what_is_named():
    def rule(t, y, a, b):
        assert not t[1].any()
        return t[0] * b

    assert gc.check_jvp(np.multiply, rule, [X, V], wrt=[0]).ok


def test_what_cannot_be_measured_is_inconclusive():
    report = gc.check_jvp(lambda x: 1e20 + x, lambda t, y, x: t * 1, [X])
    assert report.verdict == "inconclusive"
    report = gc.check_jvp(np.log, lambda t, y, x: t / x, [np.array([-1.0, 1.0])])
    assert "f returns NaN at 1 of 2 outputs" in str(report)


def test_infinite_outputs_are_left_out():
    def fill(x):
        return np.where(x > 0, x, -np.inf)

    report = gc.check_jvp(fill, lambda t, y, x: np.where(x > 0, t, 0), [np.array([1.0, -1.0])])
    assert report.ok, report
    assert "infinite at 1 output:" in report.notes[0]


def test_aliases_may_be_allowed():
    assert gc.check_jvp(lambda x: x + 1, lambda t, y, x: t, [X], may_alias=True).ok


def test_misuse():
    with pytest.raises(TypeError, match="jvp is a str; it must be a function"):
        gc.check_jvp(np.sin, "rule", [X])
    with pytest.raises(TypeError, match="must be a list of arrays"):
        gc.check_jvp(np.sin, cos_rule, X)
    with pytest.raises(ValueError, match="mode is 'all'"):
        gc.check_jvp(np.sin, cos_rule, [X], mode="all")
    with pytest.raises(ValueError, match="wrt names 1"):
        gc.check_jvp(np.sin, cos_rule, [X], wrt=[1])
