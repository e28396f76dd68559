"""A worker: a copy of the dataset and random numbers of its own.

Workers are served in turn within the process. What a program can tell of them, the samples, their
order, their random numbers and :func:`get_worker_info`, is as if each were a process.
"""

from __future__ import annotations

import io
import pickle
import random as python_random
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from .... import random
from ...._rng import Generator
from ...._tensor import Tensor


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a worker knows of itself: ``id``, ``num_workers``, ``seed`` and its ``dataset``."""

    id: int
    num_workers: int
    seed: int
    dataset: Any
    rng: Any = None
    worker_method: str | None = "multiprocessing"


class _Current(threading.local):
    info: WorkerInfo | None = None


_current = _Current()


def get_worker_info() -> WorkerInfo | None:
    """Which worker is asking; ``None`` outside of workers.

    >>> get_worker_info() is None
    True
    """
    return _current.info


class Worker:
    """One of the workers: ``fetch(index)`` gives its next batch."""

    def __init__(
        self,
        id: int,
        num_workers: int,
        base_seed: int,
        dataset: Any,
        make_fetcher: Callable[[Any], Any],
        init_fn: Callable[[int], Any] | None,
        own_arrays: bool,
    ) -> None:
        self.info = WorkerInfo(id, num_workers, base_seed + id, own_copy(dataset, own_arrays))
        self._make_fetcher = make_fetcher
        self._generator = Generator().manual_seed(self.info.seed)
        self._python = python_random.Random(self.info.seed).getstate()
        words = np.random.SeedSequence([id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0])
        self._numpy = np.random.RandomState(words.generate_state(4)).get_state()
        self._init_fn = init_fn
        self._fetcher: Any = None

    def restart(self) -> None:
        """Begin another pass over the data; random numbers go on."""
        self._fetcher = None

    def fetch(self, index: Any) -> Any:
        """The batch of these indices, made with the worker's own random numbers."""
        with self._acting():
            if self._init_fn is not None:
                self._init_fn(self.info.id)
                self._init_fn = None
            if self._fetcher is None:
                self._fetcher = self._make_fetcher(self.info.dataset)
            return self._fetcher.fetch(index)

    @contextmanager
    def _acting(self) -> Iterator[None]:
        """Put the worker's random numbers in place of the program's, and back."""
        before, python, numpy = _current.info, python_random.getstate(), np.random.get_state()
        _current.info = self.info
        python_random.setstate(self._python)
        np.random.set_state(self._numpy)
        try:
            with random.use_generator(self._generator):
                yield
        finally:
            self._python, self._numpy = python_random.getstate(), np.random.get_state()
            python_random.setstate(python)
            np.random.set_state(numpy)
            _current.info = before


_SHARED = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.ModuleType,
    types.GeneratorType,
    type,
    io.IOBase,
    type(threading.Lock()),
    type(threading.RLock()),
    np.memmap,
)


class _Copier(pickle.Pickler):
    """Writes an object down with references to what no copy can be made of or need be made of."""

    def __init__(self, file: io.BytesIO, own_arrays: bool) -> None:
        super().__init__(file, protocol=5)
        self.kept: list[Any] = []
        self._own_arrays = own_arrays

    def persistent_id(self, obj: Any) -> int | None:
        shared = isinstance(obj, _SHARED) or (isinstance(obj, str | bytes) and len(obj) > 1000)
        if not self._own_arrays:
            shared = shared or isinstance(obj, np.ndarray | Tensor)
        if not shared:
            return None
        self.kept.append(obj)
        return len(self.kept) - 1


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, kept: list[Any]) -> None:
        super().__init__(file)
        self._kept = kept

    def persistent_load(self, pid: int) -> Any:
        return self._kept[pid]


def own_copy(dataset: Any, own_arrays: bool) -> Any:
    """A worker's copy of a dataset: what it changes in it, no other worker sees.

    Functions, open files and long texts are shared; arrays and tensors too, unless
    ``own_arrays``. A dataset that cannot be copied is shared as a whole.
    """
    file = io.BytesIO()
    copier = _Copier(file, own_arrays)
    try:
        copier.dump(dataset)
        file.seek(0)
        return _Reader(file, copier.kept).load()
    except (pickle.PicklingError, TypeError, AttributeError):
        return dataset
