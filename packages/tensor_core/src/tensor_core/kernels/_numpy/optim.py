"""Optimizer steps and the gradient norm, over flat arrays, in place."""

from math import sqrt

import numpy as np

from .blocks import flat_blocks, quiet

Array = np.ndarray

_ROW = 4096  # squares added up in the array's own precision; the sums of these in float64


@quiet
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
    """One step of AdamW (Loshchilov and Hutter 2019), or of Adam if not ``decoupled``.

    Updates p, m and v in place; ``step`` counts from 1; g is first multiplied by ``grad_scale``.
    Shapes: all (n,).

    >>> p, g, m, v = np.ones(1), np.ones(1), np.zeros(1), np.zeros(1)
    >>> adamw_step(p, g, m, v, 0.1, 0.9, 0.999, 1e-8, 0.0, 1, True)
    >>> p.round(6).tolist()
    [0.9]
    """
    step_size = lr / (1 - beta1**step)
    root2 = sqrt(1 - beta2**step)
    for pb, gb, mb, vb in flat_blocks(p, g, m, v):
        if grad_scale != 1.0:
            gb = gb * grad_scale
        if weight_decay and decoupled:
            pb *= 1 - lr * weight_decay
        elif weight_decay:
            gb = gb + weight_decay * pb
        t = gb - mb
        t *= 1 - beta1
        mb += t
        np.multiply(gb, 1 - beta2, out=t)
        t *= gb
        vb *= beta2
        vb += t
        np.sqrt(vb, out=t)
        t /= root2
        t += eps
        pb += np.divide(mb * -step_size, t, out=t)


@quiet
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
    """One step of gradient descent with momentum (Sutskever et al. 2013, eq. 1 to 4).

    Updates p and buf (needed with momentum) in place; ``first`` says buf holds nothing yet.
    Shapes: all (n,).

    >>> p = np.ones(2)
    >>> sgd_step(p, np.ones(2), None, 0.5, 0.0, 0.0, 0.0, False, True)
    >>> p.tolist()
    [0.5, 0.5]
    """
    for pb, gb, bb in flat_blocks(p, g, p if buf is None else buf):
        if weight_decay:
            gb = gb + weight_decay * pb
        if momentum:
            if first:
                bb[...] = gb
            else:
                bb *= momentum
                bb += gb * (1 - dampening)
            gb = gb + momentum * bb if nesterov else bb
        pb -= lr * gb


@quiet
def sum_squares(x: Array) -> float:
    """Sum of squares of all elements, as a Python float.

    >>> sum_squares(np.array([3.0, 4.0]))
    25.0
    """
    flat = x.reshape(-1)
    whole = flat.size // _ROW * _ROW
    rows, tail = flat[:whole].reshape(-1, _ROW), flat[whole:]
    total = float(np.vecdot(rows, rows).sum(dtype=np.float64)) + float(np.dot(tail, tail))
    if total == np.inf and x.dtype == np.float32:  # squares may have left float32's range
        return sum_squares(x.astype(np.float64))
    return total
