"""Random draws as tensors: the generator's numbers, in torch's order."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes, random
from .._card import Case
from .._define import op
from .._device import computing
from .._grad_mode import no_grad
from .._inplace import in_place
from .._op import write_out
from .._tensor import Tensor, wrap
from . import fills
from .keys import raw


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
    *sizes: Any, size: Any = None, generator: Any = None, out: Any = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Numbers in [0, 1).

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0); torch.rand(2)
    tensor([0.4963, 0.7682])
    """
    drawn = random.current(generator).uniform(
        _shape(sizes if size is None else (size,)), _type(dtype)
    )
    return finish(drawn, requires_grad, device, out)


def randn(
    *sizes: Any, size: Any = None, generator: Any = None, out: Any = None, dtype: Any = None,
    layout: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Normal numbers of mean 0 and variance 1.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0); torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    drawn = random.current(generator).normal(
        _shape(sizes if size is None else (size,)), _type(dtype)
    )
    return finish(drawn, requires_grad, device, out)


def randint(
    *args: Any, low: Any = None, high: Any = None, size: Any = None, generator: Any = None,
    out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
    requires_grad: bool = False, pin_memory: bool = False,
) -> Tensor:  # fmt: skip
    """Integers in [low, high), or in [0, high): ``randint(low, high, size)``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint(0, 10, (5,))
    tensor([4, 9, 3, 0, 3])
    """
    given = [*args]
    size = given.pop() if size is None and given else size
    high = given.pop() if high is None and given else high
    low = given.pop() if low is None and given else low
    if given or size is None or high is None:
        raise TypeError("randint() takes (high, size) or (low, high, size)")
    kind = np.dtype(np.int64) if dtype is None else _dtypes.to_numpy(dtype)
    sizes = (size,) if isinstance(size, int) else tuple(size)
    bounds = 0 if low is None else int(low), int(high)
    drawn = random.current(generator).random_(sizes, *bounds, kind)
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
    mean: Any = 0.0, std: Any = 1.0, size: Any = None, *, generator: Any = None,
    out: Tensor | None = None, **more: Any,
) -> Tensor:  # fmt: skip
    """Normal numbers; mean and standard deviation are numbers (with a size) or tensors.

    Raises:
        RuntimeError: a standard deviation is negative.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.normal(torch.tensor([0.0, 100.0]), 0.5)
    tensor([ 0.7705, 99.8533])
    """
    if size is None:
        made = _normal_of_tensors(mean, std, generator)
        return made if out is None else write_out(made, out)
    drawn = random.current(generator).normal(
        _shape((size,)), _type(more.pop("dtype", None)), mean, std
    )
    return finish(drawn, **{"requires_grad": False, "out": out, **more})


def _normal_of_tensors(mean: Any, std: Any, generator: Any) -> Tensor:
    """In the type of the tensor; of two, in that of the mean."""
    given = [x for x in (mean, std) if isinstance(x, Tensor)]
    if not given:
        raise TypeError("normal() needs a size, or a tensor as mean or std")
    if np.size(raw(std)) and not np.min(raw(std)) >= 0:
        raise RuntimeError("normal expects all elements of std >= 0.0")
    shape = np.broadcast_shapes(*(x._a.shape for x in given))
    made = wrap(np.empty(shape, given[0]._a.dtype))
    with no_grad():
        return fills.normal_(made, generator=generator).mul_(std).add_(mean)


def _as_laid_out(input: Tensor, fill: Any, dtype: Any, more: dict[str, Any]) -> Tensor:
    """A tensor like ``input``, also in the order of its dimensions in memory, and filled."""
    from .._creation import empty_like  # which needs this module first

    requires_grad = more.pop("requires_grad", False)
    generator = more.pop("generator", None)
    out = fill(empty_like(input, dtype=dtype, **more), generator)
    return out.requires_grad_() if requires_grad else out


def rand_like(input: Tensor, *, dtype: Any = None, **more: Any) -> Tensor:
    """Numbers in [0, 1) in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.rand_like(torch.zeros(2))
    tensor([0.4963, 0.7682])
    """
    return _as_laid_out(input, lambda t, g: fills.uniform_(t, generator=g), dtype, more)


def randn_like(input: Tensor, *, dtype: Any = None, **more: Any) -> Tensor:
    """Normal numbers in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randn_like(torch.zeros(2))
    tensor([ 1.5410, -0.2934])
    """
    return _as_laid_out(input, lambda t, g: fills.normal_(t, generator=g), dtype, more)


def randint_like(
    input: Tensor, low: int | None = None, high: int | None = None, *, dtype: Any = None,
    **more: Any,
) -> Tensor:  # fmt: skip
    """Random integers in the shape and type of ``input``.

    >>> import tensor_core as torch
    >>> _ = torch.manual_seed(0)
    >>> torch.randint_like(torch.zeros(3), 10)
    tensor([4., 9., 3.])
    """
    start, end = (0, low) if high is None else (0 if low is None else low, high)
    return _as_laid_out(input, lambda t, g: fills.random_(t, start, end, generator=g), dtype, more)


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
