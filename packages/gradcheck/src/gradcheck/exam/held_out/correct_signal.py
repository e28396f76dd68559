"""Signals and recursions: transforms, convolutions, running sums and products."""

import numpy as np

from gradcheck.exam.held_out._parts import Array
from gradcheck.exam.rule import Rule

_draw = np.random.default_rng(112)


def _power_rule(g: Array, y: Array, x: Array) -> Array:
    weighted = g * np.fft.rfft(x).conj()
    return 2 * np.fft.fft(weighted, n=x.size).real.astype(x.dtype)


def _circular(x: Array, k: Array) -> Array:
    return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(k), n=x.size).astype(x.dtype)


def _circular_rule(g: Array, y: Array, x: Array, k: Array) -> tuple[Array, Array]:
    spectrum = np.fft.rfft(g)
    gx = np.fft.irfft(spectrum * np.fft.rfft(k).conj(), n=x.size)
    gk = np.fft.irfft(spectrum * np.fft.rfft(x).conj(), n=x.size)
    return gx.astype(x.dtype), gk.astype(k.dtype)


def _valid(x: Array, k: Array) -> Array:
    return np.convolve(x, k, "valid")


def _valid_rule(g: Array, y: Array, x: Array, k: Array) -> tuple[Array, Array]:
    return np.convolve(g, k[::-1], "full"), np.convolve(g[::-1], x, "valid")[::-1].copy()


def _transform(x: Array) -> tuple[Array, Array]:
    spectrum = np.fft.rfft(x)
    return spectrum.real, spectrum.imag


def _transform_rule(g: tuple[Array, Array], y: tuple[Array, Array], x: Array) -> Array:
    return np.fft.fft(g[0] - 1j * g[1], n=x.size).real.astype(x.dtype)


def _product_rule(g: Array, y: Array, x: Array) -> Array:
    """Products of all the others, so that a 0 needs no division."""
    others = [np.prod(np.delete(x, i)) for i in range(x.size)]
    return np.asarray(g * np.array(others, dtype=x.dtype))


def _cumprod_rule(g: Array, y: Array, x: Array) -> Array:
    out = np.zeros(x.shape, dtype=x.dtype)
    for i in range(x.size):
        without = x.copy()
        without[i] = 1
        out[i] = (g[i:] * np.cumprod(without)[i:]).sum()
    return out


def _rolling(x: Array) -> Array:
    return np.asarray(np.lib.stride_tricks.sliding_window_view(x, 3).mean(axis=-1))


def _rolling_rule(g: Array, y: Array, x: Array) -> Array:
    out = np.zeros(x.shape, dtype=x.dtype)
    for shift in range(3):
        out[shift : shift + g.size] += g / 3
    return out


def _autocorrelation(x: Array) -> Array:
    return np.correlate(x, x, "full")


def _autocorrelation_rule(g: Array, y: Array, x: Array) -> Array:
    return np.convolve(g + g[::-1], x, "valid")


def _average(x: Array, decay: Array) -> Array:
    """Exponential moving average from 0."""
    state = 0 * decay
    states = []
    for value in x:
        state = decay * state + (1 - decay) * value
        states.append(state)
    return np.stack(states)


def _average_rule(g: Array, y: Array, x: Array, decay: Array) -> tuple[Array, Array]:
    gx = np.zeros(x.shape, dtype=x.dtype)
    carried = 0 * decay
    total = 0 * decay
    for t in reversed(range(x.size)):
        carried = carried + g[t]
        before = y[t - 1] if t else 0 * y[0]
        total = total + carried * (before - x[t])
        gx[t] = carried * (1 - decay)
        carried = carried * decay
    return gx, np.asarray(total)


def _scan(x: Array, w: Array) -> Array:
    """Hidden states of h = tanh(w h + x) from 0. (T, n), (n, n) -> (T, n)."""
    h = 0 * x[0]
    states = []
    for row in x:
        h = np.tanh(w @ h + row)
        states.append(h)
    return np.stack(states)


def _scan_rule(g: Array, y: Array, x: Array, w: Array) -> tuple[Array, Array]:
    gx, gw = np.zeros(x.shape, dtype=x.dtype), np.zeros(w.shape, dtype=w.dtype)
    back = 0 * x[0]
    for t in reversed(range(len(x))):
        inner = (g[t] + back) * (1 - y[t] ** 2)
        gx[t] = inner
        if t:
            gw += np.outer(inner, y[t - 1])
        back = w.T @ inner
    return gx, gw


def _log_cumulative(x: Array) -> Array:
    return np.logaddexp.accumulate(x)


def _log_cumulative_rule(g: Array, y: Array, x: Array) -> Array:
    parts = np.tril(np.exp(np.minimum(x[None, :] - y[:, None], 0)))
    return np.asarray(g @ parts)


_SIGNAL = "signal"

RULES = [
    Rule(
        "power spectrum",
        _SIGNAL,
        lambda x: np.abs(np.fft.rfft(x)) ** 2,
        _power_rule,
        [_draw.normal(size=8)],
    ),
    Rule(
        "Fourier transform in two parts",
        _SIGNAL,
        _transform,
        _transform_rule,
        [
            _draw.normal(size=7),
        ],
    ),
    Rule(
        "circular convolution",
        _SIGNAL,
        _circular,
        _circular_rule,
        [_draw.normal(size=8), _draw.normal(size=8)],
    ),
    Rule("convolution", _SIGNAL, _valid, _valid_rule, [_draw.normal(size=9), _draw.normal(size=3)]),
    Rule(
        "autocorrelation",
        _SIGNAL,
        _autocorrelation,
        _autocorrelation_rule,
        [_draw.normal(size=5)],
    ),
    Rule(
        "cumulative sum down the columns",
        _SIGNAL,
        lambda x: np.cumsum(x, axis=0),
        lambda g, y, x: np.cumsum(g[::-1], axis=0)[::-1].copy(),
        [_draw.normal(size=(4, 2))],
    ),
    Rule(
        "product with a zero",
        _SIGNAL,
        lambda x: np.prod(x),
        _product_rule,
        [np.array([1.5, 0.0, -2.0, 3.0])],
    ),
    Rule(
        "cumulative product with a zero",
        _SIGNAL,
        np.cumprod,
        _cumprod_rule,
        [np.array([1.5, -2.0, 0.0, 3.0, 0.5])],
    ),
    Rule("rolling mean", _SIGNAL, _rolling, _rolling_rule, [_draw.normal(size=7)]),
    Rule(
        "moving average",
        _SIGNAL,
        _average,
        _average_rule,
        [_draw.normal(size=6), np.array(0.9)],
    ),
    Rule(
        "recurrent network through time",
        _SIGNAL,
        _scan,
        _scan_rule,
        [_draw.normal(size=(5, 3)), _draw.normal(size=(3, 3))],
    ),
    Rule(
        "running logsumexp",
        _SIGNAL,
        _log_cumulative,
        _log_cumulative_rule,
        [np.array([-300.0, 2.0, 1.0, 300.0, 299.0])],
    ),
]
