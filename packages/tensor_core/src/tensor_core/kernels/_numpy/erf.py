"""The error function and the normal distribution, vectorised: NumPy has neither."""

from math import erf as scalar_erf

import numpy as np

Array = np.ndarray

_each_erf = np.vectorize(scalar_erf, otypes=[np.float64])


def erf(x: Array) -> Array:
    """The error function of each element. Any shape.

    >>> erf(np.array([0.0, np.inf])).tolist()
    [0.0, 1.0]
    """
    return _each_erf(x).astype(x.dtype)


def normal_cdf_pdf(x: Array) -> tuple[Array, Array]:
    """Distribution function and density of the standard normal at each element. Any shape.

    >>> normal_cdf_pdf(np.array([0.0]))[0].tolist()
    [0.5]
    """
    cdf = (0.5 + 0.5 * _each_erf(x * 0.5**0.5)).astype(x.dtype)
    return cdf, np.exp(x * x * -0.5) * 0.3989422804014327
