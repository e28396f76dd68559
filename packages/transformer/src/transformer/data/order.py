"""Batches in an order that is a function of seed and step: nothing to save, nothing to replay."""

from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from transformer._engine import torch
from transformer.data.shuffle import hashed, shuffled

ORDERS = ("shuffled", "random", "sequential")


class Source(Protocol):
    """What batches are made of: windows of ``block_size`` inputs, each with its targets."""

    block_size: int

    def __len__(self) -> int:
        """How many windows an epoch has."""
        ...

    def fetch(self, indices: np.ndarray, draw: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of windows (n,), each (n, T) int64; ``draw`` is random per epoch."""
        ...


class Windows:
    """One long row of token ids cut into windows, each epoch at other places.

    ``tokens`` is an int64 tensor, an array or a :class:`~transformer.data.TokenFile` of N ids.
    An epoch's first window begins at one of the first ``stride`` tokens, which one is the
    epoch's draw; the others follow every ``stride``. With ``shift=False`` windows always begin
    at token 0. Targets are the tokens one later. Raises ValueError when N is not more than
    ``block_size``.

    >>> windows = Windows(torch.arange(11), block_size=5)
    >>> len(windows), windows.fetch(np.array([0]), draw=3)[0].tolist()
    (1, [[3, 4, 5, 6, 7]])
    """

    def __init__(
        self, tokens: Any, block_size: int, stride: int | None = None, *, shift: bool = True
    ) -> None:
        self.block_size, self.stride = block_size, block_size if stride is None else stride
        if block_size < 1 or self.stride < 1:
            raise ValueError(
                f"block_size and stride must be at least 1, got {block_size} and {self.stride}"
            )
        self.tokens = tokens if hasattr(tokens, "gather") and not _is_tensor(tokens) else None
        self._array = None if self.tokens is not None else _one_row(tokens)
        self.places = len(tokens) - block_size  # where a window may begin
        if self.places < 1:
            raise ValueError(
                f"{len(tokens)} tokens are too few for block_size {block_size}, which needs at "
                f"least {block_size + 1}: use a longer text or a smaller block_size"
            )
        # As many as fit wherever the first begins, so that all epochs are equally long.
        fitting = self.places // self.stride if shift else 1 + (self.places - 1) // self.stride
        self._count = max(1, fitting)
        room = self.places - (self._count - 1) * self.stride
        self._shifts = min(room, self.stride) if shift else 1

    def __len__(self) -> int:
        return self._count

    def fetch(self, indices: np.ndarray, draw: int) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of windows ``indices`` (n,), both (n, block_size) int64.

        >>> Windows(torch.arange(9), block_size=3).fetch(np.array([0, 1]), draw=1)[0].tolist()
        [[1, 2, 3], [4, 5, 6]]
        """
        return self.cut(indices * self.stride + draw % self._shifts)

    def cut(self, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of windows that begin at ``starts`` (n,), both (n, block_size) int64.

        >>> Windows(torch.arange(9), block_size=3).cut(np.array([5]))[1].tolist()
        [[6, 7, 8]]
        """
        at = starts[:, None] + np.arange(self.block_size + 1)  # (n, T + 1)
        if self.tokens is not None:
            found = self.tokens.gather(at)
        else:
            assert self._array is not None
            found = self._array[at].astype(np.int64)
        return found[:, :-1], found[:, 1:]


class Batches:
    """Batches of inputs and targets, any of them at any time: ``at(step)`` is a pure function.

    ``data`` is a row of token ids (a tensor, an array, a :class:`~transformer.data.TokenFile`)
    or packed :class:`~transformer.data.Conversations`. Orders:

    - ``"shuffled"``: an epoch visits every window once, in an order drawn from the seed and the
      epoch; each epoch cuts the windows at other places. A batch may end one epoch and begin the
      next, so that all are of the same size.
    - ``"random"``: windows that begin anywhere, drawn with replacement.
    - ``"sequential"``: from the first window to the last, the same in every epoch.

    What a step learns from does not depend on the engine, on how many workers share it, or on
    the steps before: a run resumes at any step. Windows are ``stride`` tokens apart
    (``block_size`` when not given). Raises ValueError when the data are too short.

    >>> batches = Batches(torch.arange(100), batch_size=4, block_size=8, seed=1)
    >>> x, y = batches.at(1000)
    >>> bool((y == x + 1).all()), tuple(x.shape), len(batches)
    (True, (4, 8), 3)
    """

    def __init__(
        self,
        data: Any,
        batch_size: int,
        block_size: int,
        seed: int = 0,
        *,
        stride: int | None = None,
        order: str = "shuffled",
    ) -> None:
        if order not in ORDERS:
            raise ValueError(f"Batches: unknown order {order!r}; there are {', '.join(ORDERS)}")
        if batch_size < 1:
            raise ValueError(f"Batches: batch_size must be at least 1, got {batch_size}")
        self.batch_size, self.block_size = batch_size, block_size
        self.seed, self.order = seed, order
        shift = order == "shuffled"
        self.source: Source = (
            data if hasattr(data, "fetch") else Windows(data, block_size, stride, shift=shift)
        )
        if self.source.block_size != block_size:
            raise ValueError(
                f"Batches: the data are packed in rows of {self.source.block_size} tokens, not "
                f"of block_size {block_size}: pack them with block_size={block_size}"
            )

    def __len__(self) -> int:
        """How many steps it takes to see every window at least once."""
        return -(-len(self.source) // self.batch_size)

    @property
    def windows(self) -> int:
        """How many windows an epoch has.

        >>> Batches(torch.arange(100), batch_size=4, block_size=8).windows
        11
        """
        return len(self.source)

    def epoch(self, step: int) -> int:
        """Which time through the data the first row of ``step`` belongs to, from 0.

        >>> Batches(torch.arange(100), batch_size=4, block_size=8).epoch(3)
        1
        """
        return step * self.batch_size // len(self.source)

    def at(self, step: int) -> "tuple[torch.Tensor, torch.Tensor]":
        """The inputs and targets of a step, both (batch_size, block_size) int64.

        Targets of -100 are not learned from. Raises ValueError for a negative step.

        >>> x, y = Batches(torch.arange(9), 1, 4, order="sequential").at(1)
        >>> x.tolist(), y.tolist()
        ([[4, 5, 6, 7]], [[5, 6, 7, 8]])
        """
        return self.rows(step, slice(None))

    def rows(self, step: int, which: "slice | np.ndarray") -> "tuple[torch.Tensor, torch.Tensor]":
        """Some rows of the batch of a step, as ``at(step)`` has them; only they are read.

        Of n workers, number r takes ``slice(r, None, n)``, or a stretch of its own.

        >>> batches = Batches(torch.arange(100), batch_size=4, block_size=8)
        >>> halves = [batches.rows(5, slice(r, None, 2))[0] for r in range(2)]
        >>> bool((torch.stack(halves, dim=1).reshape(4, 8) == batches.at(5)[0]).all())
        True
        """
        if step < 0:
            raise ValueError(f"Batches: step must be at least 0, got {step}")
        places = (step * self.batch_size + np.arange(self.batch_size))[which]
        x = np.empty((len(places), self.block_size), np.int64)
        y = np.empty_like(x)
        epochs = places // len(self.source)
        for epoch in sorted(set(epochs.tolist())):  # mostly one
            here = epochs == epoch
            x[here], y[here] = self._fetch(places[here], epoch)
        return torch.from_numpy(x), torch.from_numpy(y)

    def _fetch(self, places: np.ndarray, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """The rows at ``places``, counted from the first of all epochs, that lie in ``epoch``."""
        size = len(self.source)
        if self.order == "random":
            draws = hashed(self.seed, 2, places)
            if isinstance(self.source, Windows):
                return self.source.cut(_below(draws, self.source.places))
            return self.source.fetch(_below(draws, size), 0)
        within = places - epoch * size
        if self.order == "sequential":
            return self.source.fetch(within, 0)
        key, draw = _drawn(self.seed, epoch)
        return self.source.fetch(shuffled(within, size, key), draw)


@lru_cache(maxsize=16)
def _drawn(seed: int, epoch: int) -> tuple[int, int]:
    """What names the epoch's order, and what says where its first window begins."""
    return int(hashed(seed, 0, epoch)[0]), int(hashed(seed, 1, epoch)[0])


def _below(draws: np.ndarray, size: int) -> np.ndarray:
    """Draws from ``range(size)``; the remainder favours none by more than size / 2^64."""
    return (draws % np.uint64(size)).astype(np.int64)


def _is_tensor(tokens: Any) -> bool:
    return isinstance(tokens, torch.Tensor)


def _one_row(tokens: Any) -> np.ndarray:
    """The ids as an array (N,) that shares its memory with ``tokens`` where it can."""
    array = tokens.detach().cpu().numpy() if _is_tensor(tokens) else np.asarray(tokens)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"the data must be one row of token ids, got shape {tuple(array.shape)} of "
            f"{array.dtype}"
        )
    return array
