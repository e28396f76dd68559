"""Values written, added, multiplied or compared into places that indices name."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _dtypes
from .._card import Case, composed
from .._define import op
from .._geometry import check_dim
from .._tensor import Tensor, wrap
from .gather import _check_picks, _grid
from .index import index_put as put_at
from .keys import FULL, Key, arrays, raw

REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


# -- the reductions that need a rule: products and extremes ---------------------------------------


def _reduce_cases(rng: np.random.Generator) -> Any:
    x, values = rng.permutation(np.arange(12.0)).reshape(4, 3), rng.uniform(13, 20, (3, 3))
    rows = (np.array([0, 2, 2]),)
    for kind in ("amax", "amin", "prod"):
        for include in (True, False):
            case = Case(x / 5 + 0.3, values / 7 + rng.uniform(-2, 2, (3, 3)), rows, kind, include)
            yield case.with_(max_order=2 if include else 1)


@op(name="scatter_extreme", cases=_reduce_cases, kinks="ties share")
def reduce_at(x: Any, values: Any, /, key: Key, reduce: str, include_self: bool) -> Any:
    """Products ("prod") or extremes ("amax", "amin") of what falls on each element of ``x``.

    >>> import tensor_core as torch
    >>> index, src = torch.tensor([0, 0]), torch.tensor([2.0, 5.0])
    >>> torch.scatter_reduce(torch.ones(2), 0, index, src, "amax")
    tensor([5., 1.])
    """
    key = arrays(key)
    out = x.copy()
    if not include_self:
        out[key] = _neutral(reduce, x.dtype)
    {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}[reduce].at(out, key, values)
    return out


def _neutral(reduce: str, kind: np.dtype[Any]) -> Any:
    if reduce == "prod":
        return 1
    if kind.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    if kind.kind == "b":
        return reduce != "amax"
    info = np.iinfo(kind)
    return info.min if reduce == "amax" else info.max


@reduce_at.vjp
def _(g: Any, y: Any, x: Any, values: Any, key: Any, reduce: Any, include_self: Any) -> Any:
    key = arrays(key)
    counts = np.ones(x.shape)  # whether x itself took part
    if not include_self:
        counts[key] = 0
    counts = counts.astype(raw(x).dtype)
    if reduce == "prod":
        return _product_rule(g, x, values, key, counts)
    mine = (x == y) * counts
    theirs = (values == y[key]) * np.ones((), raw(x).dtype)
    part = g / np.maximum(raw(put_at.plain(raw(mine), raw(theirs), key, True)), 1)
    return part * raw(mine), part[key] * raw(theirs)


def _product_rule(g: Any, x: Any, values: Any, key: Key, counts: np.ndarray) -> Any:
    """Each factor's derivative is the product of the others, zeros among them counted apart."""
    zero_x, zero_v = raw(x) == 0, raw(values) == 0
    one = np.ones((), raw(x).dtype)
    safe_x = np.where(zero_x | (counts == 0), one, x)
    safe_v = np.where(zero_v, one, values)
    others = reduce_at.plain(np.ones(x.shape, one.dtype), safe_v, key, "prod", True)
    zeros = (zero_x * counts).astype(np.int64)
    np.add.at(zeros, key, zero_v)
    gx = g * others * (counts * (zeros == zero_x))
    gv = (g * safe_x * others)[key] / safe_v * (zeros[key] == zero_v)
    return gx, gv


# -- scatter_reduce ------------------------------------------------------------------------------


def _reduced(input: Tensor, values: Tensor, key: Key, reduce: str, include_self: bool) -> Tensor:
    if reduce in ("sum", "mean"):
        zero = wrap(np.zeros((), input._a.dtype))
        start = input if include_self else put_at(input, zero, key, False)
        total = put_at(start, values, key, True)
        if reduce == "sum":
            return total
        counts = np.full(input._a.shape, int(include_self), np.int64)
        if not include_self:
            counts += 1
            counts[key] = 0
        np.add.at(counts, key, 1)
        number = wrap(counts.astype(input._a.dtype))
        whole = input._a.dtype.kind not in "fcV"
        return total.div(number, rounding_mode="floor") if whole else total / number
    return reduce_at(input, values, key, reduce, include_self)


def _checked(name: str, input: Tensor, src: Tensor, reduce: str, kinds: Any) -> None:
    if reduce not in kinds:
        raise RuntimeError(
            f"{name}: reduce argument must be one of {', '.join(kinds)}, but got {reduce!r}"
        )
    if input._a.dtype != src._a.dtype:
        raise RuntimeError(
            f"{name}(): Expected self.dtype to be equal to src.dtype, but got {input.dtype} and "
            f"{src.dtype}"
        )


def _scatter_reduce_cases(rng: np.random.Generator) -> Any:
    index = np.array([[0, 2, 0], [1, 1, 1]])
    x = rng.permutation(np.linspace(0.5, 3, 6)).reshape(2, 3)
    src = rng.permutation(np.linspace(-2, 2.1, 6)).reshape(2, 3)
    for kind in REDUCTIONS:
        yield Case(x, 1, index, src, kind)
        yield Case(x, 1, index, src, kind, include_self=False)
    ties = np.array([[1.0, 2.0, 1.0]])
    yield Case(ties, 1, np.array([[0, 0, 2]]), np.ones((1, 3)), "prod")
    yield Case(np.asarray(1.5), 0, np.array([0, 0]), np.array([2.0, 3.0]), "sum")


@composed(torch="scatter_reduce", cases=_scatter_reduce_cases, kinks="ties share")
def scatter_reduce(
    input: Tensor, dim: int, index: Tensor, src: Tensor, reduce: str, *, include_self: bool = True
) -> Tensor:
    """``src`` reduced into the places along ``dim`` that ``index`` names.

    ``reduce`` is "sum", "prod", "mean", "amax" or "amin"; with ``include_self=False`` what stood
    in a place that is hit does not count.

    Raises:
        RuntimeError: another reduction, types that differ, or an index out of range.

    >>> import tensor_core as torch
    >>> index, src = torch.tensor([0, 0, 1]), torch.tensor([1.0, 2.0, 3.0])
    >>> torch.scatter_reduce(torch.ones(3), 0, index, src, "sum")
    tensor([4., 4., 1.])
    """
    _checked("scatter_reduce", input, src, reduce, REDUCTIONS)
    picks = raw(index)
    axis = check_dim(dim, input._a.ndim)
    _check_picks("scatter_reduce", input._a, axis, picks)
    if not (input._a.ndim and picks.ndim):
        flat, at, values = (t.reshape(-1) for t in (input, wrap(picks), src))
        whole = scatter_reduce(flat, 0, at, values, reduce, include_self=include_self)
        return whole.reshape(input._a.shape)
    if src._a.shape != picks.shape:
        src = src[tuple(slice(n) for n in picks.shape)]
    return _reduced(input, src, _grid(picks, axis), reduce, include_self)


# -- whole slices --------------------------------------------------------------------------------


def _slices(
    name: str, input: Tensor, dim: int, index: Tensor, source: Tensor
) -> tuple[Tensor, Tensor, Key]:
    """The tensor, the source and the key of an op on whole slices; a 0-d tensor has one."""
    axis = check_dim(dim, input._a.ndim)
    picks = raw(index).reshape(-1)
    if raw(index).ndim > 1:
        raise IndexError(f"{name}(): Index should have dimension 1 or 0 (got {raw(index).ndim})")
    n = input._a.shape[axis] if input._a.ndim else 1
    if picks.size and (picks.min() < 0 or picks.max() >= n):
        raise IndexError(f"{name}(): an index is out of range of dimension {dim} of size {n}")
    if input._a.ndim:
        wanted = (*input._a.shape[:axis], picks.size, *input._a.shape[axis + 1 :])
        if source._a.ndim and source._a.shape != wanted and source._a.size != 1:
            raise RuntimeError(
                f"{name}(): source of shape {list(source._a.shape)} must have the shape "
                f"{list(wanted)} of what the index names"
            )
        return input, source, (FULL,) * axis + (picks,)
    return input.reshape(1), source.reshape(-1), (picks,)


def _index_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(4, 3)), 0, np.array([0, 2]), rng.normal(size=(2, 3)))
    yield Case(rng.normal(size=(2, 3)), 1, np.array([2, 0]), rng.normal(size=(2, 2)))
    yield Case(np.asarray(rng.normal()), 0, np.array([0]), np.asarray(rng.normal()))


@composed(torch="index_copy", cases=_index_cases)
def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """Slices of ``source`` written along ``dim`` at the indices.

    >>> import tensor_core as torch
    >>> torch.index_copy(torch.zeros(3), 0, torch.tensor([2, 0]), torch.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    if input._a.dtype != source._a.dtype:
        raise RuntimeError(
            "index_copy_(): self and source expected to have the same dtype, but got (self) "
            f"{input.dtype} and (source) {source.dtype}"
        )
    x, values, key = _slices("index_copy", input, dim, index, source)
    return put_at(x, values, key, False).reshape(input._a.shape)


def _fill_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), 1, np.array([0, 2]), 1.5)
    yield Case(rng.normal(size=(2, 3)), 0, np.array([1]), np.asarray(rng.normal()))


@composed(torch="index_fill", cases=_fill_cases)
def index_fill(input: Tensor, dim: int, index: Tensor, value: Any) -> Tensor:
    """The slices along ``dim`` at the indices filled with one value.

    Raises:
        RuntimeError: the value is a tensor with dimensions.

    >>> import tensor_core as torch
    >>> torch.index_fill(torch.zeros(3), 0, torch.tensor([0, 2]), 7)
    tensor([7., 0., 7.])
    """
    if not isinstance(value, Tensor):
        value = wrap(np.asarray(value, input._a.dtype))
    if value._a.ndim:
        raise RuntimeError(
            "index_fill_ only supports a 0-dimensional value tensor, but got tensor with "
            f"{value._a.ndim} dimension(s)."
        )
    x, fill, key = _slices("index_fill", input, dim, index, value)
    return put_at(x, fill.to(input.dtype), key, False).reshape(input._a.shape)


def _index_reduce_cases(rng: np.random.Generator) -> Any:
    x = rng.permutation(np.linspace(0.5, 3, 12)).reshape(4, 3)
    src = rng.permutation(np.linspace(-2, 2.1, 9)).reshape(3, 3)
    for kind in ("prod", "mean", "amax", "amin"):
        yield Case(x, 0, np.array([0, 2, 2]), src, kind)
        alone = Case(x, 0, np.array([0, 2, 2]), src, kind, include_self=False)
        yield alone.with_(max_order=1)


@composed(torch="index_reduce", cases=_index_reduce_cases, kinks="ties share")
def index_reduce(
    input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
    include_self: bool = True,
) -> Tensor:  # fmt: skip
    """Slices of ``source`` reduced along ``dim`` into the indices: "prod", "mean", "amax", "amin".

    >>> import tensor_core as torch
    >>> index, source = torch.tensor([0, 0]), torch.tensor([2.0, 3.0])
    >>> torch.index_reduce(torch.ones(2), 0, index, source, "prod")
    tensor([6., 1.])
    """
    _checked("index_reduce", input, source, reduce, REDUCTIONS[1:])
    x, values, key = _slices("index_reduce", input, dim, index, source)
    return _reduced(x, values, key, reduce, include_self).reshape(input._a.shape)


# -- keys and masks ------------------------------------------------------------------------------


def index_put(input: Tensor, indices: Any, values: Tensor, accumulate: bool = False) -> Tensor:
    """A copy of ``input`` with ``values`` written (or added) where index tensors point.

    Raises:
        IndexError: an index is out of range.
        RuntimeError: the values' shape or type does not fit.

    >>> import tensor_core as torch
    >>> rows, columns = torch.tensor([0, 1]), torch.tensor([1, 1])
    >>> torch.index_put(torch.zeros(2, 2), (rows, columns), torch.tensor([5.0, 6.0]))
    tensor([[0., 5.],
            [0., 6.]])
    """
    from .keys import split_key

    basic, key = split_key(tuple(FULL if i is None else i for i in indices), input._a.shape)
    if values._a.dtype != input._a.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{_dtypes.of_array(input._a)} for the destination and {values.dtype} for the source."
        )
    return put_at(input, values, key or basic, accumulate)


def _take_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), np.array([[0, 5], [-1, 2]]))


@composed(torch="take", cases=_take_cases)
def take(input: Tensor, index: Tensor) -> Tensor:
    """Elements by their place in row-major order. Shapes: any, (index) -> (index).

    Raises:
        IndexError: a place beyond the end.

    >>> import tensor_core as torch
    >>> torch.take(torch.tensor([[1, 2], [3, 4]]), torch.tensor([3, 0]))
    tensor([4, 1])
    """
    places = raw(index)
    if places.dtype != np.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {places.dtype}")
    return input.reshape(-1)[wrap(places.reshape(-1))].reshape(places.shape)


def _put_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), np.array([0, 5]), rng.normal(size=2))
    yield Case(rng.normal(size=(2, 3)), np.array([1, 1, -1]), rng.normal(size=3), True)


@composed(torch="put", cases=_put_cases)
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Elements written (or added) by their place in row-major order.

    >>> import tensor_core as torch
    >>> torch.put(torch.zeros(2, 2), torch.tensor([3, 0]), torch.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 1.]])
    """
    if source._a.size != raw(index).size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got "
            f"{source._a.size} and {raw(index).size}"
        )
    if source._a.dtype != input._a.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got {input.dtype} and "
            f"{source.dtype}"
        )
    places = raw(index).reshape(-1)
    n = input._a.size
    if places.size and (places.min() < -n or places.max() >= n):
        raise IndexError(f"put_(): an index is out of range for a tensor of {n} elements")
    flat = put_at(input.reshape(-1), source.reshape(-1), (places,), accumulate)
    return flat.reshape(input._a.shape)


def _mask_cases(rng: np.random.Generator) -> Any:
    yield Case(rng.normal(size=(2, 3)), rng.random((2, 3)) < 0.5)
    yield Case(rng.normal(size=(2, 1)), np.array([True, False, True]))
    yield Case(rng.normal(size=(2, 3)), np.zeros((2, 3), bool))


@composed(torch="masked_select", cases=_mask_cases)
def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask holds, in one dimension; the shapes broadcast.

    Raises:
        RuntimeError: the mask is not of truth values.

    >>> import tensor_core as torch
    >>> x = torch.tensor([[1, 5], [7, 2]])
    >>> torch.masked_select(x, x > 2)
    tensor([5, 7])
    """
    _check_mask("masked_select", mask)
    from .grids import broadcast_shapes

    shape = broadcast_shapes(input._a.shape, raw(mask).shape)
    if not shape:
        return input.reshape(1)[wrap(raw(mask).reshape(1))]
    return input.expand(shape)[wrap(np.broadcast_to(raw(mask), shape))]


def _check_mask(name: str, mask: Tensor) -> None:
    if raw(mask).dtype != np.bool_:
        raise RuntimeError(f"{name}: expected BoolTensor for mask, but got {raw(mask).dtype}")


def _masked_scatter_cases(rng: np.random.Generator) -> Any:
    mask = np.array([[True, False, True], [False, True, False]])
    yield Case(rng.normal(size=(2, 3)), mask, rng.normal(size=4))
    yield Case(rng.normal(size=(2, 3)), mask[0], rng.normal(size=(2, 3)))


@composed(torch="masked_scatter", cases=_masked_scatter_cases)
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """The elements of ``source``, one after another, where the mask holds.

    Raises:
        RuntimeError: the mask is not of truth values, or ``source`` is too short or another type.

    >>> import tensor_core as torch
    >>> mask, source = torch.tensor([True, False, True]), torch.tensor([1.0, 2.0])
    >>> torch.masked_scatter(torch.zeros(3), mask, source)
    tensor([1., 0., 2.])
    """
    _check_mask("masked_scatter", mask)
    if input._a.dtype != source._a.dtype:
        raise RuntimeError(
            "masked_scatter: expected self and source to have same dtypes but got "
            f"{input.dtype} and {source.dtype}"
        )
    shape = np.broadcast_shapes(input._a.shape, raw(mask).shape)
    where = np.broadcast_to(raw(mask), shape)
    n = int(where.sum())
    if source._a.size < n:
        raise RuntimeError(
            "masked_scatter: expected the number of elements in source to be at least the number "
            f"of ones in mask, but got {source._a.size} and {n}"
        )
    wide = input if input._a.shape == shape else input.expand(shape)
    return put_at(wide, source.reshape(-1)[:n], (where,), False)
