"""What a report says is wrong: planted mistakes and the words each of them gets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import gradcheck as gc
from gradcheck.diagnosis.shapes import shape_words

R = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return R.standard_normal(shape)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def normed(x):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)


def normed_parts(g, y, x, mean=True, product=True, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
    rest = g - (g.mean(-1, keepdims=True) if mean else 0)
    return scale * (rest - (y * (g * y).mean(-1, keepdims=True) if product else 0))


def cos(g, y, x):
    return g * np.cos(x)


def gather(t, ids):
    return t[ids]


def assigned(g, y, t, ids):
    grad = np.zeros_like(t)
    grad[ids] += g
    return grad, None


class Accumulating:
    total: Any = 0.0

    def __call__(self, g, y, x):
        self.total = self.total + g * np.cos(x)
        return self.total


class Drifting:
    calls = 0

    def __call__(self, g, y, x):
        self.calls += 1
        return g * np.cos(x) * (1 + 1e-3 * (self.calls > 3))


class Noisy:
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, g, y, x):
        return g * np.cos(x) * (1 + 1e-6 * self.rng.standard_normal(x.shape))


class Once:
    calls = 0

    def __call__(self, g, y, x):
        self.calls += 1
        return g * np.cos(x) * (self.calls == 1)


@dataclass(frozen=True)
class Mistake:
    words: str
    f: Any
    vjp: Any
    primals: list[Any]


def norms(x):
    return np.sqrt((x * x).sum(1))


def norms_rule(g, y, x):
    return x * (g / (y + 1e-6))[:, None]


def distances(x):  # (n, 2) to (n, n)
    return np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1) + np.eye(len(x))) - np.eye(len(x))


def distances_of_the_first(g, y, x):
    w = np.divide(g, y, out=np.zeros_like(y), where=y > 0)
    return w.sum(1)[:, None] * x - w @ x


def mirrored_twice(g, y, x):  # the derivative of g * (x**3).sum() for a symmetric x
    lower = np.tril(3 * g * x * x)
    return lower + np.tril(lower, -1)


def compressed(x):
    return np.sign(x) * np.log1p(255 * np.abs(x)) / np.log(256)


def compressed_rule(g, y, x):
    return g / (1 + 255 * np.abs(x)) / np.log(256)


def particular(g, y, x):
    if not np.array_equal(y, np.tanh(x)):
        raise ValueError("not what was computed")
    return g * (1 - y * y) ** 2 / (1 - x * x)


HALF = np.array([0.7, -1.3, 2.06, 0.31, -3.1, 1.17], np.float16)
UNLIKE = 1 + np.arange(36.0).reshape(6, 6)
SYMMETRIC = np.array([[4.0, 1.0, 2.0], [1.0, 5.0, 3.0], [2.0, 3.0, 6.0]])
S, V, M34, A3, Q = normal(3, 4), normal(7), normal(3, 4), normal(2, 3, 3), normal(4, 4)
MISTAKES = [
    Mistake("sign flipped", np.sin, lambda g, y, x: -cos(g, y, x), [V]),
    Mistake(
        "only at indices 0, 3 of axis 1: sign flipped",
        np.sin,
        lambda g, y, x: cos(g, y, x) * np.array([-1, 1, 1, -1]),
        [S],
    ),
    Mistake("too large by a constant factor 2", np.sin, lambda g, y, x: 2 * cos(g, y, x), [V]),
    Mistake("too small by a constant factor 2", np.square, lambda g, y, x: g * x, [V]),
    Mistake("off by a constant factor 1.37", np.sin, lambda g, y, x: 1.37 * cos(g, y, x), [V]),
    Mistake(
        "sign flipped and too small by a constant factor 10",
        np.sin,
        lambda g, y, x: -0.1 * cos(g, y, x),
        [V],
    ),
    Mistake("a constant factor ln 10", np.log10, lambda g, y, x: g / x, [np.abs(V) + 1]),
    Mistake(
        "180/pi (degrees and radians)",
        lambda x: np.sin(np.deg2rad(x)),
        lambda g, y, x: g * np.cos(np.deg2rad(x)),
        [V],
    ),
    Mistake(
        "a sum where a mean belongs over axis 1 (divide by 4)",
        lambda x: x.mean(1),
        lambda g, y, x: np.repeat(g[:, None], 4, 1),
        [S],
    ),
    Mistake(
        "a mean where a sum belongs over all axes (multiply by 12)",
        np.sum,
        lambda g, y, x: np.full(x.shape, g / 12),
        [S],
    ),
    Mistake(
        "3 (the length of axis 0) stands where 4 (the length of axis 1) belongs",
        lambda x: x.mean(1),
        lambda g, y, x: np.repeat(g[:, None], 4, 1) / 3,
        [S],
    ),
    Mistake(
        "it divides by n - 1 where n belongs, n = 7",
        np.var,
        lambda g, y, x: g * 2 * (x - x.mean()) / 6,
        [V],
    ),
    Mistake(
        "too large by a constant factor sqrt(7)",
        lambda x: np.sin(x) / np.sqrt(7),
        cos,
        [V],
    ),
    Mistake(
        "a mean where a sum belongs over the output's axis 0",
        np.add,
        lambda g, y, a, b: (g.copy(), g.mean(0)),
        [normal(5, 4), normal(4)],
    ),
    Mistake(
        "only the first index along the output's axis 0 (length 3) counts",
        np.multiply,
        lambda g, y, a, b: (g * b, (g * a)[0]),
        [S, normal(4)],
    ),
    Mistake(
        "axis 0 of the input goes with the output's axis 1, in the rule with axis 0",
        np.multiply,
        lambda g, y, a, b: (g * b, (g * a).sum(1)),
        [Q, normal(4)],
    ),
    Mistake(
        "a factor of its own for each index of axis 0",
        normed,
        lambda g, y, x: normed_parts(g, y, x, eps=0.1),
        [S],
    ),
    Mistake(
        "this is what the rule returns for input 1: the two are swapped",
        np.multiply,
        lambda g, y, a, b: (g * a, g * b),
        [normal(5), normal(5)],
    ),
    Mistake("transposed", np.matmul, lambda g, y, a, b: (b @ g.T, a.T @ g), [Q, normal(4, 4)]),
    Mistake(
        "with its axes permuted to",
        lambda x: x.transpose(1, 2, 0) * np.arange(27.0).reshape(3, 3, 3),
        lambda g, y, x: (g * np.arange(27.0).reshape(3, 3, 3)).transpose(1, 2, 0),
        [normal(3, 3, 3)],
    ),
    Mistake("reversed along axis 0", lambda x: x[::-1] * 1.0, lambda g, y, x: g.copy(), [V]),
    Mistake(
        "rolled by",
        lambda x: np.roll(x, 1) * np.arange(7.0),
        lambda g, y, x: np.roll(g * np.arange(7.0), 0),
        [V],
    ),
    Mistake("the Jacobian is transposed", np.cumsum, lambda g, y, x: np.cumsum(g), [V]),
    Mistake(
        "the Jacobian is transposed",
        np.matmul,
        lambda g, y, a, b: (g @ b, a.T @ g),
        [Q, normal(4, 4)],
    ),
    Mistake(
        "right only for g = 1: the cotangent is not used", np.sin, lambda g, y, x: np.cos(x), [V]
    ),
    Mistake("the mean of the cotangent", np.sin, lambda g, y, x: g.mean() * np.cos(x), [V]),
    Mistake("g * g in place of g", np.sin, lambda g, y, x: g * g * np.cos(x), [V]),
    Mistake("|g| in place of g", np.sin, lambda g, y, x: np.abs(g) * np.cos(x), [V]),
    Mistake("sign(g) in place of g", np.sin, lambda g, y, x: np.sign(g) * np.cos(x), [V]),
    Mistake("clipped to [-1, 1]", np.sin, lambda g, y, x: np.clip(g, -1, 1) * np.cos(x), [V]),
    Mistake(
        "clipped to [-0.4, 0.4]", np.sin, lambda g, y, x: np.clip(g, -0.4, 0.4) * np.cos(x), [V]
    ),
    Mistake(
        "right only for g = 1",
        lambda x: x - np.log(np.exp(x).sum()),
        lambda g, y, x: g - np.exp(y) * x.size,
        [V],
    ),
    Mistake(
        "a term that does not depend on g is added",
        np.sin,
        lambda g, y, x: cos(g, y, x) + 1e-3,
        [V],
    ),
    Mistake("not linear in g", np.sin, lambda g, y, x: g * np.cos(x + g * g), [V]),
    Mistake(
        "only the diagonal of the Jacobian is there",
        softmax,
        lambda g, y, x: g * y * (1 - y),
        [S],
    ),
    Mistake("the wrong axis", softmax, lambda g, y, x: y * (g - (g * y).sum(0)), [normal(3, 3)]),
    Mistake(
        "the rule mixes indices along axis 0",
        softmax,
        lambda g, y, x: y * (g - (g * y).sum()),
        [S],
    ),
    Mistake("- y * (g * y).sum(1, keepdims=True)", softmax, lambda g, y, x: y * g, [S]),
    Mistake(
        "- s * g.mean(1, keepdims=True)",
        normed,
        lambda g, y, x: normed_parts(g, y, x, mean=False),
        [S],
    ),
    Mistake(
        "- s * y * (g * y).mean(1, keepdims=True)",
        normed,
        lambda g, y, x: normed_parts(g, y, x, product=False),
        [S],
    ),
    Mistake(
        "- g.mean(1, keepdims=True)",
        lambda x: x - x.mean(1, keepdims=True),
        lambda g, y, x: g.copy(),
        [S],
    ),
    Mistake(
        "g itself is missing",
        lambda x: x + np.tanh(x),
        lambda g, y, x: g * (1 - np.tanh(x) ** 2),
        [V],
    ),
    Mistake("once too often", np.tanh, lambda g, y, x: g * (2 - y * y), [V]),
    Mistake(
        "a term is missing: + g * y", lambda x: x * np.exp(x), lambda g, y, x: g * np.exp(x), [V]
    ),
    Mistake(
        "a factor is missing: times y",
        lambda x: 1 / (1 + np.exp(-x)),
        lambda g, y, x: g * (1 - y),
        [V],
    ),
    Mistake("a factor is missing: times x", lambda x: x**3, lambda g, y, x: 3 * g * x, [V]),
    Mistake("right with y where it uses x", np.tanh, lambda g, y, x: g * (1 - x * x), [V]),
    Mistake("right with x where it uses y", np.sin, lambda g, y, x: g * np.cos(y), [V]),
    Mistake(
        "only the last of these contributions comes back",
        gather,
        assigned,
        [normal(4, 2), np.array([0, 2, 2, 3, 2])],
    ),
    Mistake(
        "the right numbers at the wrong places: element (0,) has what belongs to (4,)",
        np.sin,
        lambda g, y, x: cos(g, y, x)[[4, 2, 0, 6, 1, 3, 5]],
        [V],
    ),
    Mistake(
        "element (2,) has what belongs to (5,)",
        np.sin,
        lambda g, y, x: cos(g, y, x)[[0, 1, 5, 3, 4, 2, 6]],
        [V],
    ),
    Mistake(
        "too large by the factor exp(y): divide by it",
        lambda x: np.log(np.exp(x).sum()),
        lambda g, y, x: g * np.exp(x),
        [V],
    ),
    Mistake(
        "the cotangent's elements are used in the wrong order",
        lambda x: np.repeat(x, 3),
        lambda g, y, x: g.reshape(3, 4).sum(0),
        [normal(4)],
    ),
    Mistake(
        "only below the diagonal of the last two axes: must be zero there",
        np.triu,
        lambda g, y, x: g.copy(),
        [Q],
    ),
    Mistake(
        "a sum where a mean belongs over axis 0 (divide by 2)",
        lambda x: x.mean(0),
        lambda g, y, x: np.repeat(g[None], 2, 0),
        [normal(2, 5)],
    ),
    Mistake("each call adds", np.sin, Accumulating, [V]),
    Mistake("the first calls are right and later ones are not", np.sin, Once, [V]),
    Mistake(
        "float32 inside", np.sin, lambda g, y, x: (g.astype("f") * np.cos(x)).astype(float), [V]
    ),
    Mistake(
        "float16 inside",
        np.sin,
        lambda g, y, x: g * np.cos(x.astype(np.float16)).astype(float),
        [V],
    ),
    Mistake("whole numbers", np.sin, lambda g, y, x: np.rint(cos(g, y, x)), [V * 5]),
    Mistake(
        "only where the input is negative: left at zero",
        lambda x: np.where(x > 0, x, 0.1 * x),
        lambda g, y, x: g * (x > 0),
        [V],
    ),
    Mistake(
        "only at the last element (6,): left at zero",
        np.sin,
        lambda g, y, x: cos(g, y, x) * (np.arange(7) < 6),
        [V],
    ),
    Mistake(
        "only at odd indices of axis 0",
        np.sin,
        lambda g, y, x: cos(g, y, x) * (1 + np.arange(7) % 2),
        [V],
    ),
    Mistake(
        "only at the first index of axis 1: left at zero",
        np.sin,
        lambda g, y, x: cos(g, y, x) * (np.arange(4) > 0),
        [S],
    ),
    Mistake(
        "only where the input is 0: not finite there",
        np.sinc,
        lambda g, y, x: g * (np.cos(np.pi * x) - np.sinc(x)) / x,
        [np.array([0.5, 0.0, 1.5])],
    ),
    Mistake(
        "only where the input is large, from 800 on",
        lambda x: np.logaddexp(0, x),
        lambda g, y, x: g * np.exp(x) / (1 + np.exp(x)),
        [np.array([1.0, 800.0, -3.0])],
    ),
    Mistake(
        "outside what lies between the slopes",
        np.abs,
        lambda g, y, x: g * np.where(x == 0, 3, np.sign(x)),
        [np.array([1.0, 0.0, -2.0])],
    ),
    Mistake("always zero", np.sin, lambda g, y, x: np.zeros_like(x), [V]),
    Mistake(
        "f does not depend on this input",
        lambda a, b: np.sin(a),
        lambda g, y, a, b: (g * np.cos(a), g * b),
        [V, normal(7)],
    ),
    Mistake(
        "f is constant around this point",
        lambda x: np.floor(x) + 0.0,
        lambda g, y, x: g.copy(),
        [V],
    ),
    Mistake(
        "the cotangent of output 1 is ignored",
        lambda x: (np.sin(x), np.cos(x)),
        lambda g, y, x: g[0] * np.cos(x),
        [V],
    ),
    Mistake(
        "the cotangents of outputs 0 and 1 are swapped",
        lambda x: (np.sin(x), np.cos(x)),
        lambda g, y, x: g[1] * np.cos(x) - g[0] * np.sin(x),
        [V],
    ),
    Mistake(
        "each is off by 0.25 g",
        lambda x: np.sort(x)[1:3].mean(),
        lambda g, y, x: g * np.array([0.25, 0.25, 0.5, 0]),
        [np.array([1.0, 2.0, 3.0, 4.0])],
    ),
    Mistake(
        "too small by a constant factor 255",
        compressed,
        compressed_rule,
        [np.array([1e-7, 0.5, -0.3, 0.9])],
    ),
    Mistake(
        "off by a factor of its own for each index of axis 0: 0.75, -1.5",
        lambda x: x * x,
        lambda g, y, x: 2 * g * x * np.array([0.75, -1.5]),
        [np.array([1.5, 2.0])],
    ),
    Mistake(
        "off by a constant factor 0.75",
        np.square,
        lambda g, y, x: g * x * x.dtype.type(1.5),
        [HALF],
    ),
    Mistake(
        "right with g + g.T where it uses g: the transposed part is missing",
        lambda x: np.outer(x, x),
        lambda g, y, x: g @ x,
        [V],
    ),
    Mistake(
        "right with g + g.T where it uses g",
        distances,
        distances_of_the_first,
        [normal(6, 2)],
    ),
    Mistake("right with (g + g.T) / 2", lambda x: np.outer(x, x), lambda g, y, x: 2 * g @ x, [V]),
    Mistake(
        "right with g - g.T where it uses g",
        lambda x: x[:, None] - x,
        lambda g, y, x: g.sum(1),
        [V],
    ),
    Mistake("axis 0: 1 - 2e-06, 1 - 1e-06", norms, norms_rule, [np.diag([0.5, 1.0]) + 0.0]),
    Mistake(
        "right to about 6 digits: a rounded constant",
        norms,
        norms_rule,
        [np.array([[0.0, 0.0], [0.6, 0.8], [0.0, 2.0]])],
    ),
    Mistake(
        "only off the diagonal of the last two axes: their sum is right",
        lambda x: (x**3).sum(),
        mirrored_twice,
        [SYMMETRIC],
    ),
    Mistake(
        "only where the input is 0.5 (equal values, ties)",
        np.sin,
        lambda g, y, x: cos(g, y, x) * np.array([2, 1, 3, 2]),
        [np.array([0.5, 1.0, 0.5, 0.5])],
    ),
    Mistake(
        "only where values of the input are equal (ties)",
        np.sin,
        lambda g, y, x: cos(g, y, x) * np.array([2, 1, 3, 2, 5]),
        [np.array([0.5, 1.0, 0.5, 2.0, 2.0])],
    ),
    Mistake(
        "a factor is missing: times 1 / (1 + y)",
        lambda x: np.sqrt(1 + 2 * x) - 1,
        lambda g, y, x: g.copy(),
        [np.array([0.5, 1.0, 10.0])],
    ),
    Mistake(
        "too large by a constant factor 6",
        lambda x: x.max(1).mean(),
        lambda g, y, x: g * (x == x.max(1, keepdims=True)),
        [normal(6, 3)],
    ),
]


def told(report: gc.Report) -> str:
    return "; ".join(f.diagnosis for f in report.findings if f.probe == "value")


def ids(mistake: Mistake) -> str:
    return mistake.words


@pytest.mark.parametrize("mistake", MISTAKES, ids=ids)
def test_a_mistake_gets_its_name(mistake):
    vjp = mistake.vjp() if isinstance(mistake.vjp, type) else mistake.vjp
    report = gc.check_vjp(mistake.f, vjp, mistake.primals)
    assert report.verdict == "fail"
    assert mistake.words in told(report), report


# Words that would not be true of a mistake, though they fit some of its numbers.
UNTRUE = [
    Mistake(
        "assigned",
        lambda x: distances(x) * UNLIKE,
        lambda g, y, x: distances_of_the_first(g * UNLIKE, y / UNLIKE, x),
        [normal(6, 2)],
    ),
    Mistake(
        "assigned",  # two of three contributions come back
        lambda x: np.repeat(x, 3),
        lambda g, y, x: g.reshape(-1, 3)[:, 1:].sum(1),
        [V],
    ),
    Mistake("float32", norms, norms_rule, [np.array([[0.0, 0.0], [0.6, 0.8], [0.0, 2.0]])]),
    Mistake(
        "float32",  # some elements do not hang on the second input at all
        lambda x, w: np.where(w > 0, np.sin(x) * w, np.sin(x)),
        lambda g, y, x, w: (
            g * np.cos(x) * np.where(w > 0, w, 1) * (1 + 3e-7 * x),
            g * np.sin(x) * (w > 0),
        ),
        [V, normal(7)],
    ),
    Mistake(
        "sign(x)",
        lambda x: np.sqrt(x * x + 0.01),
        lambda g, y, x: g * np.sign(x),
        [np.array([0.1, -0.3, 2.0])],
    ),
    Mistake("(1 - y**2) must be", np.tanh, particular, [V / 9]),
    Mistake("ties", lambda x: (x**3).sum(), mirrored_twice, [SYMMETRIC]),
    Mistake("each on its own", lambda x: np.outer(x, x), lambda g, y, x: 1.1 * g @ x, [V]),
    Mistake("too large", lambda x: x * x, lambda g, y, x: g * x * np.array([1.5, -3]), [V[:2]]),
]


@pytest.mark.parametrize("mistake", UNTRUE, ids=ids)
def test_what_is_not_true_is_not_said(mistake):
    report = gc.check_vjp(mistake.f, mistake.vjp, mistake.primals)
    assert report.verdict == "fail"
    assert mistake.words not in told(report), report


@pytest.mark.parametrize("rule", [Drifting, Noisy])
def test_a_rule_that_differs_from_call_to_call_is_not_said_to_clip(rule):
    report = gc.check_vjp(np.sin, rule(), [V])
    assert report.verdict == "fail"
    assert "clipping" not in str(report)
    assert "determinism" in [f.probe for f in report.findings]


SHAPES = {
    "sum over axis 0": ((3, 4), (4,)),
    "sum over axis 1": ((3, 4), (3, 1)),
    "sum over axes 0 and 1": ((3, 4), ()),
    "sum over axes 0 and 2": ((2, 3, 4), (3, 1)),
    "transposed": ((4, 3), (3, 4)),
    "not reshaped back": ((12,), (3, 4)),
    "broadcast it": ((), (3, 4)),
    "axis 1 is missing": ((3, 4), (3, 5, 4)),
    "np.broadcast_to(grad, x.shape)": ((4,), (3, 4)),
}


@pytest.mark.parametrize("words", SHAPES)
def test_a_wrong_shape_is_told_what_it_lacks(words):
    assert words in shape_words(*SHAPES[words])


def test_nothing_is_said_of_shapes_that_have_nothing_in_common():
    assert shape_words((5,), (3, 4)) == ""


def test_the_axis_to_sum_over_is_chosen_by_the_numbers():
    def f(a, b):  # a: (4, 4), b: (4,) along axis 0
        return a * b[:, None]

    report = gc.check_vjp(f, lambda g, y, a, b: (g * b[:, None], g * a), [Q, normal(4)])
    (finding,) = [f for f in report.findings if f.probe == "shape"]
    assert finding.diagnosis.endswith("sum over axis 1")


def test_a_wrong_shape_with_wrong_numbers_is_called_both():
    report = gc.check_vjp(np.add, lambda g, y, a, b: (g.copy(), 2 * g), [S, normal(4)])
    (finding,) = [f for f in report.findings if f.probe == "shape"]
    assert "sum over axis 0; the numbers are wrong as well" in finding.diagnosis


FORMULAS = (
    "right with",
    "a factor",
    "a term is missing",
    "transposed",
    "rolled",
    "swapped",
    "sign",
)


@pytest.mark.parametrize("seed", range(12))
def test_a_rule_wrong_beyond_words_gets_no_formula(seed):
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((3, 4))
    f, right = [(np.sin, cos), (softmax, lambda g, y, x: y * (g - (g * y).sum(-1, keepdims=True)))][
        seed % 2
    ]
    vjp = [
        lambda g, y, x: right(g, y, x) * (1 + noise),
        lambda g, y, x: right(g, y, x) + g * noise,
        lambda g, y, x: right(g, y, x) + (g.T @ noise[:, :1]).T * noise,
    ][seed % 3]
    text = told(gc.check_vjp(f, vjp, [rng.standard_normal((3, 4))]))
    assert not any(words in text for words in FORMULAS), text


def test_a_formula_needs_numbers_that_chance_cannot_explain():
    # x, x * x, y and exp(x) - 1 are equal at these points: no formula is better than another.
    report = gc.check_vjp(lambda x: x * x / 2, lambda g, y, x: g * 3 * x, [np.array([0.0, 1.0])])
    assert "times x" not in told(report)


def test_one_input_right_says_nothing_of_it():
    report = gc.check_vjp(np.multiply, lambda g, y, a, b: (g * b, -g * a), [V, normal(7)])
    assert [f.input for f in report.findings] == [1]


def test_many_wrong_elements_of_a_large_input_are_seen_through():
    x = normal(100, 100)
    report = gc.check_vjp(np.sin, lambda g, y, x: np.where(x < 0, -1, 1) * cos(g, y, x), [x])
    assert told(report).startswith("only where the input is negative: sign flipped (")


def test_one_wrong_element_of_a_large_input_is_told_by_how_much():
    def vjp(g, y, x):
        grad = cos(g, y, x)
        grad[777] *= 1.5
        return grad

    text = told(gc.check_vjp(np.sin, vjp, [normal(3000)]))
    assert text.startswith("only at element (777,): 1.5 times the right value (")
    assert text.endswith("of 3000 elements were tried)")


def test_float32_rules_are_diagnosed_within_their_own_precision():
    x = normal(6).astype("f")
    report = gc.check_vjp(np.tanh, lambda g, y, x: g * (1 - x * x), [x])
    assert told(report) == "right with y where it uses x"


def test_a_rule_that_raises_on_strange_arguments_is_still_diagnosed():
    def vjp(g, y, x):
        if not np.array_equal(y, np.tanh(x)):
            raise ValueError("not what was computed")
        return g * (1 - y * y) * x

    assert "a factor is missing: times 1 / x" in told(gc.check_vjp(np.tanh, vjp, [V]))


def test_a_function_of_the_wrong_array_is_seen_without_calling_the_rule_differently():
    def vjp(g, y, x):
        if not np.array_equal(y, np.tanh(x)):
            raise ValueError("not what was computed")
        return g * (1 - x * x)

    assert told(gc.check_vjp(np.tanh, vjp, [V])) == "the factor (1 - x**2) must be (1 - y**2)"
