"""Token files: ids of two or four bytes each, nothing else, read where they lie on the disk."""

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from transformer._engine import torch
from transformer.io.atomic import replace_file

_PIECE = 1 << 16  # ids at a time, where they come one by one


class Written(NamedTuple):
    """What :func:`write_tokens` wrote: how many ids, of what type, and the file's SHA-256."""

    tokens: int
    dtype: str
    sha256: str


def token_dtype(vocab_size: int) -> np.dtype[Any]:
    """The smallest of uint16 and uint32 that holds every id below ``vocab_size``.

    Raises ValueError when neither does.

    >>> token_dtype(50257), token_dtype(65537)
    (dtype('uint16'), dtype('uint32'))
    """
    if not 1 <= vocab_size <= 2**32:
        raise ValueError(f"vocab_size must be from 1 to 2^32, got {vocab_size}")
    return np.dtype("<u2" if vocab_size <= 2**16 else "<u4")


def write_tokens(path: str | Path, ids: "Iterable[Any]", vocab_size: int) -> Written:
    """Write token ids to a file, all or nothing, holding only a piece of them at a time.

    ``ids`` yields numbers, or sequences of numbers (lists, arrays), of any total length. The file
    is nanoGPT's ``.bin``: ids in little-endian order, no header. Raises ValueError naming the
    first id outside ``range(vocab_size)``, and then leaves ``path`` as it was.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.bin"
    >>> write_tokens(path, [[3, 1], [2]], vocab_size=4)[:2]
    (3, 'uint16')
    >>> path.read_bytes().hex(" ", 2)
    '0300 0100 0200'
    """
    dtype, digest, count = token_dtype(vocab_size), sha256(), 0

    def write(file: BinaryIO) -> None:
        nonlocal count
        for piece in _pieces(ids):
            raw = checked(piece, vocab_size, count).astype(dtype).tobytes()
            digest.update(raw)
            file.write(raw)
            count += len(piece)

    replace_file(path, write)
    return Written(count, dtype.name, digest.hexdigest())


def checked(ids: np.ndarray, vocab_size: int, start: int = 0) -> np.ndarray:
    """The same ids (N,), all in ``range(vocab_size)``; ``start`` is the first one's position.

    Raises ValueError naming the first that is outside, TypeError when they are no whole numbers.

    >>> checked(np.array([0, 4]), vocab_size=4)
    Traceback (most recent call last):
    ValueError: token id 4 at position 1 is outside the vocabulary of 4 (ids 0 to 3)
    """
    if ids.dtype.kind not in "iu" and ids.size:
        raise TypeError(f"token ids must be whole numbers, got {ids.dtype}")
    if ids.size and (int(ids.max()) >= vocab_size or int(ids.min()) < 0):
        outside = (ids >= vocab_size) | (ids < 0)
        first = int(outside.argmax())
        raise ValueError(
            f"token id {ids[first]} at position {start + first} is outside the vocabulary of "
            f"{vocab_size} (ids 0 to {vocab_size - 1})"
        )
    return ids


def _pieces(ids: Iterable[Any]) -> Iterator[np.ndarray]:
    """The ids as arrays (n,), whether they come as one array, as sequences, or one by one."""
    if isinstance(ids, torch.Tensor):
        ids = ids.detach().cpu().numpy()
    if isinstance(ids, np.ndarray):
        yield from (ids[at : at + _PIECE] for at in range(0, len(ids), _PIECE))
        return
    rest = iter(ids)
    for first in rest:
        if hasattr(first, "__len__"):
            yield np.asarray(first)
        else:
            yield np.asarray([first, *islice(rest, _PIECE - 1)])


class TokenFile:
    """The ids of a token file, read from the disk when asked for: it may be larger than memory.

    ``dtype`` and ``vocab_size`` are what ``meta.json`` beside it says, else those given, else
    uint16 and unknown, as nanoGPT has it. ``len`` counts ids; a slice, or a tensor of positions,
    gives an int64 tensor. Raises FileNotFoundError when there is no such file, ValueError when it
    is empty or cut off, and, on reading, for ids outside the vocabulary.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "train.bin"
    >>> _ = write_tokens(path, range(100), vocab_size=100)
    >>> file = TokenFile(path, vocab_size=100)
    >>> len(file), file[3:6].tolist(), file[-1]
    (100, [3, 4, 5], 99)
    """

    def __init__(
        self, path: str | Path, dtype: str | None = None, vocab_size: int | None = None
    ) -> None:
        self.path = Path(path)
        beside = _facts_beside(self.path)
        self.dtype = _known_dtype(beside.get("dtype") or dtype or "uint16", self.path)
        self.vocab_size: int | None = beside.get("vocab_size", vocab_size)
        self.array = self._mapped()

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, at: "int | slice | torch.Tensor | np.ndarray") -> Any:
        if isinstance(at, int):
            return int(self.gather(np.array([range(len(self))[at]]))[0])
        if isinstance(at, slice):
            found = self.array[at]
            return torch.from_numpy(self._checked(found).astype(np.int64))
        where = at.numpy() if isinstance(at, torch.Tensor) else np.asarray(at)
        return torch.from_numpy(self.gather(where))

    def gather(self, at: np.ndarray) -> np.ndarray:
        """The ids at positions ``at``, in its shape, int64.

        Raises ValueError for an id outside the vocabulary.

        >>> _example().gather(np.array([[0, 9], [1, 1]])).tolist()
        [[0, 9], [1, 1]]
        """
        return self._checked(self.array[at]).astype(np.int64)

    def sha256(self) -> str:
        """The SHA-256 of the file's bytes, in hexadecimal; reads it from end to end.

        >>> file = _example()
        >>> file.sha256() == sha256(file.path.read_bytes()).hexdigest()
        True
        """
        digest = sha256()
        for piece in self.pieces():
            digest.update(piece.data)
        return digest.hexdigest()

    def pieces(self, start: int = 0, size: int = 1 << 20) -> Iterator[np.ndarray]:
        """The ids from ``start`` to the last, ``size`` at a time, as they lie in the file.

        >>> [piece.tolist() for piece in _example().pieces(start=5, size=3)]
        [[5, 6, 7], [8, 9]]
        """
        for at in range(start, len(self), size):
            yield self.array[at : at + size]

    def check(self) -> None:
        """Raise ValueError if any id is outside the vocabulary; reads the file from end to end.

        >>> _example().check()
        """
        if self.vocab_size is None:
            return
        start = 0
        for piece in self.pieces():
            try:
                checked(piece, self.vocab_size, start)
            except ValueError as error:
                raise ValueError(f"{self.path}: {error}") from None
            start += len(piece)

    def __repr__(self) -> str:
        return f"TokenFile({str(self.path)!r}, {len(self)} tokens, {self.dtype.name})"

    def _checked(self, found: np.ndarray) -> np.ndarray:
        if self.vocab_size is not None and found.size and int(found.max()) >= self.vocab_size:
            raise ValueError(
                f"{self.path} holds token id {int(found.max())}, outside the vocabulary of "
                f"{self.vocab_size}: the file is damaged or was made with another tokenizer"
            )
        return found

    def _mapped(self) -> np.ndarray:
        try:
            size = self.path.stat().st_size
        except FileNotFoundError:
            raise FileNotFoundError(f"there is no token file {str(self.path)!r}") from None
        if size == 0:
            raise ValueError(f"{self.path} is empty: it holds no tokens")
        if size % self.dtype.itemsize:
            raise ValueError(
                f"{self.path} has {size} bytes, no whole number of {self.dtype.name} ids: "
                f"it is cut off, or its ids are of another type"
            )
        return np.asarray(np.memmap(self.path, self.dtype, mode="r"))  # indexed faster as such


def _known_dtype(name: str, path: Path) -> np.dtype[Any]:
    if name not in ("uint16", "uint32"):
        raise ValueError(f"{path}: token ids are uint16 or uint32, not {name!r}")
    return np.dtype(name).newbyteorder("<")


def _facts_beside(path: Path) -> dict[str, Any]:
    """What ``meta.json`` in the same folder says of this file; nothing when it does not."""
    try:
        facts = json.loads((path.parent / "meta.json").read_text(encoding="utf-8"))
        named = {part["file"] for part in facts["parts"].values()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return facts if path.name in named else {}


def _example() -> TokenFile:
    """A file of the ids 0 to 9, for the examples above."""
    import tempfile

    path = Path(tempfile.mkdtemp()) / "example.bin"
    write_tokens(path, range(10), vocab_size=10)
    return TokenFile(path, vocab_size=10)
