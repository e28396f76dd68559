"""Normalisation of the last dimensions: layer norm and RMS norm, fused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .._card import Case, composed
from .._define import op
from .._tensor import Tensor
from ..kernels import active as kernels
from .reduce import axes_of, kept


def _sizes(name: str, x: np.ndarray, shape: Any, *params: np.ndarray | None) -> int:
    """The number of normalised elements, after checking that everything fits."""
    sizes = tuple(int(n) for n in shape)
    if not sizes or x.shape[x.ndim - len(sizes) :] != sizes:
        raise RuntimeError(
            f"{name}: given normalized_shape={list(sizes)}, expected input with shape "
            f"[*, {', '.join(map(str, sizes))}], but got input of size {list(x.shape)}"
        )
    for p in params:
        if p is not None and p.shape != sizes:
            raise RuntimeError(
                f"{name}: expected weight and bias of the shape {list(sizes)} of normalized_shape, "
                f"but got {list(p.shape)}"
            )
    return math.prod(sizes)


def _flat(a: np.ndarray | None) -> np.ndarray | None:
    return None if a is None else np.ascontiguousarray(a).reshape(-1)


def _rows(a: np.ndarray, d: int) -> np.ndarray:
    return np.ascontiguousarray(a).reshape(a.size // d if d else 0, d)


def _layer_norm_composed(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, normalized_shape: Any, eps: float
) -> Tensor:
    dims = tuple(range(-len(normalized_shape), 0))
    centred = x - x.mean(dims, True)
    y = centred * ((centred * centred).mean(dims, True) + eps).rsqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _layer_norm_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 5)), rng.normal(size=5), rng.normal(size=5), (5,))
    yield Case(rng.normal(size=(2, 3, 4)), rng.normal(size=4), None, (4,))
    yield Case(rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 4)), rng.normal(size=(3, 4)), (3, 4))
    yield Case(rng.normal(size=(3, 4)), None, None, (4,), 1e-3)


@op(name="layer_norm", keeps=("mean", "rstd"), fuses=_layer_norm_composed, cases=_layer_norm_cases)
def layer_norm_op(
    x: Any, weight: Any, bias: Any, /, normalized_shape: Any, eps: float = 1e-5
) -> Any:
    """Mean 0 and variance 1 over the last dimensions, then scaled and shifted (Ba et al. 2016).

    >>> import tensor_core as torch
    >>> x = torch.tensor([1.0, 2.0, 3.0])
    >>> torch.nn.functional.layer_norm(x, (3,), torch.tensor([1.0, 10.0, 100.0]))
    tensor([ -1.2247,   0.0000, 122.4736])
    """
    d = _sizes("layer_norm", x, normalized_shape, weight, bias)
    y, mean, rstd = kernels.layer_norm_forward(_rows(x, d), _flat(weight), _flat(bias), eps)
    return y.reshape(x.shape), mean, rstd


@layer_norm_op.vjp
def _(g: Any, x: Any, weight: Any, mean: Any, rstd: Any, normalized_shape: Any, needs: Any) -> Any:
    d = math.prod(normalized_shape)
    dx, dw, db = kernels.layer_norm_backward(
        _rows(g, d), _rows(x, d), mean, rstd, _flat(weight), *needs
    )
    shape = tuple(normalized_shape)
    return (
        None if dx is None else dx.reshape(x.shape),
        None if dw is None else dw.reshape(shape),
        None if db is None else db.reshape(shape),
    )


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Layer normalisation over the last dimensions. Shapes: (*, normalized_shape) -> same.

    >>> import tensor_core as torch
    >>> torch.nn.functional.layer_norm(torch.tensor([[1.0, 3.0], [0.0, 8.0]]), (2,))
    tensor([[-1.0000,  1.0000],
            [-1.0000,  1.0000]])
    """
    return layer_norm_op(input, weight, bias, tuple(normalized_shape), eps)


def _rms_norm_composed(
    x: Tensor, weight: Tensor | None, normalized_shape: Any, eps: float
) -> Tensor:
    dims = tuple(range(-len(normalized_shape), 0))
    y = x * ((x * x).mean(dims, True) + eps).rsqrt()
    return y if weight is None else y * weight


def _rms_norm_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 5)), rng.normal(size=5), (5,), 1e-5)
    yield Case(rng.normal(size=(2, 3, 4)), rng.normal(size=(3, 4)), (3, 4), 1e-6)
    yield Case(rng.normal(size=(3, 4)), None, (4,), 1e-3)


@op(name="rms_norm", keeps=("rstd",), fuses=_rms_norm_composed, cases=_rms_norm_cases)
def rms_norm_op(x: Any, weight: Any, /, normalized_shape: Any, eps: float) -> Any:
    """Root mean square 1 over the last dimensions, then scaled (Zhang and Sennrich 2019).

    >>> import tensor_core as torch
    >>> x = torch.tensor([3.0, 4.0])
    >>> torch.nn.functional.rms_norm(x, (2,), torch.tensor([1.0, 2.0]))
    tensor([0.8485, 2.2627])
    """
    d = _sizes("rms_norm", x, normalized_shape, weight)
    y, rstd = kernels.rms_norm_forward(_rows(x, d), _flat(weight), eps)
    return y.reshape(x.shape), rstd


@rms_norm_op.vjp
def _(g: Any, x: Any, weight: Any, rstd: Any, normalized_shape: Any, needs: Any) -> Any:
    d = math.prod(normalized_shape)
    dx, dw = kernels.rms_norm_backward(_rows(g, d), _rows(x, d), rstd, _flat(weight), *needs)
    shape = tuple(normalized_shape)
    return None if dx is None else dx.reshape(x.shape), None if dw is None else dw.reshape(shape)


def rms_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None
) -> Tensor:
    """RMS normalisation over the last dimensions; ``eps`` defaults to the type's.

    >>> import tensor_core as torch
    >>> torch.nn.functional.rms_norm(torch.tensor([[3.0, 4.0]]), (2,))
    tensor([[0.8485, 1.1314]])
    """
    if eps is None:
        eps = float(np.finfo(input._a.dtype).eps)
    return rms_norm_op(input, weight, tuple(normalized_shape), eps)


def _group_norm_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 4, 3)), 2, rng.normal(size=4), rng.normal(size=4))
    yield Case(rng.normal(size=(2, 4, 2, 2)), 4, None, None, 1e-3)


@composed(torch="nn.functional.group_norm", cases=_group_norm_cases)
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 over each group of channels (Wu and He 2018). Shapes: (N, C, ...).

    Raises:
        RuntimeError: the channels do not divide into the groups, or there are none.

    >>> import tensor_core as torch
    >>> torch.nn.functional.group_norm(torch.tensor([[1.0, 3.0, 0.0, 8.0]]), 2).round()
    tensor([[-1.,  1., -1.,  1.]])
    """
    if input.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but got {input.ndim}")
    n, channels = input.shape[:2]
    if channels % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(input.shape)} and num_groups={num_groups}"
        )
    for name, given in (("weight", weight), ("bias", bias)):
        if given is not None and tuple(given.shape) != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, "
                f"but got {name} of shape {list(given.shape)} and input of shape "
                f"{list(input.shape)}"
            )
    groups = input.reshape((n, num_groups, -1))  # (N, G, C/G * ...)
    out = layer_norm(groups, (groups.shape[-1],), eps=eps).reshape(input.shape)
    along = (-1, *[1] * (input.ndim - 2))  # lines up with dimension 1
    if weight is not None:
        out = out * weight.reshape(along)
    return out if bias is None else out + bias.reshape(along)


def _norm_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)), 1, 1)
    yield Case(rng.normal(size=(2, 3)), 3, -1, True)


@composed(torch="norm", cases=_norm_cases, kinks="at zero vectors")
def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm along ``dim`` (of all elements without).

    Raises:
        RuntimeError: a norm other than a number, "fro" or "nuc", or integers.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
    >>> torch.norm(x, dim=1), torch.norm(x, 1)
    (tensor([5., 2.]), tensor(9.))
    """
    x = input if dtype is None else input.to(dtype)
    if x._a.dtype.kind in "iub":
        raise RuntimeError(
            "norm(): input dtype should be either floating point or complex. Got "
            f"{x.dtype.name} instead."
        )
    if p == "nuc":  # the sum of the singular values
        from ..linalg.norms import matrix_norm  # which needs the ops first

        return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim)
    if x.is_complex():
        x = x.abs()
    if p is None or p in ("fro", 2, 2.0):
        return _euclidean(x, dim, keepdim)
    if isinstance(p, str):
        raise RuntimeError(f"norm: the order {p!r} is not supported; give a number, 'fro' or 'nuc'")
    size = x.abs()
    if p == float("inf"):
        return size.amax(() if dim is None else dim, keepdim)
    if p == float("-inf"):
        return size.amin(() if dim is None else dim, keepdim)
    if p == 0:
        return (x != 0).to(x.dtype).sum(dim, keepdim)
    return size.sum(dim, keepdim) if p == 1 else (size**p).sum(dim, keepdim) ** (1 / p)


@op(
    name="euclidean_norm",
    cases=lambda rng: iter([Case(rng.normal(size=(2, 3)), dim) for dim in (None, 1, ())]),
)
def _euclidean(x: Any, /, dim: Any = None, keepdim: bool = False) -> Any:
    """The square root of the sum of squares; its gradient at 0 is 0, as torch has it.

    >>> import tensor_core as torch
    >>> torch.norm(torch.tensor([3.0, 4.0]))
    tensor(5.)
    """
    return np.sqrt((x * x).sum(axis=axes_of(dim, x.ndim), keepdims=keepdim))


@_euclidean.vjp
def _(g: Any, y: Any, x: Any, dim: Any, keepdim: Any) -> Any:
    y, g = kept(y, x.shape, dim, keepdim), kept(g, x.shape, dim, keepdim)
    zero = y == 0
    return g * x / np.where(zero, np.ones_like(y), y)
