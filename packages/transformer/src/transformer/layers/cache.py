"""What attention has computed for the tokens it has seen, kept for the tokens to come."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from transformer._engine import torch
from transformer.layers.positions import lasting

Arrays = dict[str, NDArray[Any]]

SMALLEST = 64  # tokens a buffer has room for at first
SPARE = 64  # tokens before the window that are kept, so that as many can be taken back


class Cache(Protocol):
    """What every model's memory of the tokens seen so far can do.

    ``model(idx, cache=cache)`` reads ``idx`` as what comes after those tokens, and remembers it.
    """

    @property
    def length(self) -> int:
        """How many tokens have been seen."""
        ...

    def truncate(self, length: int) -> None:
        """Forgets all tokens but the first ``length``."""
        ...

    def reorder(self, rows: Sequence[int]) -> None:
        """Makes row i of the batch what row ``rows[i]`` was: to repeat, drop or swap rows."""
        ...

    def arrays(self) -> Arrays:
        """All there is to know, as arrays by name; they share no memory with the cache."""
        ...

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Becomes what ``arrays()`` described."""
        ...


class LayerCache:
    """Keys and values of one layer, in buffers that double when full. (B, H, S, D) each.

    With a ``window`` only the last tokens are kept: those a window can reach and a few before.

    >>> cache = LayerCache(window=2)
    >>> k = v = torch.ones(1, 1, 3, 4)
    >>> _ = cache.append(k, v)
    >>> (keys, _), first = cache.append(k[:, :, :1], v[:, :, :1])
    >>> keys.shape[2], first
    (2, 2)
    """

    def __init__(self, window: int | None = None) -> None:
        self.window = window
        self.length = 0  # tokens seen
        self.first = 0  # the position of the buffers' first token; above 0 when older are dropped
        self.buffers: list[torch.Tensor] = []  # keys, values: (B, H, capacity, D)

    def append(self, *new: torch.Tensor) -> tuple[list[torch.Tensor], int]:
        """Takes in the keys and values of T more tokens, (B, H, T, D) each.

        Returns all that the first of these tokens may look at, (B, H, S, D) each, and the position
        of the first of those. Raises RuntimeError when gradients would flow through the cache,
        ValueError for another number of rows than it holds.

        >>> k = v = torch.ones(1, 2, 3, 4)
        >>> (keys, values), first = LayerCache().append(k, v)
        >>> keys.shape, first
        (torch.Size([1, 2, 3, 4]), 0)
        """
        if torch.is_grad_enabled() and any(t.requires_grad for t in new):
            raise RuntimeError("a cache is for inference: wrap the call in torch.no_grad()")
        if self.buffers and len(self.buffers[0]) != len(new[0]):
            raise ValueError(
                f"cache: it holds a batch of {len(self.buffers[0])} and was given one of "
                f"{len(new[0])}: reorder() chooses rows, truncate(0) begins again"
            )
        count = new[0].shape[2]
        if not self.buffers or self.length + count - self.first > self.buffers[0].shape[2]:
            self._make_room(new, count)
        at, end = self.length - self.first, self.length - self.first + count
        for buffer, part in zip(self.buffers, new, strict=True):
            buffer[:, :, at:end] = part
        lowest = 0 if self.window is None else max(at - self.window + 1, 0)
        self.length += count
        return [buffer[:, :, lowest:end] for buffer in self.buffers], self.first + lowest

    def truncate(self, length: int) -> None:
        """Forgets the tokens from position ``length`` on."""
        if not 0 <= length <= self.length:
            raise ValueError(f"truncate: {length} is not from 0 to the {self.length} tokens held")
        reach = 0 if self.window is None else length - self.window + 1
        if length and self.first > max(reach, 0):
            raise ValueError(
                f"truncate: tokens before {self.first} were dropped, and token {length} would look "
                f"back to {max(reach, 0)}: truncate to 0 and begin again"
            )
        if length == 0:
            self.first, self.buffers = 0, []  # what comes next may be another batch
        self.length = length

    def reorder(self, rows: Sequence[int]) -> None:
        """Picks rows of the batch."""
        index = torch.tensor(list(rows), dtype=torch.int64)
        # With the room they have: a beam search picks rows at every token.
        self.buffers = [buffer.index_select(0, index) for buffer in self.buffers]

    def _make_room(self, new: Sequence[torch.Tensor], count: int) -> None:
        """Larger buffers, or, with a window, the old ones without what no token will look at."""
        if self.window is not None:
            oldest = max(self.first, self.length - self.window + 1 - SPARE)
        else:
            oldest = 0
        kept = [b[:, :, oldest - self.first : self.length - self.first] for b in self.buffers]
        held = self.length - oldest
        room = max(SMALLEST, 2 * (held + count))
        larger = []
        with lasting():
            for index, part in enumerate(new):
                B, H, _, D = part.shape
                buffer = part.new_empty((B, H, room, D))
                if held:
                    buffer[:, :, :held] = kept[index]
                larger.append(buffer)
        self.buffers, self.first = larger, oldest


class KVCache:
    """A ``LayerCache`` for each layer of a transformer.

    >>> cache = KVCache(n_layer=1)
    >>> k = v = torch.ones(1, 2, 3, 4)  # (B, H, T, D)
    >>> (keys, values), first = cache.layers[0].append(k, v)
    >>> cache.length, keys.shape, first
    (3, torch.Size([1, 2, 3, 4]), 0)
    >>> cache.truncate(1)
    >>> cache.length
    1
    """

    def __init__(self, n_layer: int, window: int | None = None) -> None:
        self.layers = [LayerCache(window) for _ in range(n_layer)]

    @property
    def length(self) -> int:
        """How many tokens have been seen: by the last layer, that is to the end."""
        return self.layers[-1].length

    def begin(self) -> int:
        """How many tokens have been seen; called before each use.

        An interrupted call may have left some layers ahead of others: they forget it.
        """
        for layer in self.layers:
            if layer.length != self.length:
                layer.truncate(self.length)
        return self.length

    def truncate(self, length: int) -> None:
        """Forgets all tokens but the first ``length``; raises ValueError when it never had them."""
        for layer in self.layers:
            layer.truncate(length)

    def reorder(self, rows: Sequence[int]) -> None:
        """Makes row i of the batch what row ``rows[i]`` was.

        >>> cache, k = KVCache(n_layer=1), torch.arange(2.0).view(2, 1, 1, 1)
        >>> _ = cache.layers[0].append(k, k)
        >>> cache.reorder([1, 1])
        >>> cache.arrays()["0.k"].ravel().tolist()
        [1.0, 1.0]
        """
        for layer in self.layers:
            layer.reorder(rows)

    def arrays(self) -> Arrays:
        """The keys and values held, by layer, and the position of their first token.

        >>> cache, k = KVCache(n_layer=1), torch.ones(1, 1, 3, 2)
        >>> _ = cache.layers[0].append(k, k)
        >>> {name: array.shape for name, array in cache.arrays().items()}
        {'first': (1,), '0.k': (1, 1, 3, 2), '0.v': (1, 1, 3, 2)}
        """
        held: Arrays = {"first": np.array([layer.first for layer in self.layers])}
        for number, layer in enumerate(self.layers):
            for name, buffer in zip("kv", layer.buffers, strict=False):
                part = buffer[:, :, : layer.length - layer.first]
                held[f"{number}.{name}"] = np.array(part.numpy(), order="C")
        return held

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Becomes what ``arrays`` says; raises ValueError when it is of another model.

        >>> old, new, k = KVCache(n_layer=1), KVCache(n_layer=1), torch.ones(1, 1, 3, 2)
        >>> _ = old.layers[0].append(k, k)
        >>> new.restore(old.arrays())
        >>> new.length
        3
        """
        names = {f"{number}.{name}" for number in range(len(self.layers)) for name in "kv"}
        if not names <= set(arrays) or len(arrays["first"]) != len(self.layers):
            raise ValueError(
                f"restore: the arrays are not of a model of {len(self.layers)} layers: they hold "
                f"{', '.join(sorted(arrays)[:4])}, ..."
            )
        for number, layer in enumerate(self.layers):
            k, v = (torch.from_numpy(np.array(arrays[f"{number}.{name}"])) for name in "kv")
            layer.buffers, layer.first = [k, v], int(arrays["first"][number])
            layer.length = layer.first + k.shape[2]
