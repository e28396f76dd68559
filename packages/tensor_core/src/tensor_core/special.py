"""``torch.special``: mathematical functions under the names mathematics has for them.

>>> import tensor_core as torch
>>> torch.special.expit(torch.tensor([0.0]))
tensor([0.5000])
"""

from __future__ import annotations

from typing import Any

from . import ops
from .ops.activation import log_softmax, softmax
from .ops.bessel import i0, i0e, i1, i1e
from .ops.gamma import zeta
from .ops.probability import entr, erfcx, log_ndtr, ndtr, ndtri, xlog1py

digamma = psi = ops.digamma
erf, erfc, erfinv = ops.erf, ops.erfc, ops.erfinv
exp2, expm1, log1p = ops.exp2, ops.expm1, ops.log1p
expit, logit = ops.sigmoid, ops.logit
gammainc, gammaincc, gammaln = ops.igamma, ops.igammac, ops.lgamma
multigammaln, polygamma = ops.mvlgamma, ops.polygamma
logsumexp, round, sinc, xlogy = ops.logsumexp, ops.round, ops.sinc, ops.xlogy
modified_bessel_i0, modified_bessel_i1 = i0, i1


def __getattr__(name: str) -> Any:
    raise AttributeError(f"torch.special.{name} is not served; there are {', '.join(__all__)}")


__all__ = [
    "digamma", "entr", "erf", "erfc", "erfcx", "erfinv", "exp2", "expit", "expm1",
    "gammainc", "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr",
    "log_softmax", "logit", "logsumexp", "modified_bessel_i0", "modified_bessel_i1",
    "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round", "sinc", "softmax", "xlog1py",
    "xlogy", "zeta",
]  # fmt: skip
