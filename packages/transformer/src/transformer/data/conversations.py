"""Conversations packed into rows of tokens, of which only the answers are learned."""

import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from transformer.data.jsonl import Encoded, encode_example, read_conversations
from transformer.data.order import Batches
from transformer.data.shuffle import shuffled
from transformer.models.base import IGNORE
from transformer.tokenizers.base import Tokenizer


class Conversations:
    """Rows of ``block_size + 1`` tokens, each of one or more whole conversations.

    Best-fit decreasing: the longest conversation goes first, each into the row it fills best
    (Johnson et al., "Worst-case performance bounds for simple one-dimensional packing
    algorithms", 1974), so that little is padding. The same conversations make the same rows.
    One longer than a row is cut at the row's end, and left out when none of its answer remains;
    ``cut`` and ``dropped`` count them, and a warning says so. Conversations in a row see those
    before them, as documents in a text do, but no first token is learned from what precedes it.

    :class:`~transformer.data.Batches` draws from it as from a text. Targets are the tokens one
    later where these are an answer's, else ``IGNORE`` (-100). Raises ValueError when nothing is
    left to learn.

    >>> talk = Encoded(np.array([5, 6, 7]), np.array([False, True, True]))
    >>> rows = Conversations([talk, talk], block_size=6)
    >>> x, y = rows.fetch(np.array([0]))
    >>> x.tolist(), y.tolist()
    ([[5, 6, 7, 5, 6, 7]], [[6, 7, -100, 6, 7, -100]])
    """

    def __init__(
        self, conversations: Iterable[Encoded], block_size: int, padding_id: int = 0
    ) -> None:
        if block_size < 1:
            raise ValueError(f"Conversations: block_size must be at least 1, got {block_size}")
        self.block_size = block_size
        given = list(conversations)
        kept = self._shortened(given)
        if not kept:
            raise ValueError(
                f"none of {len(given)} conversations has an answer within its first "
                f"{block_size + 1} tokens: there is nothing to learn"
            )
        rows = pack([len(part.ids) for part in kept], block_size + 1)
        self._ids = np.full((len(rows), block_size + 1), padding_id, np.int32)
        self._learned = np.zeros((len(rows), block_size + 1), bool)
        for row, members in enumerate(rows):
            ends = np.cumsum([0, *(len(kept[i].ids) for i in members)]).tolist()
            for member, (begin, end) in zip(members, pairwise(ends), strict=True):
                self._ids[row, begin:end] = kept[member].ids
                self._learned[row, begin + 1 : end] = kept[member].learned[1:]
        self.tokens = sum(len(part.ids) for part in kept)  # but for padding
        self.learned = int(self._learned.sum())  # tokens that are targets

    @classmethod
    def from_files(
        cls, paths: str | Path | Iterable[str | Path], tokenizer: Tokenizer, block_size: int
    ) -> "Conversations":
        """The conversations of JSONL files; see ``read_conversations`` for their form.

        Raises ValueError naming the file and line that is wrong.

        >>> import tempfile
        >>> from transformer import ByteTokenizer
        >>> path = Path(tempfile.mkdtemp()) / "chats.jsonl"
        >>> _ = path.write_text('{"prompt": "1 + 1?", "completion": "2"}')
        >>> Conversations.from_files(path, ByteTokenizer(), block_size=8)
        Conversations(1 in 1 rows of 8, 1 tokens learned, 0 cut, 0 dropped)
        """
        return cls(_encoded(paths, tokenizer), block_size, _padding(tokenizer))

    @classmethod
    def split_files(
        cls,
        paths: str | Path | Iterable[str | Path],
        tokenizer: Tokenizer,
        block_size: int,
        val_fraction: float = 0.1,
    ) -> "tuple[Conversations, Conversations | None]":
        """Those to train on, and those held out (None if none), drawn from all over the files.

        Which ones depends on nothing but how many there are. Raises ValueError as ``from_files``
        does, when ``val_fraction`` is outside [0, 1), and when it leaves none to train on.

        >>> import tempfile
        >>> from transformer import ByteTokenizer
        >>> path = Path(tempfile.mkdtemp()) / "chats.jsonl"
        >>> _ = path.write_text('{"prompt": "1 + 1?", "completion": "2"}\\n' * 10)
        >>> train, val = Conversations.split_files(path, ByteTokenizer(), 8, val_fraction=0.2)
        >>> train.conversations, val.conversations
        (8, 2)
        """
        if not 0 <= val_fraction < 1:
            raise ValueError(f"val_fraction must be in [0, 1), got {val_fraction}")
        every, padding = list(_encoded(paths, tokenizer)), _padding(tokenizer)
        cut = int(len(every) * (1 - val_fraction))
        if cut == 0:
            raise ValueError(
                f"{len(every)} conversations are too few to learn from with val_fraction "
                f"{val_fraction}"
            )
        order = shuffled(np.arange(len(every)), len(every), key=0)
        train = [every[i] for i in sorted(order[:cut])]
        val = [every[i] for i in sorted(order[cut:])]
        return cls(train, block_size, padding), cls(val, block_size, padding) if val else None

    def __len__(self) -> int:
        return len(self._ids)

    def fetch(self, indices: np.ndarray, draw: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and targets of rows ``indices`` (n,), both (n, block_size) int64.

        >>> talk = Encoded(np.array([5, 6, 7]), np.array([False, False, True]))
        >>> Conversations([talk], block_size=4).fetch(np.array([0]))[1].tolist()
        [[-100, 7, -100, -100]]
        """
        ids = self._ids[indices].astype(np.int64)  # (n, T + 1)
        return ids[:, :-1], np.where(self._learned[indices], ids, IGNORE)[:, 1:]

    def batches(self, batch_size: int, seed: int = 0) -> Batches:
        """Batches of these rows, any step's at any time.

        >>> talk = Encoded(np.array([5, 6, 7]), np.array([False, True, True]))
        >>> Conversations([talk] * 4, block_size=5).batches(batch_size=2).at(7)[1].tolist()
        [[6, 7, -100, 6, 7], [6, 7, -100, 6, 7]]
        """
        return Batches(self, batch_size, self.block_size, seed)

    def facts(self) -> dict[str, Any]:
        """What became of the conversations, in numbers.

        >>> talk = Encoded(np.array([5, 6, 7]), np.array([False, True, True]))
        >>> Conversations([talk] * 3, block_size=6).facts()["padding"]
        5
        """
        return {
            "conversations": self.conversations,
            "cut": self.cut,
            "dropped": self.dropped,
            "rows": len(self),
            "tokens": self.tokens,
            "learned": self.learned,
            "padding": self._ids.size - self.tokens,
        }

    def __repr__(self) -> str:
        return (
            f"Conversations({self.conversations} in {len(self)} rows of {self.block_size}, "
            f"{self.learned} tokens learned, {self.cut} cut, {self.dropped} dropped)"
        )

    def _shortened(self, given: Sequence[Encoded]) -> list[Encoded]:
        """Those that have something to learn, none longer than a row; counts the others."""
        longest = self.block_size + 1
        whole = [Encoded(part.ids[:longest], part.learned[:longest]) for part in given]
        kept = [part for part in whole if part.learned[1:].any()]
        self.conversations = len(kept)
        self.dropped = len(given) - len(kept)
        long = sum(len(part.ids) > longest for part in given)
        lost = sum(len(part.ids) > longest and not part.learned[1:longest].any() for part in given)
        self.cut = long - lost
        if long or self.dropped:
            warnings.warn(
                f"of {len(given)} conversations {self.cut} were cut to {longest} tokens, and "
                f"{self.dropped} left out that had no answer within them; a larger block_size "
                f"keeps more",
                stacklevel=3,
            )
        return kept


def pack(sizes: Sequence[int], capacity: int) -> list[list[int]]:
    """Which of the things of these sizes share a row of ``capacity``: best fit, largest first.

    Never more than 11/9 of the fewest rows possible, and one. Raises ValueError for a size that
    no row can hold.

    >>> pack([3, 5, 4, 2], capacity=7)
    [[1, 3], [2, 0]]
    """
    rows: list[list[int]] = []
    rows_with: defaultdict[int, list[int]] = defaultdict(list)  # by the room that is left
    rooms = 0  # bit r is set where some row has room for r more
    for thing in sorted(range(len(sizes)), key=lambda i: (-sizes[i], i)):
        size = sizes[thing]
        if not 0 < size <= capacity:
            raise ValueError(f"pack: size {size} is not from 1 to {capacity}")
        fitting = rooms >> size << size
        if fitting:
            room = (fitting & -fitting).bit_length() - 1  # the lowest bit: the smallest room
            row = rows_with[room].pop()
            if not rows_with[room]:
                rooms ^= 1 << room
        else:
            room, row = capacity, len(rows)
            rows.append([])
        rows[row].append(thing)
        rows_with[room - size].append(row)
        rooms |= 1 << (room - size)
    return rows


def _encoded(paths: str | Path | Iterable[str | Path], tokenizer: Tokenizer) -> Iterable[Encoded]:
    return (encode_example(example, tokenizer) for example in read_conversations(paths))


def _padding(tokenizer: Tokenizer) -> int:
    """The id that fills rows: its target is never learned, so any will do."""
    return 0 if tokenizer.eos_id is None else tokenizer.eos_id
