"""``.safetensors`` files, by the ``safetensors`` library: the functions of ``safetensors.torch``.

The library's own module for torch runs here with this package as its torch, so every rule in it
(what may share memory, which names of a model are left out) is the library's. Its compiled
reader would import PyTorch, so it is asked for arrays instead.

A program under ``python -m tensor_core`` needs nothing from here: its ``import safetensors.torch``
is the library's module, which finds tensor_core by the name torch.
"""

from __future__ import annotations

import builtins
import functools
import importlib.util
import os
import sys
from typing import Any

import numpy as np

from . import _dtypes
from ._binding import OURS, place
from ._creation import from_numpy
from ._tensor import Tensor

__all__ = ["load", "load_file", "load_model", "safe_open", "save", "save_file", "save_model"]

Path = str | os.PathLike[str]


@functools.cache
def _library() -> Any:
    """``safetensors.torch``, in which torch is this package.

    Raises:
        ImportError: the library is not installed.
    """
    try:
        spec = importlib.util.find_spec("safetensors.torch")
    except ImportError:
        spec = None
    if spec is None or spec.loader is None:
        raise ImportError(
            "safetensors files need the library: pip install 'gradine-tensor-core[safetensors]'",
            name="safetensors",
        )
    module: Any = importlib.util.module_from_spec(spec)  # apart from the one that others import
    module.__builtins__ = {**vars(builtins), "__import__": _import}
    spec.loader.exec_module(module)
    # Ours stand in for these two, and call them by another name.
    module.reader, module.safe_open = module.safe_open, safe_open
    module.parts, module.deserialize = module.deserialize, _deserialize
    return module


def _import(name: str, *context: Any) -> Any:
    """The ``import`` statement of that module: ``torch`` is this package."""
    if name.partition(".")[0] != "torch":
        return builtins.__import__(name, *context)
    return importlib.import_module(place(name)) if any(context[2:3]) else sys.modules[OURS]


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """Tensors by name as the bytes of a file.

    Raises:
        ValueError: something is no tensor, or does not lie in row-major order.
        RuntimeError: two names stand for the same memory.

    >>> import tensor_core as torch
    >>> load(save({"w": torch.ones(2)}))
    {'w': tensor([1., 1.])}
    """
    return _library().save(tensors, metadata)


def save_file(
    tensors: dict[str, Tensor], filename: Path, metadata: dict[str, str] | None = None
) -> None:
    """Write tensors by name to a file. Raises as :func:`save`."""
    _library().save_file(tensors, filename, metadata)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file's bytes, by name.

    Raises:
        safetensors.SafetensorError: the bytes are no such file, or not all of it.
    """
    return _library().load(data)


def load_file(
    filename: Path, device: str | int = "cpu", *, backend: str = "mmap"
) -> dict[str, Tensor]:
    """The tensors of a file, by name, copied out of its mapping (or read, with ``"pread"``).

    Raises:
        FileNotFoundError: there is no such file.
        safetensors.SafetensorError: it is no such file, or not all of it.

    >>> import tensor_core as torch
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "w.safetensors")
    >>> save_file({"w": torch.arange(3)}, path)
    >>> load_file(path)
    {'w': tensor([0, 1, 2])}
    """
    return _library().load_file(filename, device, backend=backend)


def save_model(
    model: Any,
    filename: Path,
    metadata: dict[str, str] | None = None,
    force_contiguous: bool = True,
) -> None:
    """Write a module's state; weights under several names are written under one of them."""
    _library().save_model(model, filename, metadata, force_contiguous)


def load_model(
    model: Any, filename: Path, strict: bool = True, device: str | int = "cpu", *,
    backend: str = "mmap",
) -> tuple[set[str], list[str]]:  # fmt: skip
    """Load a module's state; returns the names that were missing and those not expected.

    Raises:
        RuntimeError: with ``strict``, there are such names.
    """
    return _library().load_model(model, filename, strict, device, backend=backend)


class safe_open:
    """A file of which single tensors, or parts of them, are read when asked for.

    ``framework="np"`` gives arrays.

    >>> import tensor_core as torch
    >>> import tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "w.safetensors")
    >>> save_file({"w": torch.arange(6).reshape(2, 3)}, path, {"by": "me"})
    >>> with safe_open(path, framework="pt") as file:
    ...     list(file.keys()), file.metadata(), file.get_slice("w")[:, 1:]
    (['w'], {'by': 'me'}, tensor([[1, 2],
            [4, 5]]))
    """

    def __init__(
        self, filename: Path, framework: str, device: str | int = "cpu", *, backend: str = "mmap"
    ) -> None:
        ours = framework in ("pt", "torch", "pytorch")
        self._device = device if ours else None
        where = ("np", "cpu") if ours else (framework, device)
        self._file = _library().reader(filename, *where, backend=backend)

    def __enter__(self) -> safe_open:
        self._file.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.__exit__(*exc)

    def keys(self) -> list[str]:
        """The names."""
        return self._file.keys()

    def offset_keys(self) -> list[str]:
        """The names, in the order in which the tensors lie in the file."""
        return self._file.offset_keys()

    def metadata(self) -> dict[str, str] | None:
        """What else was written."""
        return self._file.metadata()

    def get_tensor(self, name: str) -> Any:
        """One tensor, in memory of its own.

        Raises:
            safetensors.SafetensorError: the file has none of this name.
            TypeError: NumPy has no numbers of its type, such as those of 8 bits.
        """
        self.get_slice(name)  # looks at the type
        return self._given(self._file.get_tensor(name))

    def get_tensors(self) -> dict[str, Any]:
        """All tensors, by name."""
        return {name: self.get_tensor(name) for name in self.offset_keys()}

    def get_slice(self, name: str) -> _Slice:
        """One tensor, of which an index reads a part. Raises as :meth:`get_tensor`."""
        part = self._file.get_slice(name)
        _require_type(name, part.get_dtype())
        return _Slice(part, self._given)

    def _given(self, array: np.ndarray) -> Any:
        return array if self._device is None else from_numpy(array).to(self._device)


def _deserialize(data: bytes) -> Any:
    """What the library makes of a file's bytes: names, each with type, shape and numbers."""
    parts = _library().parts(data)
    for name, part in parts:
        _require_type(name, part["dtype"])
    return parts


def _require_type(name: str, kind: str) -> None:
    """See that arrays of a type, called as files call it, can be made.

    Raises:
        ImportError: bfloat16 needs its extra.
        TypeError: NumPy has no such type.
    """
    if kind == "BF16":
        np.dtype(_dtypes.bfloat16.numpy)
    elif kind[0] == "F" and kind[1:] not in ("16", "32", "64"):
        raise TypeError(f"load: {name!r} is of type {kind}, which NumPy and so tensors do not have")


class _Slice:
    """A tensor in a file."""

    def __init__(self, part: Any, given: Any) -> None:
        self._part, self._given = part, given

    def get_shape(self) -> list[int]:
        """Its shape."""
        return self._part.get_shape()

    def get_dtype(self) -> str:
        """Its type, as the file names it."""
        return self._part.get_dtype()

    def __getitem__(self, key: Any) -> Any:
        from safetensors import SafetensorError

        try:
            return self._given(self._part[key])
        except SafetensorError:  # the library reads parts by slices and integers alone
            return self._given(self._part[...])[key]
