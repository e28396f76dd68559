"""Random draws as tensors: the generator's numbers, in torch's order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes, random
from .._card import Case
from .._define import op
from .._device import computing
from .._dtypes import DIFFERENTIABLE
from .._inplace import in_place
from .._tensor import Tensor, wrap
from .index import copy


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    if len(sizes) == 1 and isinstance(sizes[0], tuple | list):
        sizes = tuple(sizes[0])
    return tuple(int(n) for n in sizes)


def _type(dtype: Any) -> np.dtype[Any]:
    return _dtypes.to_numpy(_dtypes.get_default_dtype() if dtype is None else dtype)


def finish(array: np.ndarray, requires_grad: bool, device: Any = None, out: Any = None) -> Tensor:
    """A fresh tensor of an array, as every factory returns it."""
    if device is not None:
        computing(device)
    t = wrap(array)
    if out is not None:
        out._a[...] = array
        out._bump()
        return out
    return t.requires_grad_() if requires_grad else t


def rand(
    *size: Any, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers in [0, 1).

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0); torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    drawn = random.current(generator).uniform(_shape(size), _type(dtype))
    return finish(drawn, requires_grad, device, out)


def randn(
    *size: Any, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normal numbers of mean 0 and variance 1.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0); torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    drawn = random.current(generator).normal(_shape(size), _type(dtype))
    return finish(drawn, requires_grad, device, out)


def randint(
    low: int, high: Any = None, size: Any = None, *, generator: Any = None, out: Any = None,
    dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Integers in [low, high), or in [0, low) when only one bound is given.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint(0, 10, (5,))
    tensor([4, 9, 3, 0, 3])
    """
    if size is None:
        low, high, size = (0, low, high) if high is not None else (0, low, ())
    kind = np.dtype(np.int64) if dtype is None else _dtypes.to_numpy(dtype)
    drawn = random.current(generator).random_(tuple(size), int(low), int(high), kind)
    return finish(drawn, requires_grad, device, out)


def randperm(
    n: int, *, generator: Any = None, out: Any = None, dtype: Any = None, layout: Any = None,
    device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """The integers 0 to n - 1 in random order.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randperm(5)
    tensor([4, 0, 1, 3, 2])
    """
    drawn = random.current(generator).randperm(n)
    if dtype is not None:
        drawn = drawn.astype(_dtypes.to_numpy(dtype))
    return finish(drawn, requires_grad, device, out)


def normal(
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None, **more: Any
) -> Tensor:
    """Normal numbers; mean and standard deviation are numbers (with a size) or tensors.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.normal(torch.tensor([0.0, 100.0]), 0.5)
    tensor([ 0.7705, 99.8533])
    """
    if size is None:
        shape = np.broadcast_shapes(np.shape(_raw(mean)), np.shape(_raw(std)))
        return randn(shape, generator=generator, **more) * std + mean
    drawn = random.current(generator).normal(
        _shape((size,)), _type(more.pop("dtype", None)), mean, std
    )
    return finish(drawn, **{"requires_grad": False, **more})


def _raw(value: Any) -> Any:
    return value._a if isinstance(value, Tensor) else value


def rand_like(input: Tensor, *, dtype: Any = None, **more: Any) -> Tensor:
    """Numbers in [0, 1) in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.rand_like(torch.zeros(2))
    tensor([0.4963, 0.7682])
    """
    return rand(input._a.shape, dtype=dtype or input.dtype, **more)


def randn_like(input: Tensor, *, dtype: Any = None, **more: Any) -> Tensor:
    """Normal numbers in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn_like(torch.zeros(2))
    tensor([ 1.5410, -0.2934])
    """
    return randn(input._a.shape, dtype=dtype or input.dtype, **more)


def randint_like(
    input: Tensor, low: int, high: Any = None, *, dtype: Any = None, **more: Any
) -> Tensor:
    """Random integers in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint_like(torch.zeros(3), 10)
    tensor([4., 9., 3.])
    """
    low, high = (0, low) if high is None else (low, high)
    return randint(low, high, input._a.shape, dtype=dtype or input.dtype, **more)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Any = None,
    out: Any = None,
) -> Tensor:
    """Indices drawn with the (unnormalised) probabilities of each row.

    Shapes: (classes) or (rows, classes) -> (..., num_samples), int64.

    Raises:
        RuntimeError: not a distribution, or more draws than non-zero entries.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.multinomial(torch.tensor([0.0, 3.0, 1.0]), 2)
    tensor([1, 2])
    """
    drawn = random.current(generator).multinomial(input._a, num_samples, replacement)
    return finish(drawn, False, None, out)


def bernoulli(input: Tensor, p: Any = None, *, generator: Any = None, out: Any = None) -> Tensor:
    """1 with the probability each element gives, else 0.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.bernoulli(torch.tensor([0.0, 0.5, 0.5, 1.0]))
    tensor([0., 0., 1., 1.])
    """
    drawn = random.current(generator).bernoulli(input._a.shape, input._a if p is None else p)
    return finish(drawn.astype(input._a.dtype), False, None, out)


# -- in place ------------------------------------------------------------------------------------


def _fill(t: Tensor, drawn: np.ndarray) -> Tensor:
    return in_place(t, copy, wrap(drawn))


def uniform_(
    self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Any = None, **kw: Any
) -> Tensor:
    """Fill with numbers in [from, to).

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).uniform_(-1, 1)
    tensor([-0.0075,  0.5364])
    """
    low = kw.pop("from", from_)
    kind = _float_type("uniform_", self)
    return _fill(self, random.current(generator).uniform(self._a.shape, kind, low, to))


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with normal numbers.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).normal_(std=0.1)
    tensor([ 0.1541, -0.0293])
    """
    kind = _float_type("normal_", self)
    return _fill(self, random.current(generator).normal(self._a.shape, kind, mean, std))


def exponential_(self: Tensor, lambd: float = 1.0, *, generator: Any = None) -> Tensor:
    """Fill with exponentially distributed numbers of rate ``lambd``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(2).exponential_()
    tensor([3.5083, 1.2304])
    """
    kind = _float_type("exponential_", self)
    return _fill(self, random.current(generator).exponential(self._a.shape, kind, lambd))


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Any = None) -> Tensor:
    """Fill with 1 (probability ``p``) and 0.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(4).bernoulli_(0.5)
    tensor([0., 0., 1., 0.])
    """
    drawn = random.current(generator).bernoulli(self._a.shape, _raw(p))
    return _fill(self, drawn.astype(self._a.dtype))


def random_(
    self: Tensor, from_: int = 0, to: int | None = None, *, generator: Any = None
) -> Tensor:
    """Fill with integers in [from, to), or [0, from) when only one bound is given.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.empty(4).random_(6)
    tensor([2., 3., 5., 0.])
    """
    if to is None and from_:
        from_, to = 0, from_
    return _fill(self, random.current(generator).random_(self._a.shape, from_, to, self._a.dtype))


def _float_type(name: str, t: Tensor) -> np.dtype[Any]:
    if t._a.dtype.kind not in DIFFERENTIABLE:
        raise RuntimeError(f"{name}: the tensor must be floating point, not {t.dtype}")
    return t._a.dtype


# -- dropout -------------------------------------------------------------------------------------


def _dropout_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.random((2, 3)) < 0.7, 1 / 0.7)


@op(name="dropout_mask", cases=_dropout_cases)
def dropout_mask(x: Any, keep: Any, /, scale: float) -> Any:
    """``x * scale`` where ``keep``, else 0.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.nn.functional.dropout(torch.ones(5), 0.2)
    tensor([0.0000, 1.2500, 1.2500, 0.0000, 1.2500])
    """
    return x * (keep * x.dtype.type(scale))


@dropout_mask.vjp("x")
def _(g: Any, keep: Any, scale: Any) -> Any:
    return g * keep * scale  # keep * scale would be float32 when differentiated again


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """While training, zero each element with probability ``p`` and scale the rest by 1/(1 - p).

    Raises:
        ValueError: ``p`` is not in [0, 1].

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.dropout(torch.ones(6), 0.5, True)
    tensor([0., 0., 2., 0., 0., 0.])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0:
        return input
    if p == 1:
        return _kept(input, input * 0, inplace)
    keep = _drawn_as_laid_out(input._a, 1 - p)
    return _kept(input, dropout_mask(input, wrap(keep), 1 / (1 - p)), inplace)


def _drawn_as_laid_out(a: np.ndarray, p: float) -> np.ndarray:
    """True with probability ``p``, drawn in the order in which the elements lie in memory."""
    if a.flags.c_contiguous:
        return random.current().bernoulli(a.shape, p)
    order = sorted(range(a.ndim), key=lambda i: -abs(a.strides[i]))
    drawn = random.current().bernoulli(tuple(a.shape[i] for i in order), p)
    return drawn.transpose(np.argsort(order))


def _kept(input: Tensor, out: Tensor, inplace: bool) -> Tensor:
    return in_place(input, lambda x: out) if inplace else out
