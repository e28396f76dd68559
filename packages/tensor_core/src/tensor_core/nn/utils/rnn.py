"""Sequences of different lengths in one tensor: padded, or packed time step by time step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np

from ... import ops
from ..._creation import as_tensor, full
from ..._ranges import arange
from ..._tensor import Tensor, wrap
from ...ops.index import index_put

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences without their padding: first the first elements of all, then the second, ...

    ``data`` (N, ...) holds the elements, ``batch_sizes`` (T,) how many sequences reach each time
    step, ``sorted_indices`` the sequences' order from long to short and ``unsorted_indices`` the
    way back. Made by :func:`pack_sequence` and :func:`pack_padded_sequence`.

    >>> import tensor_core as torch
    >>> packed = pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
    >>> packed.data, packed.batch_sizes
    (tensor([1, 3, 2]), tensor([2, 1]))
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Of the parts; ``data`` may be the pair of data and batch sizes."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """The same with ``data.to(...)``; itself if that changes nothing."""
        return self._with(self.data.to(*args, **kwargs))

    def _with(self, data: Tensor) -> Self:
        return self if data is self.data else type(self)(data, *self[1:])

    def pin_memory(self) -> Self:
        """Itself: there is no GPU to copy to."""
        return self

    def cuda(self, *args: Any, **kwargs: Any) -> Self:
        """Ask the data to move to a GPU, which raises: there is none."""
        return self.to(*args, device=kwargs.pop("device", "cuda"), **kwargs)

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """Itself, or what other arguments of ``to`` ask for."""
        return self.to(*args, **kwargs) if args or kwargs else self

    def double(self) -> Self:
        """The data in float64."""
        return self._with(self.data.double())

    def float(self) -> Self:
        """The data in float32."""
        return self._with(self.data.float())

    def half(self) -> Self:
        """The data in float16."""
        return self._with(self.data.half())

    def long(self) -> Self:
        """The data in int64."""
        return self._with(self.data.long())

    def int(self) -> Self:
        """The data in int32."""
        return self._with(self.data.int())

    def short(self) -> Self:
        """The data in int16."""
        return self._with(self.data.short())

    def char(self) -> Self:
        """The data in int8."""
        return self._with(self.data.char())

    def byte(self) -> Self:
        """The data in uint8."""
        return self._with(self.data.byte())

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a GPU: never."""
        return False

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory: never."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes another. Shapes: (n,) -> (n,).

    >>> import tensor_core as torch
    >>> invert_permutation(torch.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    order = permutation._a
    back = np.empty_like(order)
    back[order] = np.arange(order.size, dtype=order.dtype)
    return wrap(back)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch. Shapes: (T, B, ...), or (B, T, ...) with ``batch_first``.

    ``lengths`` are the sequences' own. They must fall, unless ``enforce_sorted=False``.

    Raises:
        RuntimeError: lengths that do not fall, that are not one for each sequence, or below 1.

    >>> import tensor_core as torch
    >>> pack_padded_sequence(torch.tensor([[1, 3], [2, 0]]), [2, 1]).data
    tensor([1, 3, 2])
    """
    lengths = as_tensor(lengths).long()
    order = None
    if not enforce_sorted:
        lengths, order = ops.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    steps = input.transpose(0, 1) if batch_first else input  # (T, B, ...)
    sizes = lengths._a
    _check_lengths(sizes, steps)
    counts = (sizes[:, None] > np.arange(sizes[0])).sum(0)  # (T,)
    time, row = _places(counts)
    return PackedSequence(steps[wrap(time), wrap(row)], wrap(counts), order, None)


def _places(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The time step and the sequence of each packed row. Shapes: (T,) -> (N,) and (N,)."""
    time = np.repeat(np.arange(counts.size), counts)
    return time, np.concatenate([np.arange(n) for n in counts.tolist()])


def _check_lengths(sizes: np.ndarray, steps: Tensor) -> None:
    if steps.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if sizes.ndim != 1 or sizes.size != steps.shape[1]:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {sizes.size} "
            f"(batch_size={steps.shape[1]})"
        )
    if sizes[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. "
            "Pass enforce_sorted=False to have the sequences sorted."
        )
    if sizes[0] > steps.shape[0]:
        raise RuntimeError(
            f"pack_padded_sequence: a sequence of {sizes[0]} steps in a batch of {steps.shape[0]}"
        )


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The batch that was packed, padded again, and the lengths. Shapes: (T, B, ...) and (B,).

    Raises:
        ValueError: ``total_length`` is less than the longest sequence.

    >>> import tensor_core as torch
    >>> packed = pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
    >>> pad_packed_sequence(packed, batch_first=True, padding_value=-1)
    (tensor([[ 1,  2],
            [ 3, -1]]), tensor([2, 1]))
    """
    data, sizes, _, back = sequence
    counts = sizes._a
    longest = counts.size
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being "
                f"{longest}"
            )
        longest = total_length
    batch = int(counts[0])
    lengths = wrap((counts[:, None] > np.arange(batch)).sum(0))
    time, row = _places(counts)
    places = (row, time) if batch_first else (time, row)
    shape = (batch, longest) if batch_first else (longest, batch)
    padded = full((*shape, *data.shape[1:]), padding_value, dtype=data.dtype)
    padded = index_put(padded, data, places)
    if back is None:
        return padded, lengths
    return padded.index_select(0 if batch_first else 1, back), lengths[back]


def pad_sequence(
    sequences: Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Any:
    """Stack sequences, padded to the longest. Shapes: N times (T_i, ...) -> (T, N, ...).

    ``batch_first`` gives (N, T, ...).

    >>> import tensor_core as torch
    >>> pad_sequence([torch.ones(3), torch.ones(1)], batch_first=True).tolist()
    [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"pad_sequence: padding_side is 'left' or 'right', not {padding_side!r}")
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got {type(sequences)}"
        )
    sequences = list(sequences)
    if not sequences:
        raise RuntimeError("pad_sequence: received an empty list of sequences")
    longest = max(sequence.shape[0] for sequence in sequences)
    rows = []
    for sequence in sequences:
        missing = (longest - sequence.shape[0], *sequence.shape[1:])
        padding = full(missing, padding_value, dtype=sequence.dtype)
        pair = [sequence, padding] if padding_side == "right" else [padding, sequence]
        rows.append(ops.cat(pair, dim=0))
    return ops.stack(rows, dim=0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded batch, each of its own length.

    >>> import tensor_core as torch
    >>> unpad_sequence(torch.tensor([[1, 2], [3, 0]]), torch.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([3])]
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    steps = arange(padded_sequences.shape[1])
    each = zip(padded_sequences.unbind(0), lengths.unbind(0), strict=True)
    return [row[steps < n] for row, n in each]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences, from long to short unless ``enforce_sorted=False``.

    >>> import tensor_core as torch
    >>> pack_sequence([torch.tensor([4]), torch.tensor([1, 2])], enforce_sorted=False).data
    tensor([1, 4, 2])
    """
    lengths = as_tensor([sequence.shape[0] for sequence in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed.

    >>> import tensor_core as torch
    >>> unpack_sequence(pack_sequence([torch.tensor([1, 2]), torch.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
