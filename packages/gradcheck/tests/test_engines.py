"""Adapters: what an engine must have, what it gets for nothing, and how ``auto`` chooses."""

import functools

import numpy as np
import pytest

import gradcheck as gc
from gradcheck.engines import guess_engine, with_parameters
from gradcheck.engines.base import complete
from gradcheck.engines.guess import packages_of

X = np.random.default_rng(5).normal(size=(2, 3))


class Dual:
    """A toy array with a tape: ``sin`` and ``*``, to any order, forwards and backwards."""

    def __init__(self, data, parents=()):
        self.data, self.parents = np.asarray(data), parents

    def __mul__(self, other):
        return Dual(
            self.data * other.data, [(self, lambda g: g * other), (other, lambda g: g * self)]
        )

    def __add__(self, other):
        return Dual(self.data + other.data, [(self, lambda g: g), (other, lambda g: g)])

    def wave(self, shift=0.0):
        return Dual(np.sin(self.data + shift), [(self, lambda g: g * self.wave(shift + np.pi / 2))])


def backward(y, g, grads):
    grads[id(y)] = grads[id(y)] + g if id(y) in grads else g
    for parent, rule in y.parents:
        backward(parent, rule(g), grads)


class Bare:
    """The required members, and no base class."""

    name = "bare"
    factor = 1.0

    def asarray(self, array):
        return Dual(array)

    def to_numpy(self, value):
        if not isinstance(value, Dual):
            raise TypeError(type(value).__name__)
        return value.data

    def vjp(self, f, primals):
        inputs = [self.asarray(p) for p in primals]
        raw = f(*inputs)

        def pullback(cotangents):
            grads = {}
            for y, g in zip(raw if isinstance(raw, tuple) else (raw,), cotangents, strict=True):
                backward(y, Dual(g * self.factor), grads)
            return [grads[id(x)].data if id(x) in grads else None for x in inputs]

        return tuple(y.data for y in (raw if isinstance(raw, tuple) else (raw,))), pullback


class Rich(Bare, gc.Engine):
    """All that is optional as well."""

    name = "rich"
    higher_order = True
    forward_factor = 1.0

    def gradient(self, f, count, live):
        def df(*args):
            grads = {}
            raw = f(*args[:count])
            for y, g in zip(raw if isinstance(raw, tuple) else (raw,), args[count:], strict=True):
                backward(y, g, grads)
            zero = Dual(0 * args[0].data)
            asked = zip(args[:count], live, strict=True)
            return tuple(grads.get(id(x), zero) for x, on in asked if on)

        return df

    def jvp(self, f, primals, tangents):
        outputs, _ = self.vjp(f, primals)
        (y,) = outputs
        columns = []
        for k in range(y.size):
            g = np.zeros(y.size)
            g[k] = self.forward_factor
            _, pull = self.vjp(f, primals)
            grads = pull([g.reshape(y.shape)])
            both = zip(grads, tangents, strict=True)
            columns.append(sum((a * t).sum() for a, t in both if a is not None))
        return outputs, (np.array(columns).reshape(y.shape),)


def product(x, w):
    return (x * w).wave()


@pytest.mark.parametrize("engine", [Bare(), Rich()])
def test_an_adapter_of_four_members_is_an_engine(engine):
    report = gc.check_grads(product, [X, X + 1], engine=engine)
    assert report.ok, report
    assert report.engine == engine.name
    engine.factor = 1.001
    report = gc.check_grads(product, [X, X + 1], engine=engine)
    assert report.verdict == "fail"


@pytest.mark.parametrize("order", [2, 3])
def test_orders_come_from_gradient(order):
    report = gc.check_grads(product, [X[0], X[1]], engine=Rich(), order=order)
    assert report.ok, report


def test_an_engine_without_gradient_has_one_order():
    with pytest.raises(ValueError, match="bare engine has no second derivatives"):
        gc.check_grads(product, [X, X], engine=Bare(), order=2)


def test_forward_mode_is_held_against_reverse_mode():
    engine = Rich()
    engine.forward_factor = -1.0
    report = gc.check_grads(product, [X, X + 1], engine=engine)
    (finding,) = report.findings
    assert finding.probe == "forward mode"
    assert "the forward mode is wrong" in finding.diagnosis
    assert finding.analytic == pytest.approx(-finding.numeric)


class TestForwardModeFaults:
    """What a forward mode may get wrong besides the number."""

    CASES = {  # noqa: RUF012
        "raises": (lambda y, t: 1 / 0, "forward mode raises ZeroDivisionError"),
        "another value": (lambda y, t: ((y + 1,), (t,)), "computes another output 0"),
        "shape": (lambda y, t: ((y,), (t[0],)), "has shape (3,) in forward mode, must be (2, 3)"),
        "dtype": (lambda y, t: ((y,), (t.astype("f"),)), "has dtype float32 in forward mode"),
        "count": (lambda y, t: ((y,), (t, t)), "2 tangents for 1 outputs"),
        "nan": (lambda y, t: ((y,), (t * np.nan,)), "tangents that are not finite"),
    }

    @pytest.mark.parametrize("case", CASES)
    def test_is_a_finding(self, case):
        answer, words = self.CASES[case]

        class Odd(Rich):
            def jvp(self, f, primals, tangents):
                (y,), (t,) = super().jvp(f, primals, tangents)
                return answer(y, t)

        report = gc.check_grads(product, [X, X], engine=Odd())
        assert report.verdict == "fail"
        assert words in " ".join(str(report).split())

    def test_no_rule_is_no_fault(self):
        class Without(Rich):
            def jvp(self, f, primals, tangents):
                return None

        assert gc.check_grads(product, [X, X], engine=Without()).ok


def test_what_is_no_engine():
    with pytest.raises(TypeError, match="int is no engine: it has no name, asarray"):
        gc.check_grads(product, [X, X], engine=3)
    with pytest.raises(TypeError, match="engine is the class Bare; give an instance"):
        gc.check_grads(product, [X, X], engine=Bare)
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (gc.Engine,), {"name": "half"})()
    with pytest.raises(TypeError, match="make is a str"):
        gc.register_engine("tape", "Tape")
    with pytest.raises(ValueError, match="no engine named 'tope'; known: autograd, jax, numpy"):
        gc.get_engine("tope")


def test_a_function_that_returns_something_else():
    report = gc.check_grads(lambda x: "no", [X], engine=complete(Bare()))
    assert "f returns str; it must return bare arrays" in str(report)


def test_auto_takes_registered_engines_too(monkeypatch):
    import gradcheck.engines as engines

    monkeypatch.setattr(engines, "_MAKERS", dict(engines._MAKERS))
    gc.register_engine("toy", Rich)
    assert gc.check_grads(product, [X, X]).engine == "rich"


class TestNumpyIsNobodysEngine:
    """A function of plain NumPy is not judged by whichever framework happens to be imported."""

    FUNCTIONS = {  # noqa: RUF012
        "a ufunc": np.sin,
        "a lambda": lambda x: np.sin(x) * 2,
        "a partial": functools.partial(np.power, 2.0),
        "a function that calls one": lambda x: helper(x),
    }

    @pytest.mark.parametrize("kind", FUNCTIONS)
    def test_is_refused(self, kind):
        with pytest.raises(ValueError, match="it is plain NumPy"):
            gc.check_grads(self.FUNCTIONS[kind], [X])

    def test_the_rule_makes_it_a_pair(self):
        pair = gc.Pair(np.sin, lambda g, y, x: g * np.cos(x))
        assert guess_engine(pair, [X]).name == "numpy"


def helper(x):
    return np.tanh(x)


def test_nothing_fits_and_the_error_says_what_was_tried():
    with pytest.raises(ValueError, match="no engine fits this function"):
        gc.check_grads(lambda x: {}, [X])


class Holder:
    """Calls numpy in a method."""

    def run(self, x):
        return helper(x)

    def __call__(self, x):
        return np.cos(x)


def test_what_a_callable_speaks_of():
    def inner(x):
        return f(x)

    f = np.fft.fft
    local = {"lambda": lambda x: helper(x), "closure": inner, "method": Holder().run}
    for f_of in (*local.values(), Holder(), functools.partial(Holder().run), np.exp):
        assert "numpy" in packages_of(f_of)
    assert "numpy" not in packages_of(lambda x: x * 2)
    assert "json" in packages_of(imports_inside)
    assert "numpy" not in packages_of(lambda x: x.np)  # an attribute is no module


def imports_inside(x):
    import json

    return json


def test_with_parameters_wants_a_module():
    with pytest.raises(TypeError, match="takes a module of torch or tensor_core, not a float"):
        with_parameters(1.0, [X])
