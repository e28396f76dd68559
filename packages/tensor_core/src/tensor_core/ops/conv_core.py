"""Convolution as matrix products: windows laid out as columns, one product for many windows.

Three bilinear maps that are each other's derivatives: ``forward`` of input and kernel,
``to_input`` of output and kernel (the transposed convolution), ``to_weight`` of output and input.
Source: Chellapilla et al. 2006 (unrolling); Dumoulin and Visin 2016 (the arithmetic of shapes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .windows import Sizes, at, cropped, out_sizes, padded, positions, spans, windows

_COLUMNS_BYTES = 1 << 21  # columns at a time: they are read back while still in the cache


class Geometry(NamedTuple):
    """How a kernel moves over its input; one number a spatial dimension, and the groups."""

    stride: Sizes
    padding: Sizes
    dilation: Sizes
    groups: int


class _Job:
    """The sizes of one convolution, and the pieces it is worked off in."""

    def __init__(self, out: Sizes, w_shape: Sizes, like: np.ndarray, how: Geometry) -> None:
        self.how = how
        self.kernel = w_shape[2:]
        self.groups = how.groups
        self.o = w_shape[0] // how.groups  # output channels a group
        self.c = w_shape[1]  # input channels a group
        self.k = self.c * math.prod(self.kernel)
        self.out = out
        self.itemsize = like.dtype.itemsize

    def is_pointwise(self) -> bool:
        return self.k == self.c and set(self.how.stride) == {1}

    def pieces(self, n: int) -> Iterator[tuple[slice, slice]]:
        """Samples and rows of the output whose columns fit into the cache together."""
        rows = self.out[0]
        row = self.groups * self.k * math.prod(self.out[1:]) * self.itemsize
        fit = max(_COLUMNS_BYTES // max(row, 1), 1)
        if fit >= rows:
            many = max(fit // max(rows, 1), 1)
            yield from ((slice(i, min(i + many, n)), slice(0, rows)) for i in range(0, n, many))
            return
        for i in range(n):
            for r in range(0, rows, fit):
                yield slice(i, i + 1), slice(r, min(r + fit, rows))


def _columns(view: np.ndarray, job: _Job, buffer: np.ndarray) -> np.ndarray:
    """Windows (n, G*c, *kernel, *out) as a matrix a group: (G, c*kernel, n*out)."""
    n, d = len(view), len(job.kernel)
    shape = (job.groups, job.c, *job.kernel, n, *view.shape[2 + d :])
    size = math.prod(shape)
    if buffer.size < size:
        buffer = np.empty(size, view.dtype)
    columns = buffer[:size].reshape(shape)
    target = columns.reshape(job.groups * job.c, *shape[2:])
    target[...] = view.transpose(*range(1, 2 + d), 0, *range(2 + d, view.ndim))
    return columns.reshape(job.groups, job.k, -1)


def _grouped(g: np.ndarray, job: _Job) -> np.ndarray:
    """Output channels (n, G*o, *out) as a matrix a group: (G, o, n*out)."""
    n = len(g)
    split = g.reshape(n, job.groups, job.o, -1)
    return split.transpose(1, 2, 0, 3).reshape(job.groups, job.o, -1)


def forward(
    x: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None,
    how: Geometry,
    after: Sizes | None = None,
) -> np.ndarray:
    """Correlate the input with the kernels; ``after`` is the far border where it differs.

    Shapes: x (N, G*c, *sizes), w (G*o, c, *kernel), bias (G*o,) -> (N, G*o, *out).

    >>> x, w = np.arange(4.0).reshape(1, 1, 4), np.ones((1, 1, 2))
    >>> forward(x, w, None, Geometry((1,), (0,), (1,), 1)).tolist()
    [[[1.0, 3.0, 5.0]]]
    """
    xp = padded(x, how.padding, after or how.padding)
    nowhere = (0,) * len(how.padding)
    out = out_sizes(xp.shape[2:], w.shape[2:], how.stride, nowhere, how.dilation)
    job = _Job(out, w.shape, x, how)
    kernels = w.reshape(job.groups, job.o, job.k)
    if job.is_pointwise():
        y = np.matmul(
            kernels, xp.reshape(len(x), job.groups, job.c, math.prod(out))
        )  # (N, G, o, pixels)
        if bias is not None:
            y += bias.reshape(job.groups, job.o, 1)
        return y.reshape(len(x), len(w), *job.out)
    view = windows(xp, job.kernel, how.stride, how.dilation, job.out)
    y = np.empty((len(x), len(w), *job.out), x.dtype)
    d = len(job.kernel)
    buffer = np.empty(0, x.dtype)
    for samples, rows in job.pieces(len(x)):
        part = view[(samples, slice(None), *[slice(None)] * d, rows)]
        columns = _columns(part, job, buffer)
        buffer = columns.reshape(-1) if buffer.size < columns.size else buffer
        product = np.matmul(kernels, columns)  # (G, o, n*out)
        if bias is not None:
            product += bias.reshape(job.groups, job.o, 1)
        shape = (job.groups * job.o, len(part), *part.shape[2 + d :])
        y[samples, :, rows] = product.reshape(shape).swapaxes(0, 1)
    return y


def to_weight(g: np.ndarray, x: np.ndarray, kernel: Sizes, how: Geometry) -> np.ndarray:
    """The kernels' derivative: correlate the input with the output's cotangent.

    Shapes: g (N, G*o, *out), x (N, G*c, *sizes) -> (G*o, c, *kernel).

    >>> g, x = np.ones((1, 1, 3)), np.arange(4.0).reshape(1, 1, 4)
    >>> to_weight(g, x, (2,), Geometry((1,), (0,), (1,), 1)).tolist()
    [[[3.0, 6.0]]]
    """
    w_shape = (g.shape[1], x.shape[1] // how.groups, *kernel)
    job = _Job(g.shape[2:], w_shape, x, how)
    view = windows(padded(x, how.padding, how.padding), kernel, how.stride, how.dilation, job.out)
    dw = np.zeros((job.groups, job.o, job.k), x.dtype)
    d = len(kernel)
    buffer = np.empty(0, x.dtype)
    for samples, rows in job.pieces(len(x)):
        part = view[(samples, slice(None), *[slice(None)] * d, rows)]
        columns = _columns(part, job, buffer)
        buffer = columns.reshape(-1) if buffer.size < columns.size else buffer
        dw += np.matmul(_grouped(g[samples, :, rows], job), columns.swapaxes(1, 2))
    return dw.reshape(w_shape)


def to_input(g: np.ndarray, w: np.ndarray, sizes: Sizes, how: Geometry) -> np.ndarray:
    """The input's derivative: every window's cotangent spread over where the window stood.

    Shapes: g (N, G*o, *out), w (G*o, c, *kernel) -> (N, G*c, *sizes).

    >>> g, w = np.ones((1, 1, 3)), np.array([[[1.0, 10.0]]])
    >>> to_input(g, w, (4,), Geometry((1,), (0,), (1,), 1)).tolist()
    [[[1.0, 11.0, 11.0, 10.0]]]
    """
    flipped = _as_forward(w, how)
    if flipped is not None:
        border = flipped[1].padding
        made = transposed_sizes(g.shape[2:], w.shape[2:], how, (0,) * len(border))
        after = tuple(b + n - m for b, n, m in zip(border, sizes, made, strict=True))
        return forward(g, flipped[0], None, flipped[1], after)
    job = _Job(g.shape[2:], w.shape, g, how)
    channels = job.groups * job.c
    big = tuple(n + 2 * p for n, p in zip(sizes, how.padding, strict=True))
    dx = np.zeros((len(g), channels, *big), g.dtype)
    kernels = w.reshape(job.groups, job.o, job.k).swapaxes(1, 2)  # (G, c*kernel, o)
    for samples, rows in job.pieces(len(g)):
        part = g[samples, :, rows]
        columns = np.matmul(kernels, _grouped(part, job))  # (G, c*kernel, n*out)
        columns = columns.reshape(channels, *job.kernel, len(part), *part.shape[2:])
        first = rows.start * how.stride[0]
        target = dx[samples, :, first:].swapaxes(0, 1)  # (C, n, ...)
        for place in positions(job.kernel):
            view = at(target, place, how.stride, how.dilation, part.shape[2:])
            view += columns[(slice(None), *place)]
    return np.ascontiguousarray(cropped(dx, how.padding, sizes))


def _as_forward(w: np.ndarray, how: Geometry) -> tuple[np.ndarray, Geometry] | None:
    """Kernels and geometry that make ``to_input`` a ``forward``: possible for stride 1.

    Reading windows of the cotangent writes each result once; adding up columns would read and
    write the result at every place of the kernel.
    """
    border = tuple(
        r - 1 - p for r, p in zip(spans(w.shape[2:], how.dilation), how.padding, strict=True)
    )
    o, (c, *kernel) = w.shape[0] // how.groups, w.shape[1:]
    if set(how.stride) != {1} or min(border) < 0 or o > 2 * c:  # many columns for few channels
        return None
    split = np.flip(w, tuple(range(2, w.ndim))).reshape(how.groups, o, c, *kernel)
    swapped = np.ascontiguousarray(split.swapaxes(1, 2))  # BLAS reads no negative strides
    return swapped.reshape(how.groups * c, o, *kernel), how._replace(padding=border)


def transposed_sizes(sizes: Sizes, kernel: Sizes, how: Geometry, extra: Sizes) -> Sizes:
    """What a transposed convolution makes of the sizes.

    >>> transposed_sizes((3,), (2,), Geometry((2,), (0,), (1,), 1), (0,))
    (6,)
    """
    reach = spans(kernel, how.dilation)
    return tuple(
        (n - 1) * s - 2 * p + r + e
        for n, s, p, r, e in zip(sizes, how.stride, how.padding, reach, extra, strict=True)
    )
