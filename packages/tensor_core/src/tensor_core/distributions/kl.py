"""How far one distribution is from another: Kullback and Leibler's divergence (1951)."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from .. import linalg, ops
from .._tensor import Tensor
from ._discrete import Bernoulli, Binomial, Categorical, Geometric, OneHotCategorical, Poisson
from ._location_scale import Cauchy, Laplace, Uniform
from ._positive import Beta, Dirichlet, Exponential, Gamma
from .distribution import Distribution
from .independent import Independent
from .multivariate_normal import MultivariateNormal, half_log_det, mahalanobis
from .normal import Normal
from .transformed_distribution import Gumbel, HalfNormal, TransformedDistribution
from .utils import euler_constant, sum_rightmost

__all__ = ["kl_divergence", "register_kl"]

Divergence = Callable[[Any, Any], Tensor]
_registered: dict[tuple[type, type], Divergence] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Divergence], Divergence]:
    """Decorate a function of p and q that gives the divergence for two types and their kinds.

    Raises ``TypeError`` for what is no kind of distribution.

    >>> register_kl(int, Normal)
    Traceback (most recent call last):
    TypeError: Expected type_p to be a Distribution subclass but got <class 'int'>
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(kind, type) and issubclass(kind, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def decorate(function: Divergence) -> Divergence:
        _registered[type_p, type_q] = function
        return function

    return decorate


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The expected log-ratio of the densities of p and q under p, in nats. Shape: (batch).

    Raises ``NotImplementedError`` for a pair that nothing is known of.

    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    function = _found(type(p), type(q))
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
            f"{type(q).__name__}"
        )
    return function(p, q)


def _found(type_p: type, type_q: type) -> Divergence | None:
    """The function for the nearest kinds; of two that are as near, the one nearer to p's."""
    fits = [(p, q) for p, q in _registered if issubclass(type_p, p) and issubclass(type_q, q)]
    if not fits:
        return None
    depth_p, depth_q = type_p.__mro__.index, type_q.__mro__.index
    first = min(fits, key=lambda pair: (depth_p(pair[0]), depth_q(pair[1])))
    second = min(fits, key=lambda pair: (depth_q(pair[1]), depth_p(pair[0])))
    if _registered[first] is not _registered[second]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
            f"register_kl({first[0].__name__}, {second[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _registered[first]


@register_kl(Bernoulli, Bernoulli)
def _(p: Bernoulli, q: Bernoulli) -> Tensor:
    one = p.probs * (ops.softplus(-q.logits) - ops.softplus(-p.logits))
    one = one.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0)
    zero = (1 - p.probs) * (ops.softplus(q.logits) - ops.softplus(p.logits))
    zero = zero.masked_fill(q.probs == 1, math.inf).masked_fill(p.probs == 1, 0)
    return one + zero


@register_kl(Beta, Beta)
def _(p: Beta, q: Beta) -> Tensor:
    return kl_divergence(p._dirichlet, q._dirichlet)


@register_kl(Binomial, Binomial)
def _(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    one = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return (p.total_count * one).masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(Categorical, Categorical)
def _(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    return terms.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return kl_divergence(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def _(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Dirichlet, Dirichlet)
def _(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    whole = a.sum(-1)
    norm = whole.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norm + ((a - b) * (a.digamma() - whole.digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Exponential, Gamma)
def _(p: Exponential, q: Gamma) -> Tensor:
    ratio, a = q.rate / p.rate, q.concentration
    return ratio - a * ratio.log() + a.lgamma() + a * euler_constant - (1 + euler_constant)


@register_kl(Gamma, Gamma)
def _(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    norm = b * (p.rate / q.rate).log() + b.lgamma() - a.lgamma()
    return norm + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gamma, Exponential)
def _(p: Gamma, q: Exponential) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Normal, Normal)
def _(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _(p: HalfNormal, q: HalfNormal) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Normal, Laplace)
def _(p: Normal, q: Laplace) -> Tensor:
    off = p.loc - q.loc
    near = math.sqrt(2 / math.pi) * p.scale * (-0.5 * (off / p.scale).pow(2)).exp()
    distance = near + off * ops.erf(math.sqrt(0.5) * off / p.scale)  # E|x - q.loc|
    return (2 * q.scale).log() + distance / q.scale - p.entropy()


@register_kl(Laplace, Laplace)
def _(p: Laplace, q: Laplace) -> Tensor:
    ratio, off = p.scale / q.scale, (p.loc - q.loc).abs()
    return off / q.scale + ratio * (-off / p.scale).exp() - ratio.log() - 1


def _to_normal(p: Any, q: Normal) -> Tensor:
    """From mean, variance and entropy alone: the normal's log-density is quadratic."""
    square = p.variance + (p.mean - q.loc).pow(2)
    log_norm = (q.scale * math.sqrt(2 * math.pi)).log()
    return log_norm + 0.5 * square / q.scale.pow(2) - p.entropy()


_SMOOTH: tuple[type, ...] = (Beta, Exponential, Gamma, Gumbel, Laplace, Uniform)
for _kind in _SMOOTH:
    register_kl(_kind, Normal)(_to_normal)


def _infinite(p: Any, q: Any) -> Tensor:
    """Where p goes beyond the support of q."""
    return ops.broadcast_tensors(p.mean, q.mean)[0].detach() * 0 + math.inf


_REAL: tuple[type, ...] = (Normal, Laplace, Gumbel)
_POSITIVE: tuple[type, ...] = (Exponential, Gamma)
_BOUNDED: tuple[type, ...] = (Beta, Uniform)
_WIDER = [
    *((wide, narrow) for wide in _REAL for narrow in (*_POSITIVE, *_BOUNDED)),
    *((wide, narrow) for wide in _POSITIVE for narrow in _BOUNDED),
]
for _wide, _narrow in _WIDER:
    register_kl(_wide, _narrow)(_infinite)


@register_kl(Cauchy, Cauchy)
def _(p: Cauchy, q: Cauchy) -> Tensor:
    across = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return across.log() - (4 * p.scale * q.scale).log()


@register_kl(Gumbel, Gumbel)
def _(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, off = p.scale / q.scale, (p.loc - q.loc) / q.scale
    moved = off - ratio.log() + ratio * euler_constant
    return moved + ((1 + ratio).lgamma() - off).exp() - (1 + euler_constant)


@register_kl(Uniform, Uniform)
def _(p: Uniform, q: Uniform) -> Tensor:
    ratio = (q.high - q.low) / (p.high - p.low)
    return ratio.log().masked_fill((q.low > p.low) | (q.high < p.high), math.inf)


@register_kl(MultivariateNormal, MultivariateNormal)
def _(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot "
            "be computed"
        )
    ours, theirs = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    shape = ops.broadcast_shapes(ours.shape, theirs.shape)
    both = linalg.solve_triangular(theirs.expand(shape), ours.expand(shape), upper=False)
    square = both.pow(2).sum((-2, -1)) + mahalanobis(theirs, q.loc - p.loc)
    return half_log_det(theirs) - half_log_det(ours) + 0.5 * (square - p.event_shape[0])


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError(
            "kl_divergence: the two distributions are made by different transforms"
        )
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "kl_divergence: the two distributions make events of different dimensions"
        )
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)
