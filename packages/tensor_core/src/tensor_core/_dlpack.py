"""DLPack: handing memory to other libraries and taking it from them, without copying."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _dtypes
from ._creation import from_numpy
from ._tensor import Tensor, wrap


def capsule(t: Tensor, stream: Any, max_version: Any, dl_device: Any, copy: bool | None) -> Any:
    """What ``Tensor.__dlpack__`` gives: the memory itself, unless ``copy`` is asked for.

    Raises:
        BufferError: the tensor needs a gradient, which would be lost; its type is not DLPack's.
    """
    if t.requires_grad:
        raise BufferError(
            "Can't export tensors that require gradient, use tensor.detach() before exporting"
        )
    if stream not in (None, -1):
        raise RuntimeError(f"__dlpack__: stream={stream!r}, but the CPU has no streams")
    array = t._a.copy() if copy else t._a
    if t.dtype.name == "bfloat16":
        raise BufferError("__dlpack__: NumPy exports no bfloat16; convert with .float() first")
    if max_version is None:
        return array.__dlpack__() if dl_device is None else array.__dlpack__(dl_device=dl_device)
    return array.__dlpack__(max_version=max_version, dl_device=dl_device)


class _Handed:
    """A capsule in the form NumPy takes it."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self._given

    def __dlpack_device__(self) -> tuple[int, int]:
        return (1, 0)


class _Writable:
    """An array's memory without its note that it is read-only."""

    def __init__(self, array: np.ndarray) -> None:
        self.owner = array
        interface = dict(array.__array_interface__)
        interface["data"] = (interface["data"][0], False)
        self.__array_interface__ = interface


def _array(given: Any) -> np.ndarray:
    """The array in the memory of a capsule, or of an object that gives one."""
    handed = given
    if hasattr(given, "__dlpack__"):
        kind = given.__dlpack_device__()[0]
        if kind != 1:
            raise BufferError(f"from_dlpack: memory of device type {int(kind)} is not on the CPU")
        try:
            handed = given.__dlpack__(max_version=(1, 0))
        except TypeError:  # it knows the first version only
            handed = given.__dlpack__()
    elif type(given).__name__ != "PyCapsule":
        raise AttributeError(
            f"from_dlpack: a {type(given).__name__} has no __dlpack__ and is no capsule"
        )
    first_version = '"dltensor"' in repr(handed)  # which cannot say that memory is read-only
    array = np.from_dlpack(_Handed(handed))
    return np.asarray(_Writable(array)) if first_version else array


def from_dlpack(ext_tensor: Any, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A tensor in the memory of another library's array, or of a DLPack capsule.

    Read-only memory is taken as it is, and writing into the tensor raises.

    Raises:
        BufferError: the memory is not on the CPU.

    >>> import tensor_core as torch
    >>> import numpy as np
    >>> a = np.zeros(2, np.float32)
    >>> t = torch.from_dlpack(a)
    >>> t[0] = 3
    >>> a
    array([3., 0.], dtype=float32)
    """
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.clone() if copy else wrap(ext_tensor.detach()._a)
    array = _array(ext_tensor)
    _dtypes.of_array(array)
    return wrap(array.copy() if copy else array)


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """A 1-d tensor in the memory of bytes, a bytearray, an array.array or the like.

    Raises:
        ValueError: the buffer is empty, or its size does not fit ``dtype``, ``count``, ``offset``.

    >>> import tensor_core as torch
    >>> torch.frombuffer(bytearray(b"abc"), dtype=torch.uint8)
    tensor([97, 98, 99], dtype=torch.uint8)
    """
    if not isinstance(dtype, _dtypes.dtype):
        raise TypeError(f"frombuffer: dtype must be a torch.dtype, not {type(dtype).__name__}")
    try:
        view = memoryview(buffer).cast("B")
    except TypeError:
        raise ValueError(
            f"frombuffer: object does not implement Python buffer protocol: {type(buffer).__name__}"
        ) from None
    size, width = view.nbytes, dtype.itemsize
    if size == 0 or count == 0:
        raise ValueError("frombuffer: both buffer length and count must not be 0")
    if not 0 <= offset < size:
        raise ValueError(f"frombuffer: offset {offset} must be in [0, {size - 1}]")
    if count < 0 and (size - offset) % width:
        raise ValueError(
            f"frombuffer: buffer length ({size - offset} bytes) after offset ({offset} bytes) must "
            f"be a multiple of element size ({width})"
        )
    if count > 0 and offset + count * width > size:
        raise ValueError(
            f"frombuffer: requested buffer length ({count} * {width} bytes) after offset ({offset} "
            f"bytes) must not be greater than actual buffer length ({size} bytes)"
        )
    array = np.frombuffer(view, dtype.numpy, count, offset)
    made = wrap(array) if array.flags.writeable else from_numpy(array)
    return made.requires_grad_(requires_grad)
