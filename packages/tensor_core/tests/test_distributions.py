"""Distributions: moments of samples, densities that sum to 1, derivatives at constant rank."""

import math

import numpy as np
import pytest

import tensor_core as torch
from tensor_core import distributions as d

CONTINUOUS = {
    "Normal": (lambda: d.Normal(0.5, 2.0), -20, 20),
    "Laplace": (lambda: d.Laplace(0.5, 1.5), -40, 40),
    "Gumbel": (lambda: d.Gumbel(0.5, 1.5), -10, 60),
    "Uniform": (lambda: d.Uniform(-1.0, 3.0), -0.9999, 2.9999),
    "LogNormal": (lambda: d.LogNormal(0.2, 0.5), 1e-6, 40),
    "HalfNormal": (lambda: d.HalfNormal(2.0), 0, 20),
    "Exponential": (lambda: d.Exponential(0.5), 0, 60),
    "Gamma": (lambda: d.Gamma(2.5, 0.5), 0, 80),
    "Chi2": (lambda: d.Chi2(torch.tensor(4.0)), 0, 80),
    "Beta": (lambda: d.Beta(2.0, 3.0), 0, 1),
    "StudentT": (lambda: d.StudentT(7.0, 0.5, 2.0), -300, 300),
}
WHOLE = {
    "Bernoulli": (lambda: d.Bernoulli(0.3), 2),
    "Geometric": (lambda: d.Geometric(0.3), 200),
    "Binomial": (lambda: d.Binomial(9, torch.tensor(0.3)), 10),
    "Poisson": (lambda: d.Poisson(3.5), 60),
}


def check(values, chances, made):
    """Sums with weights against what the distribution says of itself, and against samples."""
    mean = (values * chances).sum()
    variance = ((values - mean) ** 2 * chances).sum()
    assert chances.sum() == pytest.approx(1, abs=1e-3)
    assert made.mean.item() == pytest.approx(mean, rel=2e-3, abs=2e-3)
    assert made.variance.item() == pytest.approx(variance, rel=2e-2)
    torch.manual_seed(0)
    sample = made.sample((4000,)).double().numpy()
    assert sample.mean() == pytest.approx(mean, abs=5 * math.sqrt(variance / 4000))
    assert sample.var() == pytest.approx(variance, rel=0.25)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_density_moments_and_samples_agree(name):
    make, low, high = CONTINUOUS[name]
    made, edges = make(), np.linspace(low, high, 40_001)
    middle = (edges[1:] + edges[:-1]) / 2
    density = made.log_prob(torch.tensor(middle, dtype=torch.float32)).exp().double().numpy()
    check(middle, density * np.diff(edges), made)


@pytest.mark.parametrize("name", WHOLE)
def test_chances_moments_and_samples_agree(name):
    make, count = WHOLE[name]
    made = make()
    chances = made.log_prob(torch.arange(float(count))).exp().double().numpy()
    check(np.arange(count), chances, made)


def test_categories():
    made = d.Categorical(torch.tensor([[1.0, 2.0, 1.0], [0.0, 0.0, 5.0]]))
    assert made.probs.tolist() == [[0.25, 0.5, 0.25], [0, 0, 1]]
    torch.manual_seed(0)
    sample = made.sample((1000,))
    assert sample.shape == (1000, 2) and set(sample[:, 1].tolist()) == {2}
    counts = torch.bincount(sample[:, 0]).tolist()
    assert counts == pytest.approx([250, 500, 250], abs=60)
    assert made.entropy()[0].item() == pytest.approx(1.5 * math.log(2))
    hot = d.OneHotCategorical(made.probs).sample((7,))
    assert hot.shape == (7, 2, 3) and hot.sum(-1).eq(1).all()
    assert d.Multinomial(9, made.probs).sample().sum(-1).tolist() == [9, 9]


def quantile(cdf, rank, low, high):
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if cdf(middle) < rank else (low, middle)
    return low


@pytest.mark.parametrize("a", [0.2, 0.9, 3.0, 40.0])
def test_a_gamma_number_moves_at_constant_rank(a):
    """Its derivative against a quotient of quantiles."""

    def cdf(x, a):
        both = torch.tensor([a, x], dtype=torch.float64)
        return torch.special.gammainc(both[0], both[1]).item()

    alpha = torch.full((6,), a, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(1)
    x = d.Gamma(alpha, torch.ones((), dtype=torch.float64)).rsample()
    (slope,) = torch.autograd.grad(x.sum(), alpha)
    h = 1e-4 * a
    for value, got in zip(x.tolist(), slope.tolist(), strict=True):
        if not value > 1e-5:
            continue
        rank = cdf(value, a)
        ends = [quantile(lambda v: cdf(v, b), rank, 0, 200) for b in (a - h, a + h)]  # noqa: B023
        assert got == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=1e-4)


def test_derivatives_reach_the_parameters():
    loc = torch.tensor([0.0, 1.0], requires_grad=True)
    made = d.Independent(d.Normal(loc, 1.0), 1)
    made.rsample((5,)).sum().backward()
    assert loc.grad.tolist() == [5.0, 5.0] and made.sample().requires_grad is False
    loc.grad = None
    d.kl_divergence(made, d.Independent(d.Normal(torch.zeros(2), 1.0), 1)).backward()
    assert loc.grad.tolist() == [0.0, 1.0]


def test_validation_can_be_turned_off():
    with pytest.raises(ValueError, match=r"Expected parameter scale .* GreaterThan"):
        d.Normal(0.0, -1.0)
    assert d.Normal(0.0, -1.0, validate_args=False).scale.item() == -1.0
    d.Distribution.set_default_validate_args(False)
    try:
        d.Normal(0.0, -1.0)
    finally:
        d.Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="within the support"):
        d.Uniform(0.0, 1.0).log_prob(torch.tensor(2.0))


def test_a_distribution_of_ones_own():
    class Triangle(d.Distribution):
        arg_constraints = {"width": d.constraints.positive}  # noqa: RUF012
        has_rsample = True

        def __init__(self, width, validate_args=None):
            self.width = torch.as_tensor(width)
            super().__init__(self.width.shape, validate_args=validate_args)

        @d.constraints.dependent_property(is_discrete=False, event_dim=0)
        def support(self):
            return d.constraints.interval(-self.width, self.width)

        def rsample(self, sample_shape=()):
            shape = self._extended_shape(sample_shape)
            return self.width * (torch.rand(shape) + torch.rand(shape) - 1)

        def log_prob(self, value):
            if self._validate_args:
                self._validate_sample(value)
            return ((1 - value.abs() / self.width) / self.width).log()

    made = Triangle([1.0, 2.0])
    assert made.support.check(made.sample((9,))).all() and repr(made).startswith("Triangle(width")
    assert d.TransformedDistribution(made, d.ExpTransform()).sample((3,)).shape == (3, 2)
    with pytest.raises(NotImplementedError, match="expand"):
        made.expand((3, 2))
    with pytest.raises(NotImplementedError, match="entropy"):
        made.entropy()
