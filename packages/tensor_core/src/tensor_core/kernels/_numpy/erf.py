"""The error function and the tails of the normal distribution, vectorised: NumPy has neither.

The mass beyond t >= 0 is exp(-t*t/2) * R(t). R, half the scaled complementary error function of
t / sqrt(2), is smooth, and a quotient of polynomials with positive coefficients fits it: nothing
cancels. The fits were computed in 50 digits, by least squares reweighted towards the smallest
largest error; the form is that of Cody (Rational Chebyshev approximations for the error function,
1969).
"""

import numpy as np

from .blocks import BLOCK, flat_blocks, quiet

Array = np.ndarray

# Numerator and denominator of R, highest power first, the denominator's leading 1 left out.
# Relative error 4e-8 near 0, growing to 2e-6 where the tail itself is below 1e-3.
TAIL32 = (
    (0.39883644552122305, 2.995473301162315, 9.45952710285108, 13.77894340060759),
    (7.498932290963205, 24.851907737575797, 40.9069887632579, 27.55788796504166),
)
# Relative error 7e-17.
TAIL64 = (
    (
        0.39894228040017987,
        10.752289236984884,
        141.82168097341255,
        1184.5080696077819,
        6852.165785740476,
        28375.474690233965,
        84129.66038014038,
        172918.852910503,
        225795.52030715515,
        145866.82863380076,
    ),
    (
        26.951992217787527,
        356.4942355441693,
        2996.0734076358267,
        17529.32686507142,
        74041.98106760353,
        227356.70280765273,
        498900.14294370526,
        746011.8107719948,
        684360.8216146821,
        291733.6572676015,
    ),
)
# erf(x) / x as a quotient in x * x, for |x| <= 0.6. Relative error 8e-19.
_CENTRE = (
    (
        0.18069314742948936,
        3.249425279105949,
        111.71113005218106,
        374.2547255562035,
        3134.186546935068,
    ),
    (23.39954323300093, 240.42184410575214, 1257.541450527726, 2777.6005072856615),
)
_CENTRE_END = 0.5

# exp(-t*t/2) is 0 beyond
_FAR = {np.dtype(np.float32): 15.0, np.dtype(np.float64): 39.0}


@quiet
def erf(x: Array) -> Array:
    """The error function of each element. Any shape, contiguous.

    >>> erf(np.array([0.0, np.inf, -np.inf])).tolist()
    [0.0, 1.0, -1.0]
    """
    y = np.empty(x.shape, x.dtype)
    work = np.empty((3, min(x.size, BLOCK)), np.float64)
    for xb, yb in flat_blocks(x, y):
        _erf64(xb.astype(np.float64), yb, *(w[: xb.size] for w in work))
    return y


def _erf64(x: Array, y: Array, t: Array, a: Array, b: Array) -> None:
    """In float64, since 1 - tail loses digits of small results that the rounding then hides."""
    np.abs(x, out=t)
    t *= 2**0.5
    upper_tail(t, a, b)  # b = (1 - erf|x|) / 2
    outer = 1 - 2 * b
    np.minimum(x * x, _CENTRE_END**2, out=t)
    quotient(_CENTRE, t, a, b)
    a *= x
    y[...] = np.where(np.abs(x) <= _CENTRE_END, a, np.copysign(outer, x))


def upper_tail(t: Array, e: Array, out: Array) -> None:
    """Standard normal mass beyond t >= 0 into ``out``, exp(-t*t/2) into ``e``.

    Very large ``t`` are clamped, in place. Shapes: all (n,), of one type.

    >>> t, e, out = np.zeros((3, 1)); upper_tail(t, e, out); (e.tolist(), out.tolist())
    ([1.0], [0.5])
    """
    wide = t.dtype == np.float64
    if not t.max(initial=0) < 1e8:  # the polynomials would overflow, and inf / inf is nan
        np.minimum(t, _FAR[t.dtype], out=t)
    _exp_of_square(t, e, out) if wide else _exp_of_square_fast(t, e)
    spare = np.empty_like(t)
    quotient(TAIL64 if wide else TAIL32, t, out, spare)
    out *= e


def quotient(fit: tuple[tuple[float, ...], ...], t: Array, out: Array, spare: Array) -> None:
    """The fitted quotient at each element of ``t``. Shapes: all (n,).

    >>> t, out, spare = np.full((3, 1), 2.0)
    >>> quotient(((3.0, 1.0), (4.0,)), t, out, spare); out.tolist() == [7 / 6]
    True
    """
    upper, lower = fit
    np.multiply(t, upper[0], out=out)
    for c in upper[1:-1]:
        out += c
        out *= t
    out += upper[-1]
    np.add(t, lower[0], out=spare)
    for c in lower[1:]:
        spare *= t
        spare += c
    out /= spare


def _exp_of_square_fast(t: Array, e: Array) -> None:
    np.multiply(t, t, out=e)
    e *= -0.5
    np.exp(e, out=e)


def _exp_of_square(t: Array, e: Array, high: Array) -> None:
    """Exact to rounding: t * t loses digits that exp would magnify, so its head is split off."""
    np.multiply(t, 16, out=high)
    np.trunc(high, out=high)
    high /= 16  # so short that its square is exact
    low = t - high
    low *= -0.5
    high_plus_t = high + t
    low *= high_plus_t
    np.exp(low, out=low)
    high *= high
    high *= -0.5
    np.exp(high, out=e)
    e *= low
