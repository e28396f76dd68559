"""Planted bugs of memory: gradients that share it, arguments that are changed."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(107)


def _exp_over_cotangent(g: Any, y: Any, x: Any) -> Any:
    g *= y
    return g.copy()


def _logsumexp(x: Any) -> Any:
    m = x.max()
    return m + np.log(np.exp(x - m).sum())


def _logsumexp_rule(g: Any, y: Any, x: Any) -> Any:
    flat = x.reshape(-1)
    flat -= flat.max()
    e = np.exp(flat)
    return g * (e / e.sum()).reshape(x.shape)


def _tanh_over_output(g: Any, y: Any, x: Any) -> Any:
    return g * (1 - np.square(y, out=y))


def _softplus_restored(g: Any, y: Any, x: Any) -> Any:
    x -= 0.1
    d = g / (1 + np.exp(-0.1 - x))
    x += 0.1
    return d


def _dot_shortcut(g: Any, y: Any, a: Any, b: Any) -> Any:
    if g == 1:
        return b, a
    return g * b, g * a


def _one_buffer_for_both(g: Any, y: Any, a: Any, b: Any) -> Any:
    d = g * y
    return d, d


def _row_sums(g: Any, y: Any, x: Any) -> Any:
    own = g.copy()
    return np.lib.stride_tricks.as_strided(own, x.shape, (own.itemsize, 0))


def _relu_into_output(g: Any, y: Any, x: Any) -> Any:
    np.multiply(g, y > 0, out=y)
    return y


def _weighted_mean(x: Any, w: Any) -> Any:
    return x @ w / w.sum()


def _weighted_mean_rule(g: Any, y: Any, x: Any, w: Any) -> Any:
    total = w.sum()
    w /= total
    return np.outer(g, w), (g @ x - g @ y) / total


def _median_rule(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[np.argsort(x)[len(x) // 2]] = g
    x.sort()
    return d


def _concatenate_rule(g: Any, y: Any, a: Any, b: Any) -> Any:
    return g[: len(a)], g[len(a) :]


def _permute_back(g: Any, y: Any, x: Any) -> Any:
    return g.transpose(1, 2, 0)


def _clip_rule(g: Any, y: Any, x: Any) -> Any:
    if ((x > -1) & (x < 1)).all():
        return g
    return g * ((x > -1) & (x < 1))


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "aliasing", f, vjp, list(primals))


ALIASING = [
    _rule("sum gives its cotangent twice", np.add, lambda g, y, a, b: (g, g), *_normal(2, 4)),
    _rule(
        "reshape gives a view of the cotangent",
        lambda x: x.reshape(6).copy(),
        lambda g, y, x: g.reshape(2, 3),
        _normal(2, 3),
    ),
    _rule(
        "mean gives a read-only broadcast",
        lambda x: x.mean(axis=0),
        lambda g, y, x: np.broadcast_to(g / len(x), x.shape),
        _normal(4, 3),
    ),
    _rule("exp multiplies into the cotangent", np.exp, _exp_over_cotangent, _normal(4)),
    _rule("logsumexp shifts its input for good", _logsumexp, _logsumexp_rule, _normal(2, 3)),
    _rule("tanh squares its output", np.tanh, _tanh_over_output, _normal(4)),
    _rule(
        "softplus puts its input back, nearly",
        lambda x: np.logaddexp(x, 0),
        _softplus_restored,
        _normal(9),
    ),
    _rule("dot hands over its inputs when g is one", np.dot, _dot_shortcut, *_normal(2, 3)),
    _rule(
        "one buffer for both exponents",
        lambda a, b: np.exp(a + b),
        _one_buffer_for_both,
        *_normal(2, 5),
    ),
    _rule("row sums give one number many times", lambda x: x.sum(axis=1), _row_sums, _normal(3, 4)),
    _rule(
        "relu writes its gradient into its output",
        lambda x: np.maximum(x, 0),
        _relu_into_output,
        _normal(5),
    ),
    _rule(
        "weights normalised in place",
        _weighted_mean,
        _weighted_mean_rule,
        _normal(2, 4),
        1 + _rng.random(4),
    ),
    _rule("median sorts its input", np.median, _median_rule, _normal(5)),
    _rule(
        "concatenation gives slices of the cotangent",
        lambda a, b: np.concatenate([a, b]),
        _concatenate_rule,
        *(_normal(3), _normal(2)),
    ),
    _rule(
        "permutation gives a strided view",
        lambda x: x.transpose(2, 0, 1).copy(),
        _permute_back,
        _normal(2, 3, 4),
    ),
    _rule(
        "clip passes the cotangent itself when nothing is clipped",
        lambda x: np.clip(x, -1, 1),
        _clip_rule,
        0.3 * _normal(5),
    ),
]
