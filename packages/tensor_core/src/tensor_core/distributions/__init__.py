"""Probability distributions: samples, log-probabilities, moments, divergences.

>>> import tensor_core as torch
>>> policy = torch.distributions.Categorical(logits=torch.zeros(4))
>>> policy.log_prob(torch.tensor(2)), policy.entropy()
(tensor(-1.3863), tensor(1.3863))
"""

from .._missing import missing
from . import constraints, transforms
from ._discrete import (
    Bernoulli,
    Binomial,
    Categorical,
    Geometric,
    Multinomial,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
    Poisson,
)
from ._location_scale import Cauchy, Laplace, Uniform
from ._positive import Beta, Chi2, Dirichlet, Exponential, Gamma, StudentT
from .distribution import Distribution
from .independent import Independent
from .kl import kl_divergence, register_kl
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .transformed_distribution import Gumbel, HalfNormal, LogNormal, TransformedDistribution
from .transforms import *  # noqa: F403

__all__ = [
    "Bernoulli",
    "Beta",
    "Binomial",
    "Categorical",
    "Cauchy",
    "Chi2",
    "Dirichlet",
    "Distribution",
    "Exponential",
    "Gamma",
    "Geometric",
    "Gumbel",
    "HalfNormal",
    "Independent",
    "Laplace",
    "LogNormal",
    "Multinomial",
    "MultivariateNormal",
    "Normal",
    "OneHotCategorical",
    "OneHotCategoricalStraightThrough",
    "Poisson",
    "StudentT",
    "TransformedDistribution",
    "Uniform",
    "constraints",
    "kl_divergence",
    "register_kl",
    "transforms",
    *transforms.__all__,
]

__getattr__ = missing(__name__)
