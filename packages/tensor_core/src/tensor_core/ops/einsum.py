"""Contractions: one family, one proof.

``einsum`` covers products, sums, transposes, diagonals, traces, outer and matrix products. Its
derivative with respect to operand k is again an einsum: the cotangent, with the output's labels,
takes the place of operand k among the others, and k's labels become the output. Three details
complete it: a label that only k has was summed away, so the gradient is constant along it; a
label k repeats was read on a diagonal, so the gradient goes back onto the diagonal; a label for
which k has length 1 was broadcast, so the gradient is summed along it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from .._card import Case
from .._define import op
from .._tensor import Tensor

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ELLIPSIS = "".join(chr(0x2460 + i) for i in range(20))  # stand-ins for the dimensions of ...


@lru_cache(maxsize=4096)
def parse(subscripts: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """The labels of each operand and of the output, ``...`` written out.

    Raises:
        RuntimeError: the subscripts are malformed or do not fit the numbers of dimensions.

    >>> parse("...ij,jk", (3, 2))
    (('①ij', 'jk'), '①ik')
    """
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    parts = left.split(",")
    if len(parts) != len(ndims):
        raise RuntimeError(
            f"einsum(): {subscripts!r} names {len(parts)} operands, but {len(ndims)} were given"
        )
    spare = [n - len(p.replace("...", "")) for p, n in zip(parts, ndims, strict=True)]
    width = max([s for p, s in zip(parts, spare, strict=True) if "..." in p], default=0)
    labels = []
    for i, (part, n, extra) in enumerate(zip(parts, ndims, spare, strict=True)):
        _check_labels(subscripts, part)
        if extra < 0 or (extra > 0 and "..." not in part):
            raise RuntimeError(
                f"einsum(): the subscript {part!r} of operand {i} does not fit its {n} dimensions"
            )
        labels.append(part.replace("...", _ELLIPSIS[width - extra : width] if extra else ""))
    dots = _ELLIPSIS[:width]
    if arrow:
        _check_labels(subscripts, right)
        output = right.replace("...", dots)
    else:
        counts = Counter("".join(parts).replace(".", ""))
        output = dots + "".join(sorted(c for c, n in counts.items() if n == 1))
    known = set("".join(labels)) | set(dots)
    for c in output:
        if output.count(c) > 1:
            raise RuntimeError(f"einsum(): output subscript {c!r} appears more than once")
        if c not in known:
            raise RuntimeError(f"einsum(): output subscript {c!r} is in none of the operands")
    return tuple(labels), output


def _check_labels(subscripts: str, part: str) -> None:
    rest = part.replace("...", "", 1)
    for c in rest:
        if c not in _LETTERS:
            raise RuntimeError(f"einsum(): invalid subscript {c!r} in {subscripts!r}: use [a-zA-Z]")


def lengths(labels: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The length of every label; length 1 gives way to any other.

    Raises:
        RuntimeError: two operands disagree about a label.
    """
    size: dict[str, int] = {}
    for i, (names, shape) in enumerate(zip(labels, shapes, strict=True)):
        for c, n in zip(names, shape, strict=True):
            have = size.get(c, 1)
            if n != have and n != 1 and have != 1:
                raise RuntimeError(
                    f"einsum(): label {c!r} has length {have} elsewhere, but {n} in operand {i} "
                    f"of shape {shape}"
                )
            size[c] = n if have == 1 else have
    return size


# -- forward -------------------------------------------------------------------------------------


def contract(labels: Sequence[str], output: str, operands: Sequence[np.ndarray]) -> np.ndarray:
    """The contraction, operand by operand from the left, each pair by one matrix product."""
    size = lengths(labels, [x.shape for x in operands])
    work = [_tidy(n, x, size) for n, x in zip(labels, operands, strict=True)]
    names, x = work[0]
    for k in range(1, len(work)):
        later = output + "".join(n for n, _ in work[k + 1 :])
        names, x = _pair(names, x, *work[k], later)
    drop = tuple(i for i, c in enumerate(names) if c not in output)
    if drop:
        x = x.sum(axis=drop)
        names = "".join(c for c in names if c in output)
    present = "".join(c for c in output if c in names)
    x = np.transpose(x, [names.index(c) for c in present])
    shape = [size[c] for c in output]
    if len(present) < len(output):
        x = x.reshape([size[c] if c in present else 1 for c in output])
    if x.shape != tuple(shape):
        x = np.broadcast_to(x, shape)
    return x if x.flags.writeable and x.base is None else np.array(x)


def _tidy(names: str, x: np.ndarray, size: dict[str, int]) -> tuple[str, np.ndarray]:
    """Diagonals of repeated labels taken, and length-1 axes that broadcast dropped."""
    for c in {c for c in names if names.count(c) > 1}:
        while names.count(c) > 1:
            i = names.index(c)
            j = names.index(c, i + 1)
            if x.shape[i] != x.shape[j]:
                raise RuntimeError(
                    f"einsum(): the repeated label {c!r} has lengths {x.shape[i]} and {x.shape[j]}"
                )
            x = np.diagonal(x, 0, i, j)
            names = names[:i] + names[i + 1 : j] + names[j + 1 :] + c
    ones = tuple(i for i, c in enumerate(names) if x.shape[i] == 1 and size[c] != 1)
    if ones:
        x = x.squeeze(ones)
        names = "".join(c for i, c in enumerate(names) if i not in ones)
    return names, x


def _pair(na: str, a: np.ndarray, nb: str, b: np.ndarray, later: str) -> tuple[str, np.ndarray]:
    """Two operands into one, keeping the labels that are needed later."""
    na, a = _sum_lonely(na, a, nb + later)
    nb, b = _sum_lonely(nb, b, na + later)
    batch = "".join(c for c in na if c in nb and c in later)
    inner = "".join(c for c in na if c in nb and c not in later)
    rows = "".join(c for c in na if c not in nb)
    cols = "".join(c for c in nb if c not in na)
    if not inner:  # no sum: an elementwise product, which broadcasting does in one pass
        a = _arranged(na, a, batch + rows)
        b = _arranged(nb, b, batch + cols)
        a = a.reshape(a.shape + (1,) * len(cols))
        b = b.reshape(b.shape[: len(batch)] + (1,) * len(rows) + b.shape[len(batch) :])
        return batch + rows + cols, a * b
    a = _arranged(na, a, batch + rows + inner)
    b = _arranged(nb, b, batch + inner + cols)
    k, m = len(batch), len(rows)
    n_batch, n_rows = a.shape[:k], a.shape[k : k + m]
    n_inner, n_cols = a.shape[k + m :], b.shape[k + len(inner) :]
    a3 = a.reshape((*n_batch, math.prod(n_rows), math.prod(n_inner)))
    b3 = b.reshape((*n_batch, math.prod(n_inner), math.prod(n_cols)))
    return batch + rows + cols, np.matmul(a3, b3).reshape(n_batch + n_rows + n_cols)


def _sum_lonely(names: str, x: np.ndarray, elsewhere: str) -> tuple[str, np.ndarray]:
    axes = tuple(i for i, c in enumerate(names) if c not in elsewhere)
    if axes:
        x = x.sum(axis=axes)
        names = "".join(c for c in names if c in elsewhere)
    return names, x


def _arranged(names: str, x: np.ndarray, wanted: str) -> np.ndarray:
    return x if names == wanted else np.transpose(x, [names.index(c) for c in wanted])


# -- the op --------------------------------------------------------------------------------------


def _cases(rng: np.random.Generator) -> Any:
    def a(*shape: int) -> np.ndarray:
        return rng.normal(size=shape)

    yield Case([a(2, 3), a(3, 4)], "ij,jk->ik")
    yield Case([a(2, 3), a(3, 4)], "ij,jk")
    yield Case([a(2, 3)], "ij->ji")
    yield Case([a(2, 3)], "ij->j")
    yield Case([a(3, 3)], "ii->")
    yield Case([a(3, 3)], "ii->i")
    yield Case([a(3, 3, 3)], "iii->i")
    yield Case([a(2), a(3)], "i,j->ij")
    yield Case([a(2, 3, 4), a(2, 4, 5)], "bij,bjk->bik")
    yield Case([a(2, 3, 4), a(4, 5)], "...ij,jk->...ik")
    yield Case([a(2, 1, 3), a(4, 3)], "...i,...i->...")
    yield Case([a(4), a(1)], "i,i->")  # a length-1 label broadcasts
    yield Case([a(1, 3), a(2, 3)], "ij,ij->ij")
    yield Case([a(2, 3), a(4)], "ij,k->i")  # labels summed away in one operand
    yield Case([a(2, 3), a(3, 4), a(4, 2)], "ij,jk,ki->i")
    yield Case([a(2, 3), a(2, 3), a(2)], "ij,ij,i->j")
    yield Case([a(2, 2), a(2)], "ii,i->i")
    yield Case([a(0, 3), a(3, 2)], "ij,jk->ik")
    yield Case([a(2, 4, 3, 5), a(2, 6, 3, 5)], "bthd,bshd->bhts")


@op(name="einsum", variadic=True, promote="same", torch="einsum", cases=_cases)
def einsum_op(operands: Any, subscripts: str) -> np.ndarray:
    """The sum of products that ``subscripts`` describe, over the labels the output lacks.

    >>> import tensor_core as torch
    >>> a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.einsum("ij->j", a), torch.einsum("ii->i", a)
    (tensor([4., 6.]), tensor([1., 4.]))
    """
    labels, output = parse(subscripts, tuple(x.ndim for x in operands))
    return contract(labels, output, operands)


@einsum_op.vjp
def _(g: Any, operands: Any, subscripts: str, needs: Any) -> list[Any]:
    labels, output = parse(subscripts, tuple(x.ndim for x in operands))
    size = lengths(labels, [tuple(x.shape) for x in operands])
    return [
        _gradient(k, g, operands, labels, output, size) if need else None
        for k, need in enumerate(needs)
    ]


def _gradient(
    k: int, g: Any, operands: Any, labels: tuple[str, ...], output: str, size: dict[str, int]
) -> Any:
    mine, shape = labels[k], tuple(operands[k].shape)
    others = [i for i in range(len(operands)) if i != k]
    known = set(output) | {c for i in others for c in labels[i]}
    unique = dict.fromkeys(mine)
    length = {c: shape[mine.index(c)] for c in unique}
    # Labels that broadcast in k are left out (so they are summed), and those only k has too.
    kept = "".join(c for c in unique if c in known and length[c] == size[c])
    text = _spell([output, *(labels[i] for i in others)], kept)
    dx = _run(text, [g, *(operands[i] for i in others)])
    dx = dx.reshape(tuple(dx.shape[kept.index(c)] if c in kept else 1 for c in unique))
    full = tuple(length[c] for c in unique)
    if tuple(dx.shape) != full:
        dx = np.broadcast_to(dx, full)
    return dx if len(unique) == len(mine) else _onto_diagonal(dx, "".join(unique), mine, shape)


def _spell(inputs: list[str], out: str) -> str:
    """The subscripts in plain letters (the stand-ins for ``...`` get unused ones)."""
    used = dict.fromkeys("".join(inputs) + out)
    free = iter(c for c in _LETTERS if c not in used)
    to = {c: c if c in _LETTERS else next(free) for c in used}
    return "".join(to.get(c, c) for c in ",".join(inputs) + "->" + out)


def _run(text: str, operands: list[Any]) -> Any:
    if any(isinstance(x, Tensor) for x in operands):
        return einsum_op(operands, text)
    return einsum_op.forward(operands, text)


def _onto_diagonal(dx: Any, unique: str, mine: str, shape: tuple[int, ...]) -> Any:
    """Values read where repeated labels are equal go back there; elsewhere zero."""
    expanded = dx.reshape(tuple(shape[i] if mine.index(c) == i else 1 for i, c in enumerate(mine)))
    mask = np.ones((1,) * len(mine), bool)
    for j, c in enumerate(mine):
        i = mine.index(c)
        if i != j:
            n = shape[i]
            eye = [n if a in (i, j) else 1 for a in range(len(mine))]
            mask = mask & np.eye(n, dtype=bool).reshape(eye)
    return expanded * mask


class Einsum:
    """A contraction to keep and call on operands.

    Raises:
        RuntimeError: the subscripts are malformed (at once, before any call).

    >>> import tensor_core as torch
    >>> rows = torch.einsum("ij->i")
    >>> rows(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([3., 7.])
    """

    def __init__(self, subscripts: str) -> None:
        parse(
            subscripts,
            tuple(_at_least(p) for p in subscripts.replace(" ", "").split("->")[0].split(",")),
        )
        self.subscripts = subscripts

    def __call__(self, *operands: Tensor) -> Tensor:
        return einsum(self.subscripts, *operands)

    def __repr__(self) -> str:
        return f"einsum({self.subscripts!r})"


def _at_least(part: str) -> int:
    return len(part.replace("...", ""))


def einsum(equation: Any, *operands: Any) -> Any:
    """The sum of products that the equation describes; with no operands, an object to keep.

    Labels may repeat (diagonal), be summed away, have length 1 where others are longer
    (broadcast) and include ``...``; one to any number of operands. Also NumPy's second form,
    ``einsum(a, [0, 1], b, [1, 2], [0, 2])``.

    >>> import tensor_core as torch
    >>> a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> torch.einsum("ij,kj->ik", a, a)
    tensor([[ 5., 11.],
            [11., 25.]])
    >>> trace = torch.einsum("ii->")
    >>> trace(a)
    tensor(5.)
    """
    if isinstance(equation, Tensor):
        equation, operands = _from_sublists((equation, *operands))
    if not operands:
        return Einsum(equation)
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    return einsum_op(list(operands), equation)


def _from_sublists(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    def write(sub: Sequence[Any]) -> str:
        return "".join("..." if c is Ellipsis else _LETTERS[c] for c in sub)

    pairs = len(args) // 2
    text = ",".join(write(args[2 * i + 1]) for i in range(pairs))
    if len(args) % 2:
        text += "->" + write(args[-1])
    return text, args[0 : 2 * pairs : 2]
