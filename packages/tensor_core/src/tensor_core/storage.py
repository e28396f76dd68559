"""Storages: the memory behind tensors, as bytes or as numbers of one type."""

from __future__ import annotations

import math
import mmap
import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import _dtypes
from ._memory import memory_of
from ._size import device
from ._tensor import Tensor, wrap

STORAGE_NAMES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8",
    "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip
"""The names files use for the types of storages. Other types are written as plain bytes."""

__all__ = ["TypedStorage", "UntypedStorage", *STORAGE_NAMES]

NAME_OF_TYPE = {dtype: name for name, dtype in STORAGE_NAMES.items()}


class UntypedStorage:
    """Memory as bytes, shared with the tensors that lie in it.

    >>> import tensor_core as torch
    >>> x = torch.tensor([1, 2], dtype=torch.uint8)
    >>> x.untyped_storage()[0] = 7
    >>> x, x.untyped_storage().nbytes()
    (tensor([7, 2], dtype=torch.uint8), 2)
    """

    __slots__ = ("__weakref__", "_bytes")

    def __init__(self, content: Any = 0, *, device: Any = None) -> None:
        if isinstance(content, np.ndarray):
            self._bytes = content
        elif isinstance(content, int):
            self._bytes = np.empty(content, np.uint8)
        else:
            self._bytes = np.array(content, np.uint8)

    @classmethod
    def from_file(cls, filename: Any, shared: bool = False, nbytes: int = 0) -> UntypedStorage:
        """A file mapped into memory; with ``shared``, changes go to the file.

        Raises:
            RuntimeError: the file is shorter than ``nbytes``, and not shared.
        """
        path = os.fspath(filename)
        mode = "r+b" if shared else "rb"
        if shared and not os.path.exists(path):
            mode = "w+b"
        with open(path, mode) as file:
            size = os.fstat(file.fileno()).st_size
            if size < nbytes:
                if not shared:
                    raise RuntimeError(
                        f"UntypedStorage.from_file: {path!r} has {size} bytes, not {nbytes}"
                    )
                file.truncate(nbytes)
            if not nbytes:
                return cls(0)
            access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
            mapped = mmap.mmap(file.fileno(), nbytes, access=access)
        return cls(np.frombuffer(mapped, np.uint8))

    @property
    def device(self) -> device:
        """Always the CPU."""
        return device("cpu")

    is_cuda = False

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._bytes.size

    size = __len__ = nbytes

    def element_size(self) -> int:
        """1: an element is a byte."""
        return 1

    def untyped(self) -> UntypedStorage:
        """The storage itself."""
        return self

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self._bytes, dtype=dtype, copy=copy)

    def data_ptr(self) -> int:
        """The address of the first byte; 0 if there is none."""
        return self._bytes.__array_interface__["data"][0] if self._bytes.size else 0

    @property
    def _cdata(self) -> int:
        return self.data_ptr() or id(self)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return UntypedStorage(self._bytes[key])
        return int(self._bytes[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._bytes[key] = value._bytes if isinstance(value, UntypedStorage) else value

    def __iter__(self) -> Iterator[int]:
        return iter(self._bytes.tolist())

    def tolist(self) -> list[int]:
        """The bytes as integers."""
        return self._bytes.tolist()

    def clone(self) -> UntypedStorage:
        """A copy."""
        return UntypedStorage(self._bytes.copy())

    def cpu(self) -> UntypedStorage:
        """The storage itself."""
        return self

    def copy_(self, source: UntypedStorage, non_blocking: bool = False) -> UntypedStorage:
        """Take over the bytes of another storage of the same size."""
        self._bytes[...] = source._bytes
        return self

    def fill_(self, value: int) -> UntypedStorage:
        """Make every byte ``value``."""
        self._bytes[...] = value
        return self

    def byteswap(self, dtype: Any) -> None:
        """Reverse the bytes of every number of this type, in place."""
        width = dtype.itemsize // (2 if dtype.is_complex else 1)
        if width > 1:
            self._bytes[...] = self._bytes.reshape(-1, width)[:, ::-1].reshape(-1)

    def __deepcopy__(self, memo: dict[Any, Any]) -> UntypedStorage:
        copies = memo.setdefault("storages", {})
        if self._cdata not in copies:
            copies[self._cdata] = self.clone()
        return copies[self._cdata]

    def __reduce__(self) -> Any:
        return (_storage_of_bytes, (self._bytes.tobytes(),))

    def __repr__(self) -> str:
        numbers = "".join(f" {v}\n" for v in self._bytes.tolist())
        return f"{numbers}[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"


def _storage_of_bytes(data: bytes) -> UntypedStorage:
    return UntypedStorage(np.frombuffer(bytearray(data), np.uint8))


class TypedStorage:
    """Memory as numbers of one type.

    >>> import tensor_core as torch
    >>> torch.tensor([[1.0, 2.0]]).storage().tolist()
    [1.0, 2.0]
    """

    __slots__ = ("_untyped_storage", "dtype")

    def __init__(
        self, *content: Any, wrap_storage: UntypedStorage | None = None, dtype: Any = None,
        device: Any = None, _internal: bool = False,
    ) -> None:  # fmt: skip
        self.dtype = dtype or getattr(type(self), "_dtype", None) or _dtypes.get_default_dtype()
        if wrap_storage is None:
            given = content[0] if content else 0
            made = np.empty(given, self.dtype.numpy) if isinstance(given, int) else None
            numbers = np.array(given, self.dtype.numpy) if made is None else made
            wrap_storage = UntypedStorage(memory_of(numbers))
        self._untyped_storage = wrap_storage

    @property
    def _numbers(self) -> np.ndarray:
        return self._untyped_storage._bytes.view(self.dtype.numpy)

    @property
    def device(self) -> device:
        """Always the CPU."""
        return device("cpu")

    is_cuda = False

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped_storage

    def element_size(self) -> int:
        """Bytes of one number."""
        return self.dtype.itemsize

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._untyped_storage.nbytes()

    def size(self) -> int:
        """How many numbers there are."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = _size = size

    def data_ptr(self) -> int:
        """The address of the first number."""
        return self._untyped_storage.data_ptr()

    _data_ptr = data_ptr

    def tolist(self) -> list[Any]:
        """The numbers."""
        return self._numbers.tolist()

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            raise RuntimeError("TypedStorage: slices are only supported in UntypedStorage")
        return self._numbers[key].item()

    def __setitem__(self, key: Any, value: Any) -> None:
        self._numbers[key] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def clone(self) -> TypedStorage:
        """A copy."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def cpu(self) -> TypedStorage:
        """The storage itself."""
        return self

    def pickle_storage_type(self) -> str:
        """The name files use for this type of storage.

        Raises:
            KeyError: files have no such name; the bytes are written under ``UntypedStorage``.
        """
        return NAME_OF_TYPE[self.dtype.name]

    _pickle_storage_type = pickle_storage_type

    def __deepcopy__(self, memo: dict[Any, Any]) -> TypedStorage:
        copied = self._untyped_storage.__deepcopy__(memo)
        return TypedStorage(wrap_storage=copied, dtype=self.dtype)

    def __reduce__(self) -> Any:
        return (_typed, (self._untyped_storage, self.dtype))

    def __repr__(self) -> str:
        numbers = "".join(f" {v}\n" for v in self.tolist())
        kind = f"dtype={self.dtype}, device=cpu"
        return f"{numbers}[torch.storage.TypedStorage({kind}) of size {len(self)}]"


def _typed(untyped: UntypedStorage, dtype: Any) -> TypedStorage:
    return TypedStorage(wrap_storage=untyped, dtype=dtype)


# -- between tensors and storages ------------------------------------------------------------------


def untyped_storage(self: Tensor) -> UntypedStorage:
    """The memory the tensor lies in, as bytes; views share it.

    >>> import tensor_core as torch
    >>> torch.zeros(2, 3)[1].untyped_storage().nbytes()
    24
    """
    return UntypedStorage(memory_of(self._a))


def storage(self: Tensor) -> TypedStorage:
    """The memory the tensor lies in, as numbers of its type.

    >>> import tensor_core as torch
    >>> torch.arange(4)[2:].storage().tolist()
    [0, 1, 2, 3]
    """
    return TypedStorage(wrap_storage=untyped_storage(self), dtype=self.dtype)


def share_memory_(self: Tensor) -> Tensor:
    """Move the numbers to memory that forked processes share; views made before stay behind.

    >>> import tensor_core as torch
    >>> torch.ones(2).share_memory_()
    tensor([1., 1.])
    """
    if self._a.size and not isinstance(_owner(self._a), mmap.mmap):
        shared = np.frombuffer(mmap.mmap(-1, self._a.nbytes), self._a.dtype)
        array = shared.reshape(self._a.shape)
        array[...] = self._a
        self._a = array
    return self


def _owner(array: np.ndarray) -> Any:
    root: Any = array
    while isinstance(root, np.ndarray) and root.base is not None:
        root = root.base
    return root.obj if isinstance(root, memoryview) else root


def on_storage(store: Any, dtype: Any, offset: int, size: Any, stride: Any) -> Tensor:
    """A tensor in a storage: ``offset`` and ``stride`` count elements.

    Raises:
        RuntimeError: it would not lie inside the storage.
    """
    data: np.ndarray = getattr(store, "_untyped_storage", store)._bytes
    width = dtype.itemsize
    shape, steps = tuple(size), tuple(stride)
    if len(shape) != len(steps) or any(
        not isinstance(n, int) or n < 0 for n in (*shape, *steps, offset)
    ):
        raise RuntimeError(f"no tensor has size {shape}, stride {steps} and offset {offset}")
    if 0 in shape:
        return wrap(np.empty(shape, dtype.numpy))
    last = offset + sum((n - 1) * s for n, s in zip(shape, steps, strict=True))
    if (last + 1) * width > data.size or math.prod(shape) > sys.maxsize // width:
        raise RuntimeError(
            f"a tensor of size {shape}, stride {steps} and offset {offset} needs "
            f"{(last + 1) * width} bytes, and its storage has {data.size}"
        )
    strides = [s * width for s in steps]
    return wrap(np.ndarray(shape, dtype.numpy, data, offset * width, strides))


def placed(t: Tensor) -> tuple[TypedStorage, int, tuple[int, ...], tuple[int, ...]]:
    """Storage, offset, size and stride, so that :func:`on_storage` gives the tensor again."""
    a = t._a
    width = a.itemsize
    memory = memory_of(a)
    first = a.__array_interface__["data"][0]
    offset = first - memory.__array_interface__["data"][0] if a.size else 0
    regular = offset % width == 0 and memory.size % width == 0
    if not regular or any(s < 0 or s % width for s in a.strides):
        return placed(wrap(np.ascontiguousarray(a).reshape(a.shape)))
    store = TypedStorage(wrap_storage=UntypedStorage(memory), dtype=t.dtype)
    return store, offset // width, tuple(a.shape), tuple(t.stride())


def _storage_class(name: str, dtype: str) -> type[TypedStorage]:
    kind = getattr(_dtypes, dtype)
    doc = f"""Memory as numbers of type {dtype}.

    >>> import tensor_core as torch
    >>> issubclass(torch.{name}, torch.TypedStorage)
    True
    """
    fields = {"_dtype": kind, "__doc__": doc, "__slots__": (), "__module__": "tensor_core"}
    return type(name, (TypedStorage,), fields)


STORAGE_CLASSES = {name: _storage_class(name, d) for name, d in STORAGE_NAMES.items()}
globals().update(STORAGE_CLASSES)
