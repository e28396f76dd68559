"""Optimizer steps: one pass over memory each."""

from math import sqrt

import numpy as np
from numba import boolean, float32

from .._numpy import optim as plain
from .compiling import IN1, OUT1, kernel, takes

Array = np.ndarray

_ZERO, _ONE = float32(0.0), float32(1.0)


def adamw_step(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    step: int,
    decoupled: bool,
    grad_scale: float = 1.0,
) -> None:
    """As the NumPy kernel of this name."""
    if not takes(p, g, m, v):
        plain.adamw_step(
            p, g, m, v, lr, beta1, beta2, eps, weight_decay, step, decoupled, grad_scale
        )
        return
    size = lr / (1 - beta1**step)
    root2 = sqrt(1 - beta2**step)
    keep = 1 - lr * weight_decay if decoupled else 1.0
    decay = 0.0 if decoupled else weight_decay
    _adamw(p, g, m, v, size, 1 - beta1, beta2, 1 - beta2, eps, root2, keep, decay, grad_scale)


@kernel(
    OUT1, IN1, OUT1, OUT1,
    float32, float32, float32, float32, float32, float32, float32, float32, float32,
)  # fmt: skip
def _adamw(p, g, m, v, size, rest1, beta2, rest2, eps, root2, keep, decay, scale):  # type: ignore[no-untyped-def]
    for i in range(p.size):
        gi = g[i] * scale + decay * p[i]
        mi = m[i] + rest1 * (gi - m[i])
        vi = beta2 * v[i] + rest2 * gi * gi
        m[i] = mi
        v[i] = vi
        p[i] = p[i] * keep - size * mi / (np.sqrt(vi) / root2 + eps)


def sgd_step(
    p: Array,
    g: Array,
    buf: Array | None,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    first: bool,
) -> None:
    """As the NumPy kernel of this name."""
    if not takes(p, g, buf) or not momentum or first:
        plain.sgd_step(p, g, buf, lr, momentum, dampening, weight_decay, nesterov, first)
        return
    _momentum(p, g, buf, lr, momentum, 1 - dampening, weight_decay, nesterov)


@kernel(OUT1, IN1, OUT1, float32, float32, float32, float32, boolean)
def _momentum(p, g, buf, lr, momentum, rest, decay, nesterov):  # type: ignore[no-untyped-def]
    ahead = momentum if nesterov else _ONE
    direct = _ONE if nesterov else _ZERO
    for i in range(p.size):
        gi = g[i] + decay * p[i]
        b = momentum * buf[i] + rest * gi
        buf[i] = b
        p[i] -= lr * (direct * gi + ahead * b)
