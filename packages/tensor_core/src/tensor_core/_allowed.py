"""What a pickle may name, call and build without being trusted."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from . import _dtypes, _utils
from ._size import Size, device
from ._tensor import Tensor
from .nn.parameter import Parameter
from .storage import STORAGE_CLASSES, UntypedStorage

BLOCKED = {"sys", "os", "posix", "nt", "subprocess"}
"""Modules of which nothing may be used, even where a program allows it."""

users: dict[str, Any] = {}
"""What programs have allowed with ``add_safe_globals``: by name."""


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    """How protocol 2 writes bytes: as text."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise UnpicklingError(f"it encodes a {type(text).__name__} as {encoding!r}, not as latin1")
    return text.encode("latin1")


def _bytearray(*args: Any) -> bytearray:
    if args and type(args[0]) is str:
        return bytearray(_encode(*args))
    if args and type(args[0]) not in (bytes, list):
        raise UnpicklingError(f"it makes a bytearray of a {type(args[0]).__name__}")
    return bytearray(*args)


def _no_bytes(*args: Any) -> bytes:
    """How protocol 2 writes ``b""``."""
    if args:
        raise UnpicklingError("it makes bytes of something")
    return b""


def _get_layout(name: Any) -> Any:
    import tensor_core

    if name != "torch.strided":
        raise UnpicklingError(f"it holds a tensor of layout {name}; only dense ones are supported")
    return getattr(tensor_core, "strided", name)


def _plain_container(kind: type) -> Callable[..., Any]:
    def make(*args: Any) -> Any:
        if len(args) > 1 or any(type(a) not in (list, tuple, dict) for a in args):
            raise UnpicklingError(f"it makes a {kind.__name__} of something unusual")
        return kind(*args)

    return make


def _from_type(func: Any, new_type: Any, args: Any, state: Any) -> Any:
    """A tensor with attributes, or of a class that a program allows."""
    allowed = new_type in (Tensor, Parameter) or _is_users_class(new_type)
    if func not in _REBUILD or not allowed or type(args) is not tuple:
        raise UnpicklingError(f"it makes a tensor of type {new_type} in a way that is not allowed")
    if not isinstance(state, dict | None):
        raise UnpicklingError("it gives a tensor attributes that are no dict")
    return _utils._rebuild_from_type_v2(func, new_type, args, state)


_REBUILD = (
    _utils._rebuild_tensor,
    _utils._rebuild_tensor_v2,
    _utils._rebuild_tensor_v3,
    _utils._rebuild_parameter,
    _utils._rebuild_parameter_with_state,
)

GLOBALS: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "torch.nn.parameter.Parameter": Parameter,
    "torch.Tensor": Tensor,
    "torch.Size": Size,
    "torch.device": device,
    "torch.serialization._get_layout": _get_layout,
    "torch._tensor._rebuild_from_type_v2": _from_type,
    "_codecs.encode": _encode,
    "builtins.bytes": _no_bytes,
    "builtins.bytearray": _bytearray,
    "builtins.set": set,
    "builtins.complex": complex,
    "torch.storage.UntypedStorage": UntypedStorage,
    "torch.UntypedStorage": UntypedStorage,
    **{f"torch._utils.{f.__name__}": f for f in _REBUILD},
    **{f"torch.{name}": kind for name, kind in STORAGE_CLASSES.items()},
    **{f"torch.cuda.{name}": kind for name, kind in STORAGE_CLASSES.items()},
    **{f"torch.{d.name}": d for d in vars(_dtypes).values() if isinstance(d, _dtypes.dtype)},
}
"""Names a file may use, and what they stand for."""

_CALLS: dict[int, Callable[..., Any]] = {
    id(OrderedDict): _plain_container(OrderedDict),
    id(Counter): _plain_container(Counter),
    id(set): _plain_container(set),
    **{id(f): f for f in (*_REBUILD, _from_type, _encode, _no_bytes, _bytearray, _get_layout)},
    **{id(c): c for c in (Size, device, complex)},
}

_ABSENT = {
    "torch._utils._rebuild_sparse_tensor": "sparse tensors",
    "torch._utils._rebuild_qtensor": "quantized tensors",
    "torch._utils._rebuild_meta_tensor_no_storage": "meta tensors",
    "torch._utils._rebuild_nested_tensor": "nested tensors",
    "torch._utils._rebuild_wrapper_subclass": "wrapped tensors",
    **{f"torch.{n}Storage": "quantized tensors" for n in ("QInt8", "QUInt8", "QInt32")},
}


def _is_users_class(cls: Any) -> bool:
    return isinstance(cls, type) and any(cls is u for u in users.values())


class Allowed:
    """The list, and what is done with what stands on it."""

    def find(self, module: str, name: str) -> Any:
        """What a name stands for; ``None`` if it is on no list."""
        module = {"__builtin__": "builtins"}.get(module, module)
        full = f"{module}.{name}"
        if full in _ABSENT:
            raise UnpicklingError(f"it holds {_ABSENT[full]} ({full}), which are not supported")
        found = GLOBALS.get(full)
        return users.get(full) if found is None else found

    def is_users(self, obj: Any) -> bool:
        """Whether it is an instance of a class that a program has allowed."""
        return _is_users_class(type(obj))

    def call(self, function: Any, args: tuple[Any, ...]) -> Any:
        """The result of a function on the list."""
        known = _CALLS.get(id(function))
        if known is not None:
            return known(*args)
        if any(function is u for u in users.values()):
            return function(*args)
        shown = getattr(function, "__name__", type(function).__name__)
        raise UnpicklingError(f"it calls {shown}, which may not be called")

    def new(self, cls: Any, args: tuple[Any, ...]) -> Any:
        """An object of a class on the list, made without ``__init__``."""
        if cls is Parameter:
            return Parameter(*args)
        if cls in (OrderedDict, Counter, set):
            return cls()
        if not _is_users_class(cls):
            raise UnpicklingError(f"it makes an object of {cls}, which is not on the list")
        return cls.__new__(cls, *args)

    def build(self, target: Any, state: Any) -> None:
        """Give an object its state."""
        if type(target) is OrderedDict and type(state) is dict:
            target.__dict__.update(state)  # a state_dict's _metadata
        elif self.is_users(target):
            _set_state(target, state)
        else:
            raise UnpicklingError(
                f"it sets the state of a {type(target).__name__}, which is not on the list"
            )


def _set_state(target: Any, state: Any) -> None:
    """What pickle does with a state, for classes that a program has allowed."""
    if hasattr(target, "__setstate__"):
        target.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        target.__dict__.update(state)
    for name, value in (slots or {}).items():
        setattr(target, name, value)
