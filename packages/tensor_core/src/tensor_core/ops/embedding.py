"""Rows of a table by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._grad_mode import no_grad
from .._tensor import Tensor, wrap
from .index import _placed


def _cases(rng: np.random.Generator) -> Any:
    yield Case(np.array([0, 2, 2]), rng.normal(size=(4, 3)))
    yield Case(np.array([[1, 1], [3, 0]]), rng.normal(size=(4, 2)))
    # The padding row's gradient is withheld by definition, so what is checked does not name it.
    yield Case(np.array([0, 2]), rng.normal(size=(4, 3)), 1)


@op(torch="nn.functional.embedding", cases=_cases)
def embedding(
    x: Any, weight: Any, /, padding_idx: int | None = None, max_norm: Any = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    """The rows of ``weight`` that the integers name. Shapes: (...), (n, d) -> (..., d).

    The row ``padding_idx`` gets no gradient, and with ``scale_grad_by_freq`` a row's gradient is
    divided by the number of its occurrences. Gradients are dense, ``sparse`` or not; ``max_norm``
    is a matter of :func:`shorten_rows`.

    Raises:
        RuntimeError: the indices are not integers.
        IndexError: an index is out of range.

    >>> import tensor_core as torch
    >>> table = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    >>> torch.nn.functional.embedding(torch.tensor([1, 0, 1]), table)
    tensor([[1., 2.],
            [0., 0.],
            [1., 2.]])
    """
    if x.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"embedding: indices must be integers (Long, Int), not {x.dtype}")
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: 'weight' must be 2-D, not of shape {weight.shape}")
    if x.size and (x.min() < 0 or x.max() >= weight.shape[0]):
        worst = x.min() if x.min() < 0 else x.max()
        raise IndexError(
            f"index out of range in self: {worst} in a table of {weight.shape[0]} rows"
        )
    return weight[x]


@embedding.vjp("weight")
def _(g: Any, x: Any, weight_shape: Any, padding_idx: Any, scale_grad_by_freq: Any) -> Any:
    ids = x._a if isinstance(x, Tensor) else x
    factor: Any = 1
    if scale_grad_by_freq:
        factor = 1 / np.bincount(ids.reshape(-1), minlength=weight_shape[0])[ids][..., None]
    if padding_idx is not None:
        factor = factor * (ids != padding_idx % weight_shape[0])[..., None]
    if isinstance(factor, np.ndarray):
        factor = factor.astype(g._a.dtype if isinstance(g, Tensor) else g.dtype)
        g = g * (wrap(factor) if isinstance(g, Tensor) else factor)
    return _placed(g, weight_shape, (ids,), False)


def embedding_of(
    weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:  # fmt: skip
    """``nn.functional.embedding`` as ``torch.embedding`` has it: the table first.

    >>> import tensor_core as torch
    >>> torch.embedding(torch.eye(2), torch.tensor([1]))
    tensor([[0., 1.]])
    """
    row = None if padding_idx == -1 else padding_idx
    return embedding(indices, weight, row, None, 2.0, scale_grad_by_freq, sparse)


def shorten_rows(weight: Tensor, ids: Tensor, max_norm: float, norm_type: float) -> None:
    """Bring the rows named, where they are longer than ``max_norm``, to that norm, in place.

    >>> import tensor_core as torch
    >>> table = torch.tensor([[3.0, 4.0], [6.0, 8.0]])
    >>> shorten_rows(table, torch.tensor([1, 1]), 5.0, 2.0); table
    tensor([[3., 4.],
            [3., 4.]])
    """
    rows = np.unique(ids._a)
    values = weight._a[rows]
    norms = np.linalg.norm(values, ord=norm_type, axis=1)
    long = norms > max_norm
    if long.any():
        kind = values.dtype.type
        factor = (kind(max_norm) / (norms[long] + kind(1e-7)))[:, None].astype(kind)
        with no_grad():
            weight.detach()[wrap(rows[long])] = wrap(values[long] * factor)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Rows of zeros with a one at each class number. Shapes: (...) -> (..., classes), int64.

    Raises:
        RuntimeError: a class number is negative or not below ``num_classes``.

    >>> import tensor_core as torch
    >>> torch.nn.functional.one_hot(torch.tensor([2, 0]), num_classes=3)
    tensor([[0, 0, 1],
            [1, 0, 0]])
    """
    ids = tensor._a
    if ids.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if ids.size and ids.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        if not ids.size:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        num_classes = int(ids.max()) + 1
    if ids.size and ids.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((ids[..., None] == np.arange(num_classes)).astype(np.int64))
