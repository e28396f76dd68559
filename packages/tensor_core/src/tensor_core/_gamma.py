"""The gamma function's logarithm and its derivatives, and the incomplete gamma function.

All in float64, element by element, by recurrence towards large arguments and the asymptotic
series there (Abramowitz and Stegun 1964, chapter 6).
"""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

Array = np.ndarray

# B(2k), k = 1, 2, ...: the Bernoulli numbers of the asymptotic series
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510)
_FAR = 12.0
_HALF_LOG_TAU = 0.5 * np.log(2 * pi)
_ROUNDS = 100_000


def _to_far(x: Array) -> tuple[Array, Array]:
    """``x`` moved up by whole steps until it is at least 12, and how many steps that took."""
    steps = np.ceil(np.clip(_FAR - x, 0, _FAR))
    return x + steps, steps


def lgamma(x: Array) -> Array:
    """The logarithm of the absolute value of gamma: infinite at 0, -1, -2 and so on (A&S 6.1.41).

    >>> lgamma(np.array([1.0, 5.0, -1.0])).round(4)
    array([0.    , 3.1781,    inf])
    """
    with np.errstate(all="ignore"):
        low = x < 0.5
        z = np.where(low, 1 - x, x)
        far, steps = _to_far(z)
        product = np.ones_like(z)
        for k in range(int(_FAR)):
            product = np.where(k < steps, product * (z + k), product)
        inverse = 1 / far
        series = np.zeros_like(far)
        for k in reversed(range(len(BERNOULLI))):
            n = 2 * (k + 1)
            series = series * inverse * inverse + BERNOULLI[k] / (n * (n - 1))
        y = (far - 0.5) * np.log(far) - far + _HALF_LOG_TAU + series * inverse - np.log(product)
        y = np.where((z == 1) | (z == 2), 0.0, y)
        y = np.where(np.isposinf(z), np.inf, y)
        return np.where(np.isinf(x), np.inf, np.where(low, _reflected(x, y), y))


def _reflected(x: Array, above: Array) -> Array:
    """lgamma(x) from lgamma(1 - x) (A&S 6.1.17)."""
    sine = np.abs(np.sin(pi * (x - np.round(x))))
    return np.where(sine == 0, np.inf, np.log(pi / sine) - above)


def digamma(x: Array) -> Array:
    """The derivative of :func:`lgamma`: NaN at -1, -2 and so on, infinite at 0 (A&S 6.3.18).

    >>> digamma(np.array([1.0, 2.0])).round(4)
    array([-0.5772,  0.4228])
    """
    with np.errstate(all="ignore"):
        low = x <= 0
        z = np.where(low, 1 - x, x)
        far, steps = _to_far(z)
        below = np.zeros_like(z)
        for k in range(int(_FAR)):
            below = np.where(k < steps, below + 1 / (z + k), below)
        square = 1 / (far * far)
        series = np.zeros_like(far)
        for k in reversed(range(len(BERNOULLI))):
            series = (series + BERNOULLI[k] / (2 * (k + 1))) * square
        y = np.log(far) - 0.5 / far - series - below
        turn = x - np.round(x)
        mirrored = np.where(turn == 0, np.nan, y - pi / np.tan(pi * turn))
        y = np.where(low, mirrored, y)
        return np.where(x == 0, np.copysign(np.inf, -x), np.where(np.isposinf(x), np.inf, y))


def zeta(s: Array, q: Array) -> Array:
    """Hurwitz's zeta function: the sum of ``(k + q) ** -s`` for k = 0, 1, ... (A&S 23.2; Euler-
    Maclaurin from the twelfth term on).

    >>> zeta(np.array([2.0]), np.array([1.0])).round(4)
    array([1.6449])
    """
    s, q = np.broadcast_arrays(np.asarray(s, np.float64), np.asarray(q, np.float64))
    with np.errstate(all="ignore"):
        steps = np.ceil(np.clip(_FAR - q, 0, _ROUNDS))
        total = np.zeros(q.shape)
        for k in range(int(np.nanmax(steps, initial=0))):
            total = np.where(k < steps, total + (q + k) ** -s, total)
        far = q + steps
        power = far**-s
        total = total + far * power / (s - 1) + 0.5 * power
        term = s * power / far
        for k, b in enumerate(BERNOULLI):
            n = 2 * (k + 1)
            factor = 1.0
            for i in range(1, n + 1):
                factor *= i
            total = total + b / factor * term
            term = term * (s + n - 1) * (s + n) / (far * far)
        total = np.where((q <= 0) & (q == np.floor(q)), np.inf, total)
        total = np.where((q < 0) & (q != np.floor(q)) & (s != np.floor(s)), np.nan, total)
        total = np.where(s == 1, np.inf, np.where(s < 1, np.nan, total))
        return np.where(np.isposinf(q) & (s > 1), 0.0, total)


def polygamma(n: int, x: Array) -> Array:
    """The ``n``-th derivative of :func:`digamma` (A&S 6.4.10).

    >>> polygamma(1, np.array([1.0])).round(4)
    array([1.6449])
    """
    if n == 0:
        return digamma(x)
    if n == 1:  # reflection serves arguments far below 0
        with np.errstate(all="ignore"):
            low = x < 0.5
            y = zeta(np.asarray(2.0), np.where(low, 1 - x, x))
            sine = np.sin(pi * (x - np.round(x)))
            return np.where(low, (pi / sine) ** 2 - y, y)
    factor = -1.0 if n % 2 == 0 else 1.0
    for i in range(2, n + 1):
        factor *= i
    return factor * zeta(np.asarray(n + 1.0), x)


def incomplete(a: Array, x: Array) -> tuple[Array, Array]:
    """The regularised lower and upper incomplete gamma functions P and Q (A&S 6.5.29, 6.5.31).

    >>> p, q = incomplete(np.array([1.0]), np.array([2.0]))
    >>> p.round(4), q.round(4)
    (array([0.8647]), array([0.1353]))
    """
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    p, q = np.full(a.shape, np.nan), np.full(a.shape, np.nan)
    with np.errstate(all="ignore"):
        plain = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
        small, large = plain & (x < a + 1), plain & (x >= a + 1)
        front = np.exp(a * np.log(x) - x - lgamma(a))
        p[small] = front[small] * _series(a[small], x[small])
        q[small] = 1 - p[small]
        q[large] = front[large] * _fraction(a[large], x[large])
        p[large] = 1 - q[large]
    known = [
        ((a > 0) & (x == 0), 0.0), ((a == 0) & (x > 0), 1.0),
        (np.isposinf(x) & np.isfinite(a) & (a >= 0), 1.0),
        (np.isposinf(a) & np.isfinite(x) & (x >= 0), 0.0),
    ]  # fmt: skip
    for where, value in known:
        p[where], q[where] = value, 1 - value
    return p, q


def _series(a: Array, x: Array) -> Array:
    """Sum of x**k / (a (a + 1) ... (a + k)), for x < a + 1."""
    term = 1 / a
    total = term.copy()
    for k in range(1, _ROUNDS):
        term = term * (x / (a + k))
        total += term
        if not (term > total * 1e-17).any():
            break
    return total


def _fraction(a: Array, x: Array) -> Array:
    """The continued fraction of the upper function, by Lentz's method, for x >= a + 1."""
    b = x + 1 - a
    c, d = np.full(a.shape, 1e300), 1 / b
    total = d.copy()
    for k in range(1, _ROUNDS):
        step = -k * (k - a)
        b = b + 2
        d = _away(step * d + b)
        c = _away(b + step / c)
        d = 1 / d
        change = d * c
        total *= change
        if not (np.abs(change - 1) > 1e-16).any():
            break
    return total


def _away(x: Array) -> Any:
    """No zeros, which the next step divides by."""
    return np.where(np.abs(x) < 1e-300, 1e-300, x)
