"""Planted bugs in which way the numbers go: axes, orders, directions."""

from typing import Any

import numpy as np

from gradcheck.exam.rule import Rule

_rng = np.random.default_rng(105)


def _sort_rule(g: Any, y: Any, x: Any) -> Any:
    return g[np.argsort(x)]


def _batch_norm(x: Any, w: Any) -> Any:
    z = x - x.mean(axis=(0, 2), keepdims=True)
    return w[:, None] * z / np.sqrt((z * z).mean(axis=(0, 2), keepdims=True) + 1e-5)


def _batch_norm_rule(g: Any, y: Any, x: Any, w: Any) -> Any:
    z = x - x.mean(axis=(0, 2), keepdims=True)
    r = 1 / np.sqrt((z * z).mean(axis=(0, 2), keepdims=True) + 1e-5)
    h, gw = z * r, g * w[:, None]
    dx = gw - gw.mean(axis=(0, 2), keepdims=True) - h * (gw * h).mean(axis=(0, 2), keepdims=True)
    return r * dx, (g * h).sum(axis=(0, 1))


def _softmax(x: Any) -> Any:
    e = np.exp(x - x.max(axis=0))
    return e / e.sum(axis=0)


def _pixel_shuffle(x: Any) -> Any:
    return x.reshape(2, 2, 3, 3).transpose(2, 0, 3, 1).reshape(6, 6)


def _pixel_rule(g: Any, y: Any, x: Any) -> Any:
    return g.reshape(3, 2, 3, 2).transpose(3, 1, 0, 2).reshape(4, 3, 3)


def _top2(x: Any) -> Any:
    return np.take_along_axis(x, np.argsort(-x, axis=1)[:, :2], axis=1)


def _top2_rule(g: Any, y: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    np.put_along_axis(d, np.argsort(x, axis=1)[:, -2:], g, axis=1)
    return d


def _cumprod_rule(g: Any, y: Any, x: Any) -> Any:
    return np.cumsum((g * y)[::-1], axis=1)[::-1] / x


def _split_heads(x: Any) -> Any:
    return x.reshape(4, 2, 3).transpose(1, 0, 2).copy()


def _max_pool(x: Any) -> Any:
    return x.reshape(3, 2, 3, 2).max(axis=(1, 3))


def _max_pool_rule(g: Any, y: Any, x: Any) -> Any:
    hit = x == np.repeat(np.repeat(y, 2, axis=0), 2, axis=1)
    return hit * np.repeat(np.repeat(g.T, 2, axis=0), 2, axis=1)


def _conv2d(x: Any, w: Any) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape)
    return np.einsum("ijkl,kl->ij", windows, w)


def _conv2d_rule(g: Any, y: Any, x: Any, w: Any) -> Any:
    dx = np.zeros_like(x)
    for k in range(w.shape[0]):
        for m in range(w.shape[1]):
            dx[k : k + g.shape[0], m : m + g.shape[1]] += w[k, m] * g
    windows = np.lib.stride_tricks.sliding_window_view(x, g.shape)
    return dx, np.einsum("klij,ij->lk", windows, g)


def _normal(*shape: int) -> Any:
    return _rng.normal(size=shape)


def _rule(name: str, f: Any, vjp: Any, *primals: Any) -> Rule:
    return Rule(name, "axis", f, vjp, list(primals))


AXIS = [
    _rule("cumsum taken forwards again", np.cumsum, lambda g, y, x: np.cumsum(g), _normal(7)),
    _rule(
        "roll rolled the same way",
        lambda x: np.roll(x, 2),
        lambda g, y, x: np.roll(g, 2),
        _normal(7),
    ),
    _rule(
        "cube transposed by the same axes",
        lambda x: x.transpose(2, 0, 1).copy(),
        lambda g, y, x: g.transpose(2, 0, 1).copy(),
        _normal(3, 3, 3),
    ),
    _rule(
        "mean pooling tiled, not repeated",
        lambda x: x.reshape(-1, 2).mean(axis=1),
        lambda g, y, x: np.tile(g / 2, 2),
        _normal(8),
    ),
    _rule(
        "convolution's kernel not flipped",
        lambda x, w: np.convolve(x, w, "valid"),
        lambda g, y, x, w: (np.convolve(g, w), np.convolve(x[::-1], g, "valid")),
        *(_normal(8), _normal(3)),
    ),
    _rule("sort undone by the order itself", np.sort, _sort_rule, _normal(6)),
    _rule(
        "batched product transposed behind squares",
        lambda a, b: np.einsum("bij,bjk->bik", a, b),
        lambda g, y, a, b: (np.einsum("bik,bjk->bij", g, b), np.einsum("bij,bik->bkj", a, g)),
        *_normal(2, 2, 3, 3),
    ),
    _rule(
        "flip of the other axis",
        lambda x: np.flip(x, 0).copy(),
        lambda g, y, x: np.flip(g, 1).copy(),
        _normal(3, 3),
    ),
    _rule(
        "batch norm's scale summed over channels",
        _batch_norm,
        _batch_norm_rule,
        _normal(2, 3, 3),
        _normal(3),
    ),
    _rule(
        "softmax of columns, summed by rows",
        _softmax,
        lambda g, y, x: y * (g - (g * y).sum(axis=1, keepdims=True)),
        _normal(4, 4),
    ),
    _rule(
        "pixel shuffle with the offsets exchanged", _pixel_shuffle, _pixel_rule, _normal(4, 3, 3)
    ),
    _rule("top two in rising order", _top2, _top2_rule, _normal(3, 5)),
    _rule(
        "cumprod reversed along the other axis",
        lambda x: np.cumprod(x, axis=1),
        _cumprod_rule,
        1 + _rng.random((3, 3)),
    ),
    _rule(
        "heads merged without moving them back",
        _split_heads,
        lambda g, y, x: g.reshape(4, 6).copy(),
        _normal(4, 6),
    ),
    _rule(
        "lower triangle returned to the upper",
        np.tril,
        lambda g, y, x: np.triu(g),
        _normal(4, 4),
    ),
    _rule("max pooling fed with rows for columns", _max_pool, _max_pool_rule, _normal(6, 6)),
    _rule("2-d kernel's gradient transposed", _conv2d, _conv2d_rule, _normal(5, 5), _normal(2, 2)),
]
