"""Writing pickles that torch reads: tensors and storages under the names torch gives them."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from . import _dtypes
from ._size import Size, device
from ._tensor import Tensor
from ._utils import reduce_tensor
from .storage import NAME_OF_TYPE, TypedStorage, UntypedStorage

# In Python rather than C, because only it lets a global have another name in the file.
_Pickler: Any = pickle._Pickler  # type: ignore[attr-defined]


class _Global:
    """A name in the file that stands for nothing here, such as that of a storage type."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name


_STORAGE_TYPES = {n: _Global("torch", storage) for n, storage in NAME_OF_TYPE.items()}
_UNTYPED = _Global("torch.storage", "UntypedStorage")


def file_names() -> dict[int, tuple[str, str]]:
    """The identities of our classes and functions, and the module and name files have for them."""
    from . import _utils
    from ._rng import Generator
    from .nn.parameter import Parameter

    named: dict[int, tuple[str, str]] = {
        id(Tensor): ("torch", "Tensor"),
        id(Size): ("torch", "Size"),
        id(device): ("torch", "device"),
        id(Generator): ("torch._C", "Generator"),
        id(Parameter): ("torch.nn.parameter", "Parameter"),
        id(_utils._rebuild_from_type_v2): ("torch._tensor", "_rebuild_from_type_v2"),
    }
    for function in (
        _utils._rebuild_tensor,
        _utils._rebuild_tensor_v2,
        _utils._rebuild_tensor_v3,
        _utils._rebuild_parameter,
        _utils._rebuild_parameter_with_state,
    ):
        named[id(function)] = ("torch._utils", function.__name__)
    return named


class TensorPickler(_Pickler):  # type: ignore[misc]
    """A pickler for which ``store(storage)`` says under which key the bytes will be found."""

    def __init__(
        self,
        file: Any,
        protocol: int,
        store: Callable[[TypedStorage | UntypedStorage], Any],
        old: bool = False,
    ) -> None:
        super().__init__(file, protocol)
        self._store = store
        self._more = (None,) if old else ()  # older files say here what a storage is a view of
        self._names = file_names()

    def persistent_id(self, obj: Any) -> Any:
        """What stands in the pickle for a storage."""
        if not isinstance(obj, TypedStorage | UntypedStorage):
            return None
        key, numbers = self._store(obj)
        kind = _UNTYPED
        if isinstance(obj, TypedStorage):
            kind = _STORAGE_TYPES[obj.dtype.name]
        return ("storage", kind, key, "cpu", numbers, *self._more)

    def reducer_override(self, obj: Any) -> Any:
        """How what has a name or a form of its own in files is written."""
        if isinstance(obj, Tensor):
            own = type(obj).__reduce_ex__ is not Tensor.__reduce_ex__
            return obj.__reduce_ex__(2) if own else reduce_tensor(obj)
        if isinstance(obj, Size):
            return (Size, (tuple(obj),))
        if isinstance(obj, device):
            return (device, (obj.type,) if obj.index is None else (obj.type, obj.index))
        if isinstance(obj, _dtypes.dtype | _Global):
            return obj.name
        return NotImplemented

    def save_global(self, obj: Any, name: str | None = None) -> None:
        """Write a name, torch's where torch has one."""
        if isinstance(obj, _dtypes.dtype):
            known: Any = ("torch", obj.name)
        elif isinstance(obj, _Global):
            known = (obj.module, obj.name)
        else:
            known = self._names.get(id(obj))
        if known is None:
            super().save_global(obj, name)
            return
        self.write(pickle.GLOBAL + f"{known[0]}\n{known[1]}\n".encode())
        self.memoize(obj)

    dispatch: ClassVar = dict(_Pickler.dispatch)

    dispatch[type(file_names)] = save_global


class Storages:
    """The storages of a file, each once."""

    def __init__(self) -> None:
        self.kept: list[UntypedStorage] = []
        self.lengths: list[int] = []  # in numbers, not bytes
        self._keys: dict[tuple[int, int], str] = {}
        self._types: dict[int, Any] = {}

    def key(self, store: Any) -> tuple[str, int]:
        """The key of a storage, and how many numbers it has."""
        untyped = getattr(store, "_untyped_storage", store)
        dtype = getattr(store, "dtype", None)
        pointer = untyped.data_ptr()
        if pointer and self._types.setdefault(pointer, dtype) is not dtype:
            raise RuntimeError(
                "save: Cannot save multiple tensors or storages that view the same data as "
                f"different types, {self._types[pointer]} and {dtype}; clone() one of them"
            )
        place = (untyped._cdata, len(untyped))
        if place not in self._keys:
            self._keys[place] = str(len(self.kept))
            self.kept.append(untyped)
            self.lengths.append(len(store))
        return self._keys[place], len(store)


def pickled(obj: Any, protocol: int, store: Callable[..., Any], old: bool = False) -> bytes:
    """An object as a pickle.

    Raises:
        pickle.PicklingError: something in it, which the message names, cannot be written down.
    """
    buffer = io.BytesIO()
    depth = sys.getrecursionlimit()
    try:
        TensorPickler(buffer, protocol, store, old).dump(obj)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise type(error)(f"save: cannot write {type(obj).__name__}: {error}") from error
    except RecursionError:
        raise RecursionError(f"save: lists or objects nested deeper than {depth} calls") from None
    return buffer.getvalue()
