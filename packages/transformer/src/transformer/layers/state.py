"""What a recurrent network remembers between calls: its state, and the tokens it has read."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transformer._engine import torch
from transformer.layers.cache import Arrays

State = tuple[torch.Tensor, ...]  # (n_layer, B, n_hidden) each


class StateCache:
    """The tokens read so far (B, length), and the network's states after the last few calls.

    A state is as large after a million tokens as after one, so a token costs the same wherever it
    stands. But it cannot unread a token: :meth:`truncate` goes back to the last state from before
    that, and what was read in between is read again with the next call. Any length can be gone
    back to; the last ``keep`` calls, cheaply. No gradients flow through a cache.

    >>> cache = StateCache()
    >>> cache.append(torch.tensor([[5, 6, 7]]), (torch.zeros(1, 1, 4),))
    >>> cache.append(torch.tensor([[8, 9]]), (torch.ones(1, 1, 4),))
    >>> cache.truncate(4)
    >>> cache.length, cache.unread().tolist(), cache.state()[0].sum().item()
    (4, [[8]], 0.0)
    """

    def __init__(self, keep: int = 4) -> None:
        if keep < 1:
            raise ValueError(f"StateCache: keep is {keep}, it must be at least 1")
        self.keep = keep
        self.length = 0  # tokens held
        self._tokens: Any = None  # (B, room), of which ``length`` columns count
        self._states: list[tuple[int, State]] = []  # after how many tokens, oldest first

    def state(self) -> State | None:
        """The newest state; None at the beginning, when nothing has been read."""
        return self._states[-1][1] if self._states else None

    def unread(self) -> torch.Tensor:
        """The tokens that the newest state does not know of, to be read first. (B, 0 or more)."""
        read = self._states[-1][0] if self._states else 0
        return self._tokens[:, read : self.length]

    def append(self, idx: torch.Tensor, state: State) -> None:
        """Hold the tokens ``idx`` (B, T) too, and the state after them.

        Raises ValueError when the batch has another size than before.
        """
        B, T = idx.shape
        if self._tokens is None:
            self._tokens = torch.zeros(B, 0, dtype=torch.int64)
        if len(self._tokens) != B:
            raise ValueError(
                f"cache: it holds a batch of {len(self._tokens)} and was given one of {B}; "
                f"reorder() chooses rows"
            )
        room = self._tokens.shape[1]
        if room < self.length + T:  # at least doubled, so that a token's share of it stays small
            more = torch.zeros(B, max(64, room, self.length + T - room), dtype=torch.int64)
            self._tokens = torch.cat([self._tokens, more], dim=1)
        self._tokens[:, self.length : self.length + T] = idx
        self.length += T
        state = tuple(s.detach() for s in state)
        self._states = [*self._states, (self.length, state)][-self.keep :]

    def truncate(self, length: int) -> None:
        """Forget all tokens from position ``length`` on.

        Raises ValueError when that is more than is held, or negative.
        """
        if not 0 <= length <= self.length:
            raise ValueError(f"cache: cannot be cut to {length} tokens, it holds {self.length}")
        self.length = length
        self._states = [(n, state) for n, state in self._states if n <= length]

    def reorder(self, rows: Sequence[int]) -> None:
        """Keep these rows of the batch, in this order; a row may come several times.

        >>> cache = StateCache()
        >>> cache.append(torch.tensor([[5], [6]]), (torch.zeros(1, 2, 4),))
        >>> cache.reorder([1, 1, 0])
        >>> cache.arrays()["tokens"].tolist()
        [[6], [6], [5]]
        """
        if self._tokens is None:
            return
        chosen = torch.tensor(list(rows), dtype=torch.int64)
        self._tokens = self._tokens[chosen]
        self._states = [(n, tuple(s[:, chosen] for s in state)) for n, state in self._states]

    def arrays(self) -> Arrays:
        """All there is to know, as arrays by name, for a file; see :meth:`restore`.

        >>> cache = StateCache()
        >>> cache.append(torch.tensor([[5, 6, 7]]), (torch.zeros(1, 1, 4),))
        >>> sorted(cache.arrays())
        ['read', 'state.0', 'tokens']
        """
        if self._tokens is None:
            return {}
        found: Arrays = {"tokens": self._tokens[:, : self.length].numpy().copy()}
        if self._states:
            read, state = self._states[-1]
            found["read"] = np.array(read)
            found |= {f"state.{i}": s.numpy().copy() for i, s in enumerate(state)}
        return found

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Become what the cache was whose :meth:`arrays` these are.

        >>> old, new = StateCache(), StateCache()
        >>> old.append(torch.tensor([[5, 6, 7]]), (torch.ones(1, 1, 4),))
        >>> new.restore(old.arrays())
        >>> new.length, new.state()[0].tolist()
        (3, [[[1.0, 1.0, 1.0, 1.0]]])
        """
        self.length, self._tokens, self._states = 0, None, []
        if "tokens" in arrays:
            self._tokens = torch.from_numpy(arrays["tokens"].copy())
            self.length = self._tokens.shape[1]
        if "read" in arrays:
            names = [f"state.{i}" for i in range(sum(k.startswith("state.") for k in arrays))]
            state = tuple(torch.from_numpy(arrays[name].copy()) for name in names)
            self._states = [(int(arrays["read"]), state)]
