"""Distributions beside torch: the same samples, log-probabilities, moments and derivatives."""

import importlib
import inspect

import numpy as np
import pytest
import torch
from side_by_side import BOTH, array, close, error_of

import tensor_core


def near(*values):
    return np.array(values)


A, B = near(0.3, -1.2, 2.0), near(0.5, 1.0, 3.0)  # any numbers, positive ones
P = near(0.2, 0.5, 0.9)
ROWS = np.array([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]])
FACTOR = np.array([[1.5, 0.0, 0.0], [0.3, 0.8, 0.0], [-0.4, 0.2, 1.1]])
COVARIANCE = FACTOR @ FACTOR.T

# name: how it is made of arrays, the arrays, values to ask about
KINDS = {
    "Normal": (lambda d, a, b: d.Normal(a, b), [A, B], near(0.1, 0.7, -2.0)),
    "Laplace": (lambda d, a, b: d.Laplace(a, b), [A, B], near(0.1, 0.7, -2.0)),
    "Cauchy": (lambda d, a, b: d.Cauchy(a, b), [A, B], near(0.1, 0.7, -2.0)),
    "Gumbel": (lambda d, a, b: d.Gumbel(a, b), [A, B], near(0.1, 0.7, -2.0)),
    "Uniform": (lambda d, a, b: d.Uniform(a, a + b), [A, B], near(0.5, -0.9, 4.0)),
    "LogNormal": (lambda d, a, b: d.LogNormal(a, b), [A, B], near(0.5, 0.9, 4.0)),
    "HalfNormal": (lambda d, b: d.HalfNormal(b), [B], near(0.5, 0.9, 4.0)),
    "Exponential": (lambda d, b: d.Exponential(b), [B], near(0.5, 0.9, 4.0)),
    "Gamma": (lambda d, a, b: d.Gamma(a, b), [B, B[::-1].copy()], near(0.5, 0.9, 4.0)),
    "Chi2": (lambda d, b: d.Chi2(b), [B], near(0.5, 0.9, 4.0)),
    "Beta": (lambda d, a, b: d.Beta(a, b), [B, B[::-1].copy()], P),
    "StudentT": (lambda d, n, a, b: d.StudentT(n, a, b), [near(0.5, 1.5, 5.0), A, B], A / 2),
    "Dirichlet": (lambda d, b: d.Dirichlet(b), [B + ROWS], ROWS),
    "MultivariateNormal covariance": (
        lambda d, a, c: d.MultivariateNormal(a, c + c.mT),
        [A, COVARIANCE / 2],
        ROWS,
    ),
    "MultivariateNormal precision": (
        lambda d, a, c: d.MultivariateNormal(a, precision_matrix=c + c.mT),
        [A, COVARIANCE / 2],
        ROWS,
    ),
    "MultivariateNormal factor": (
        lambda d, a, c: d.MultivariateNormal(a, scale_tril=c),
        [np.stack([A, B]), FACTOR],
        ROWS,
    ),
    "Bernoulli": (lambda d, p: d.Bernoulli(p), [P], near(0, 1, 1)),
    "Bernoulli logits": (lambda d, a: d.Bernoulli(logits=a), [A], near(0, 1, 1)),
    "Geometric": (lambda d, p: d.Geometric(p), [P], near(0, 3, 1)),
    "Geometric logits": (lambda d, a: d.Geometric(logits=a), [A], near(0, 3, 1)),
    "Binomial": (lambda d, p: d.Binomial(5, p), [P], near(0, 5, 2)),
    "Binomial logits": (lambda d, a: d.Binomial(30, logits=a), [A], near(0, 5, 2)),
    "Poisson": (lambda d, b: d.Poisson(b), [4 * B], near(0, 5, 2)),
    "Categorical": (lambda d, p: d.Categorical(p), [3 * ROWS], near(2, 0)),
    "Categorical logits": (lambda d, a: d.Categorical(logits=a), [3 * ROWS], near(2, 0)),
    "OneHotCategorical": (lambda d, p: d.OneHotCategorical(p), [ROWS], np.eye(3)[:2]),
    "OneHotCategoricalStraightThrough": (
        lambda d, p: d.OneHotCategoricalStraightThrough(p),
        [ROWS],
        np.eye(3)[:2],
    ),
    "Multinomial": (lambda d, p: d.Multinomial(7, p), [ROWS], near(2, 4, 1)),
    "Multinomial logits": (lambda d, a: d.Multinomial(3, logits=a), [ROWS], near(2, 0, 1)),
    "Independent": (lambda d, a, b: d.Independent(d.Normal(a, b), 1), [A, B], ROWS),
    "TransformedDistribution": (
        lambda d, a, b: d.TransformedDistribution(
            d.Normal(a, b),
            [d.transforms.AffineTransform(b, -2.0), d.transforms.TanhTransform(cache_size=1)],
        ),
        [A, B],
        near(0.1, 0.7, -0.2),
    ),
    "TransformedDistribution of vectors": (
        lambda d, a, b: d.TransformedDistribution(
            d.Normal(a, b), d.transforms.StickBreakingTransform()
        ),
        [A[:2], B[:2]],
        ROWS,
    ),
}


def made(library, kind, dtype=np.float64):
    make, arrays, value = KINDS[kind]
    params = [library.from_numpy(a.astype(dtype)).requires_grad_() for a in arrays]
    return make(library.distributions, *params), params, library.from_numpy(value.astype(dtype))


def answer(function):
    """What a question gives, or the kind of error it raises."""
    try:
        return function()
    except Exception as error:
        return type(error)


def slopes(library, out, params):
    total = out.sum()
    return library.autograd.grad(total, params, retain_graph=True, allow_unused=True)


def compare(ours, theirs, what, tolerance=None):
    if isinstance(theirs, type):
        assert ours is theirs, what
    else:
        close(array(ours), array(theirs), tolerance, what)


@pytest.mark.parametrize("kind", KINDS)
def test_moments_and_shapes(kind):
    theirs, ours = (made(t, kind)[0] for t in BOTH)
    for name in ("mean", "mode", "variance", "stddev"):
        compare(*(answer(lambda: getattr(d, name)) for d in (ours, theirs)), name)  # noqa: B023
    if "MultivariateNormal" in kind:
        for name in ("covariance_matrix", "precision_matrix", "scale_tril"):
            compare(getattr(ours, name), getattr(theirs, name), name)
    for name in ("batch_shape", "event_shape"):
        assert tuple(getattr(ours, name)) == tuple(getattr(theirs, name))
    assert bool(ours.has_rsample) == bool(theirs.has_rsample)
    assert repr(ours) == repr(theirs)
    compare(*(answer(d.enumerate_support) for d in (ours, theirs)), "enumerate_support")


@pytest.mark.parametrize("kind", KINDS)
def test_questions_and_their_derivatives(kind):
    results = []
    for t in BOTH:
        d, params, value = made(t, kind)
        rank = t.full_like(value, 0.3)
        found = {}
        for name, *args in (
            ("log_prob", value), ("entropy",), ("cdf", value), ("icdf", rank), ("perplexity",)
        ):  # fmt: skip
            out = answer(lambda: getattr(d, name)(*args))  # noqa: B023
            found[name] = out
            if not isinstance(out, type) and out.requires_grad:
                grads = answer(lambda: slopes(t, out, params))  # noqa: B023
                if isinstance(grads, type):  # not to be had, in either library
                    found[f"{name} by"] = grads
                    continue
                for i, g in enumerate(grads):
                    found[f"{name} by {i}"] = t.zeros(()).double() if g is None else g
        results.append(found)
    theirs, ours = results
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        loose = "Multinomial" in kind and name[:7] in ("entropy", "perplex")  # float32 in torch
        compare(ours[name], value, name, (2e-6, 1e-6) if loose else (1e-7, 1e-8))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_samples_are_torchs(kind, dtype):
    """The generators go on in step too: the second draw would show it."""
    results = []
    for t in BOTH:
        d, _, _ = made(t, kind, dtype)
        t.manual_seed(7)
        results.append([array(d.sample(shape)) for shape in [(), (5,), (3, 4)]])
        if d.has_rsample:
            results[-1].append(array(d.rsample((6,))))
    rounding = 2e-6 if dtype is np.float32 else 1e-14
    for theirs, ours in zip(*results, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rounding * 20, rounding)


@pytest.mark.parametrize("kind", [k for k in KINDS if made(torch, k)[0].has_rsample])
def test_derivatives_of_samples(kind):
    results = []
    for t in BOTH:
        d, params, _ = made(t, kind)
        t.manual_seed(3)
        out = (d.rsample((20,)) ** 2).sum()
        results.append([array(g) for g in t.autograd.grad(out, params)])
    loose = kind in ("Gamma", "Chi2", "Beta", "StudentT", "Dirichlet")  # torch approximates there
    for theirs, ours in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, 2e-3 if loose else 1e-7, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_expanded(kind):
    results = []
    for t in BOTH:
        d, _, value = made(t, kind)
        larger = d.expand((2, *d.batch_shape))
        t.manual_seed(1)
        sample = larger.sample((2,))
        out = larger.log_prob(value)
        shapes = [tuple(x) for x in (larger.batch_shape, larger.event_shape, sample.shape)]
        results.append((shapes, array(out)))
    assert results[0][0] == results[1][0]
    np.testing.assert_allclose(results[1][1], results[0][1], 1e-9)


def of_kind(d, name, second):
    a, b = (t * 1.5 + 0.2 if second else t for t in d.arrays)
    return {
        "Normal": lambda: d.Normal(a, b),
        "Laplace": lambda: d.Laplace(a, b),
        "Cauchy": lambda: d.Cauchy(a, b),
        "Gumbel": lambda: d.Gumbel(a, b),
        "Uniform": lambda: d.Uniform(a - b * second * 3, a + 9 * b),
        "LogNormal": lambda: d.LogNormal(a, b),
        "HalfNormal": lambda: d.HalfNormal(b),
        "Exponential": lambda: d.Exponential(b),
        "Gamma": lambda: d.Gamma(b, b + 1),
        "Beta": lambda: d.Beta(b, b + 1),
        "Dirichlet": lambda: d.Dirichlet(b),
        "Bernoulli": lambda: d.Bernoulli(logits=a),
        "Geometric": lambda: d.Geometric(logits=a),
        "Binomial": lambda: d.Binomial(4, logits=a),
        "Poisson": lambda: d.Poisson(b),
        "Categorical": lambda: d.Categorical(logits=a),
        "OneHotCategorical": lambda: d.OneHotCategorical(b),
        "MultivariateNormal": lambda: d.MultivariateNormal(a, b.diag() + 0.1),
        "Independent": lambda: d.Independent(d.Normal(a, b), 1),
        "StudentT": lambda: d.StudentT(b),
    }[name]()


class Made:
    """A library's distributions, and two arrays as its tensors."""

    def __init__(self, t):
        self.library = t
        self.arrays = [t.from_numpy(x.copy()).requires_grad_() for x in (A, B)]

    def __getattr__(self, name):
        return getattr(self.library.distributions, name)


ONE = ["Normal", "Laplace", "Gumbel", "Uniform", "Exponential", "Gamma", "Beta"]
SAME = ["Cauchy", "LogNormal", "HalfNormal", "Dirichlet", "Bernoulli", "Geometric", "Binomial",
        "Poisson", "Categorical", "OneHotCategorical", "MultivariateNormal", "Independent",
        "StudentT"]  # fmt: skip
NOT_HERE = {
    ("Exponential", "Gumbel"), ("Gamma", "Gumbel"), ("Normal", "Gumbel"), ("Beta", "Exponential"),
    ("Beta", "Gamma"), ("Beta", "Uniform"), ("Uniform", "Beta"), ("Uniform", "Exponential"),
    ("Uniform", "Gamma"), ("Uniform", "Gumbel"),
}  # fmt: skip
PAIRS = [*((p, q) for p in ONE for q in ONE if (p, q) not in NOT_HERE), *zip(SAME, SAME)]  # noqa: B905


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_divergence(p, q):
    results = []
    for t in BOTH:
        d = Made(t)
        pair = of_kind(d, p, False), of_kind(d, q, True)
        out = answer(lambda: d.kl_divergence(*pair))  # noqa: B023
        found = [out]
        if not isinstance(out, type) and out.requires_grad and np.isfinite(array(out)).all():
            grads = t.autograd.grad(out.sum(), d.arrays, allow_unused=True)
            found += [t.zeros(3).double() if g is None else g for g in grads]
        results.append(found)
    for theirs, ours in zip(*results, strict=True):
        compare(ours, theirs, f"{p}, {q}", (1e-7, 1e-8))


def test_a_divergence_of_ones_own():
    for t in BOTH:
        d = t.distributions

        class Shifted(d.Normal):
            pass

        @d.register_kl(Shifted, d.Normal)
        def _(p, q):
            return q.loc * 0 + 7.0

        p, q = Shifted(0.0, 1.0), d.Normal(t.tensor(0.0), 1.0)
        assert d.kl_divergence(p, q).item() == 7.0 and d.kl_divergence(q, p).item() == 0.0


WRONG = {
    "scale": lambda t, d: d.Normal(0.0, -1.0),
    "nan": lambda t, d: d.Normal(float("nan"), 1.0),
    "string": lambda t, d: d.Normal("a", 1.0),
    "shapes": lambda t, d: d.Normal(t.zeros(2), t.ones(3)),
    "low above high": lambda t, d: d.Uniform(1.0, 0.0),
    "outside": lambda t, d: d.Uniform(0.0, 1.0).log_prob(t.tensor(2.0)),
    "no tensor": lambda t, d: d.Normal(0.0, 1.0).log_prob(2.0),
    "value's shape": lambda t, d: d.Normal(t.zeros(2), 1.0).log_prob(t.zeros(3)),
    "event's shape": lambda t, d: d.Dirichlet(t.ones(2)).log_prob(t.ones(3) / 3),
    "both": lambda t, d: d.Categorical(t.ones(2), logits=t.ones(2)),
    "neither": lambda t, d: d.Bernoulli(),
    "0-d": lambda t, d: d.Categorical(t.tensor(1.0)),
    "no category": lambda t, d: d.Categorical(t.ones(2)).log_prob(t.tensor(5)),
    "negative": lambda t, d: d.Categorical(t.tensor([-1.0, 3.0])),
    "half": lambda t, d: d.Bernoulli(0.5).log_prob(t.tensor(0.5)),
    "probability 2": lambda t, d: d.Bernoulli(2.0),
    "probability 0": lambda t, d: d.Geometric(0.0),
    "two matrices": lambda t, d: d.MultivariateNormal(t.zeros(2), t.eye(2), t.eye(2)),
    "not definite": lambda t, d: d.MultivariateNormal(t.zeros(2), -t.eye(2)),
    "counts": lambda t, d: d.Multinomial(t.tensor(2), t.ones(2)),
    "too many dimensions": lambda t, d: d.Independent(d.Normal(0.0, 1.0), 1),
    "no rsample": lambda t, d: d.Bernoulli(0.5).rsample(),
    "no cdf": lambda t, d: d.Poisson(1.0).cdf(t.tensor(1.0)),
    "no transform": lambda t, d: d.TransformedDistribution(d.Normal(0.0, 1.0), [1]),
    "no divergence": lambda t, d: d.kl_divergence(d.Normal(0.0, 1.0), d.Poisson(1.0)),
    "unchecked": lambda t, d: d.Normal(0.0, -1.0, validate_args=False),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_refused(what):
    torch.distributions.Distribution.set_default_validate_args(True)  # torch.compile turns it off
    theirs, ours = (error_of(lambda: WRONG[what](t, t.distributions)) for t in BOTH)  # noqa: B023
    assert ours is theirs and (theirs is not None or what == "unchecked")


TRANSFORMS = {
    "exp": (lambda s: s.ExpTransform(), A),
    "sigmoid": (lambda s: s.SigmoidTransform(), A),
    "softplus": (lambda s: s.SoftplusTransform(), A),
    "tanh": (lambda s: s.TanhTransform(), A),
    "power": (lambda s: s.PowerTransform(2.5), B),
    "affine": (lambda s: s.AffineTransform(1.0, -2.0), A),
    "affine of vectors": (lambda s: s.AffineTransform(1.0, -2.0, event_dim=1), A),
    "independent": (lambda s: s.IndependentTransform(s.ExpTransform(), 1), A),
    "reshape": (lambda s: s.ReshapeTransform((3,), (3, 1)), ROWS),
    "stick": (lambda s: s.StickBreakingTransform(), ROWS),
    "inverse": (lambda s: s.ExpTransform().inv, B),
    "composed": (lambda s: s.ComposeTransform([s.ExpTransform(), s.PowerTransform(0.5)]), A),
    "composed inverse": (
        lambda s: s.ComposeTransform([s.AffineTransform(0.5, 3.0), s.TanhTransform()]).inv,
        P,
    ),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    make, value = TRANSFORMS[name]
    results = []
    for t in BOTH:
        transform, x = make(t.distributions.transforms), t.from_numpy(value)
        y = transform(x)
        stretch = transform.log_abs_det_jacobian(x, y)
        shapes = tuple(transform.forward_shape(x.shape)), tuple(transform.inverse_shape(y.shape))
        dims = transform.domain.event_dim, transform.codomain.event_dim
        text = repr(transform), repr(transform.domain), repr(transform.codomain)
        equal = make(t.distributions.transforms) == transform
        results.append(([array(y), array(transform.inv(y)), array(stretch)], shapes, dims, text,
                        transform.bijective, equal))  # fmt: skip
    theirs, ours = results
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, 1e-9, 1e-12)
    assert ours[1:] == theirs[1:]


def test_policy_gradient_program():
    """Sampling, log-probabilities and entropy in one small loop: the same numbers throughout."""
    results = []
    for t in BOTH:
        t.manual_seed(0)
        policy = t.nn.Linear(3, 4)
        optimizer = t.optim.Adam(policy.parameters(), lr=0.05)
        seen = []
        for _ in range(10):
            d = t.distributions.Categorical(logits=policy(t.randn(8, 3)))
            action = d.sample()
            reward = (action == 2).float()
            loss = -(d.log_prob(action) * reward).mean() - 0.01 * d.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen += [loss.item(), *action.tolist()]
        results.append(seen)
    np.testing.assert_allclose(results[1], results[0], 1e-4)


def test_modules_are_where_torch_has_them():
    ours = tensor_core.distributions
    for name in ours.__all__:
        theirs = getattr(torch.distributions, name, None) or getattr(
            torch.distributions.transforms, name
        )
        if inspect.isclass(theirs):
            place = theirs.__module__.replace("torch.", "tensor_core.", 1)
            assert getattr(importlib.import_module(place), name) is getattr(ours, name)
