"""Planted bugs where the numbers are tiny, huge, or both at once."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(102)


def _rms_norm(x: Any) -> Any:
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def _rms_norm_rule(g: Any, y: Any, x: Any) -> Any:
    r = 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True))
    return r * (g - x * r * r * (g * x).mean(axis=-1, keepdims=True))


def _std_rule(g: Any, y: Any, x: Any) -> Any:
    spread = np.sqrt(np.abs((x * x).mean() - x.mean() ** 2) + 1e-30)
    return g * (x - x.mean()) / (len(x) * spread)


def _units(a: Any, b: Any) -> Any:
    return np.stack([1e12 * a, 1e-7 * b * b])


def _gravity(r: Any, m: Any) -> Any:
    return -6.674e-11 * m / r


def _planck(x: Any) -> Any:
    return 1.4387769e-2 / x


def _loss_rule(g: Any, y: Any, x: Any, t: Any) -> Any:
    d = g * 1e-7 * (x - t) / x.size
    return d, -d


def _weighted_rule(g: Any, y: Any, x: Any, w: Any) -> Any:
    return np.outer(np.where(np.abs(y) > 1e-3, g, 0), w), x.T @ g


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "scale", f, vjp, list(primals))


SCALE = [
    _rule(
        "loss of size 1e-7 without its 2",
        lambda x, t: 1e-7 * ((x - t) ** 2).mean(),
        _loss_rule,
        *_rng.normal(size=(2, 4, 3)),
    ),
    _rule(
        "gravity pulls the wrong way",
        _gravity,
        lambda g, y, r, m: (g * y / r, g * y / m),
        _rng.uniform(1, 3, 5),
        _rng.uniform(1, 3, 5),
    ),
    _rule(
        "square root with 1e-8 below the line",
        np.sqrt,
        lambda g, y, x: g / (2 * y + 1e-8),
        np.array([2e-12, 5e-11, 3e-6, 4.0, 7e6]),
    ),
    _rule(
        "rms norm of small rows without its epsilon",
        _rms_norm,
        _rms_norm_rule,
        1e-3 * _rng.normal(size=(3, 5)),
    ),
    _rule(
        "deviation by cancelling squares",
        lambda x: x.std(),
        _std_rule,
        1e5 + _rng.normal(size=6) / 10,
    ),
    _rule(
        "half a slope beside an output of 1e12",
        _units,
        lambda g, y, a, b: (1e12 * g[0], 1e-7 * g[1] * b),
        *_rng.normal(size=(2, 4)),
    ),
    _rule(
        "entropy of rare events without its + 1",
        lambda x: -x * np.log(x),
        lambda g, y, x: -g * np.log(x),
        np.array([3e-9, 2e-8, 1e-12, 5e-10]),
    ),
    _rule(
        "expm1 mistaken for exp",
        np.expm1,
        lambda g, y, x: g * y,
        np.array([10.5, 12.25, 11.0, 13.75]),
    ),
    _rule(
        "sine of degrees without pi / 180",
        lambda x: np.sin(np.pi / 180 * x),
        lambda g, y, x: g * np.cos(np.pi / 180 * x),
        np.array([-170.0, 12.5, 88.0, 3600.0]),
    ),
    _rule(
        "reciprocal of huge numbers rises",
        lambda x: 1 / x,
        lambda g, y, x: g * y * y,
        np.array([3e8, -2e7, 8e9]),
    ),
    _rule(
        "wavelengths in metres, one power short",
        _planck,
        lambda g, y, x: -g * y,
        np.array([4e-7, 5.5e-7, 7e-7]),
    ),
    _rule(
        "rows with small outputs given nothing",
        lambda x, w: x @ w,
        _weighted_rule,
        np.diag([1e4, 1e-7, 1.0]) @ _rng.normal(size=(3, 4)),
        _rng.normal(size=4),
    ),
]
